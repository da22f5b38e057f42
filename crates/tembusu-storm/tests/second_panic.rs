//! What no supervisor survives: a panic while another one unwinds.
//!
//! Rust ends the process then, whatever catches panics. So a destructor must not panic when
//! `std::thread::panicking()`; a unit file that restarts the process is for the rest.

use std::convert::Infallible;
use std::process::Command;
use std::time::Duration;

use tembusu::{Actor, Context, Flow, Init, Supervisor, child};

/// Set for the process that is to end.
const DOOMED: &str = "TEMBUSU_STORM_DOOMED";

struct Unbearable;

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the second panic");
    }
}

impl Actor for Unbearable {
    type Message = ();
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _local = PanicsInDrop;
        panic!("the first panic");
    }
}

#[test]
fn a_second_panic_during_an_unwind_ends_the_process() {
    if std::env::var_os(DOOMED).is_some() {
        return perish();
    }
    let here = std::env::current_exe().expect("this test has a path");
    let mut doomed = Command::new(here);
    doomed.args(["--exact", "a_second_panic_during_an_unwind_ends_the_process", "--nocapture"]);
    let output = doomed.env(DOOMED, "1").output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        const SIGABRT: i32 = 6;
        assert_eq!(output.status.signal(), Some(SIGABRT), "{text}");
    }
    assert!(!output.status.success(), "{text}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("survived"), "{text}");
}

fn perish() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut root = Supervisor::one_for_one("root");
        let address = root.add(child::<Unbearable>("unbearable", ()));
        let _tree = root.start().await.expect("it starts");
        address.tell(()).expect("it listens");
        tokio::time::sleep(Duration::from_secs(30)).await;
        println!("survived");
    });
}
