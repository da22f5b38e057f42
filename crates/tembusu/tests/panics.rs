//! Panics wherever code of a user runs are survived, except where Rust itself ends the process.

use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tembusu::{
    Actor, Address, CallError, Context, ExitReason, Flow, Init, Missed, Reply, Restart, StartError, Supervisor, child,
};
use tembusu_testkit::{
    EventRecorder, Gate, Journal, PATIENCE, PanicsWhenDropped, Say, Scripted, Step, ask, on_both, virtual_time,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Beyond OTP's suite (i).
#[test]
fn a_panic_in_init_is_a_failed_start() {
    on_both(async || {
        for step in [Step::Panic, Step::PanicWithTrap] {
            let mut root = Supervisor::one_for_one("root");
            root.add(child::<Scripted>("a", Journal::new().script("a").init([step])));
            let Err(StartError::Failed { reason, .. }) = root.start().await else { panic!("it cannot start") };
            assert!(matches!(reason, ExitReason::Panic { location: Some(_), .. }), "{reason}");
        }
    });
}

/// Beyond OTP's suite (i).
#[test]
fn a_payload_that_panics_when_dropped_is_an_ordinary_panic() {
    on_both(async || {
        let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let _tree = root.start().await.expect("it starts");
        let lost = a.call(|reply| Say::Lose(Step::PanicWithTrap, reply), PATIENCE).await;
        let Err(CallError::Died(ExitReason::Panic { message, location })) = lost else { panic!("{lost:?}") };
        assert_eq!(&*message, "a panic whose payload is no text");
        assert!(location.is_some_and(|location| location.contains("scripted.rs")));
        assert_eq!(ask(&a).await, 2);
    });
}

#[test]
fn a_panic_in_the_destructor_of_a_crashed_state_changes_nothing() {
    on_both(async || {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE);
        let a = root.add(child::<Scripted>("a", journal.script("a").drop([Step::Panic, Step::Panic])));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        for (step, line) in [(Step::Error, "crashed error 1/3"), (Step::Panic, "crashed panic 2/3")] {
            a.tell(step.into()).expect("it is told");
            events.wait_for(|event| tembusu_testkit::line(event).ends_with(line)).await;
        }
        assert_eq!(ask(&a).await, 3);
    });
}

/// Beyond OTP's suite (i).
#[test]
fn a_panic_in_stop_or_in_the_destructor_of_a_stopped_state_is_how_it_ended() {
    on_both(async || {
        for script in [Journal::new().script("a").stop([Step::Panic]), Journal::new().script("a").drop([Step::Panic])] {
            let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE);
            let a = root.add(child::<Scripted>("a", script.clone()).restart(Restart::Transient));
            let events = EventRecorder::of(&root.handle());
            let tree = root.start().await.expect("it starts");
            a.tell(Step::Stop.into()).expect("it is told");
            assert_eq!(ask(&a).await, 2, "a transient that panics on its way out is restarted");
            drop(script.stop([Step::Panic]));
            tree.shutdown().await;
            let expected =
                ["root/a#1 started", "root/a#1 crashed panic 1/3", "root/a#2 restarted", "root/a#2 crashed panic"];
            assert_eq!(events.rest().await, expected);
        }
    });
}

#[test]
fn a_panic_in_the_destructor_of_a_killed_state_is_survived() {
    virtual_time(async {
        let mut root = Supervisor::one_for_all("root").intensity(3, MINUTE);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a").drop([Step::Panic])));
        let b = root.add(child::<Scripted>("b", Journal::new().script("b")));
        let _tree = root.start().await.expect("it starts");
        a.tell(Step::Hang.into()).expect("it is told");
        b.tell(Step::Error.into()).expect("it is told");
        assert_eq!((ask(&a).await, ask(&b).await), (2, 2));
    });
}

#[test]
fn messages_that_panic_when_dropped_are_survived_wherever_they_are() {
    on_both(async || {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(5, MINUTE);
        let kept = root.add(child::<Scripted>("kept", journal.script("kept")));
        let fresh = root.add(child::<Scripted>("fresh", journal.script("fresh")).fresh_queue());
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        // In a timer of the incarnation that crashes, with the true reason of its end.
        let trap = Say::Later(MINUTE, Box::new(Say::Trap(PanicsWhenDropped)));
        kept.tell(trap).expect("it is told");
        kept.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/kept#1 crashed error 1/5").await;
        assert_eq!(ask(&kept).await, 2);
        // In a queue that is emptied by a crash.
        let gate = Gate::new();
        fresh.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        fresh.tell(Step::Panic.into()).expect("it is told");
        for _ in 0..3 {
            fresh.tell(Say::Trap(PanicsWhenDropped)).expect("it is told");
        }
        gate.open();
        events.wait_for_line("root/fresh#2 restarted").await;
        assert_eq!(ask(&fresh).await, 2);
        // In a queue that is closed with the tree.
        let gate = Gate::new();
        kept.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        kept.tell(Say::Trap(PanicsWhenDropped)).expect("it is told");
        let (reason, ()) = tokio::join!(tree.shutdown(), async { gate.open() });
        assert!(matches!(reason, ExitReason::Shutdown));
    });
}

/// What makes its messages panics, and so does the destructor of its state, once each.
struct Maker(Arc<AtomicBool>);

impl Drop for Maker {
    fn drop(&mut self) {
        assert!(self.0.swap(true, Ordering::SeqCst), "its state is dropped");
    }
}

enum Make {
    Tick,
    Watch(Address<Say>),
    Ask(Reply<u64>),
}

impl Actor for Maker {
    type Message = Make;
    type Args = Arc<AtomicBool>;
    type Crash = Infallible;

    async fn init(dropped: &Arc<AtomicBool>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        dropped.store(false, Ordering::SeqCst);
        cx.trap_exits(|_| panic!("no exit"));
        Ok(Init::Ready(Self(Arc::clone(dropped))))
    }

    async fn handle(&mut self, message: Make, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {
            Make::Tick => drop(cx.every(MINUTE / 2, Missed::Skip, || panic!("no tick"))),
            Make::Watch(other) if cx.incarnation() == 2 => drop(cx.monitor(&other, |_| panic!("no notice"))),
            Make::Watch(other) => cx.link(&other),
            Make::Ask(reply) => drop(reply.send(cx.incarnation())),
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn a_panic_in_what_makes_a_message_is_one_of_the_handler() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(5, MINUTE * 60);
        let maker = root.add(child::<Maker>("maker", Arc::default()));
        let other = root.add(child::<Scripted>("other", Journal::new().script("other")));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        for (make, n) in [(Make::Tick, 1), (Make::Watch(other.clone()), 2), (Make::Watch(other.clone()), 3)] {
            maker.tell(make).expect("it is told");
            assert_eq!(maker.call(Make::Ask, MINUTE).await.expect("it answers"), n);
            if n > 1 {
                other.tell(Step::Error.into()).expect("it is told");
            }
            events
                .wait_for(|event| tembusu_testkit::line(event).starts_with(&format!("root/maker#{n} crashed panic")))
                .await;
        }
        assert_eq!(maker.call(Make::Ask, MINUTE).await.expect("it answers"), 4);
    });
}

struct Trapped;

impl Actor for Trapped {
    type Message = Reply<u64>;
    type Args = ();
    type Crash = PanicsWhenDropped;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, PanicsWhenDropped> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, _: Reply<u64>, _: &mut Context<Self>) -> Result<Flow, PanicsWhenDropped> {
        Err(PanicsWhenDropped)
    }
}

#[test]
fn many_errors_that_panic_when_dropped_are_dropped_one_by_one() {
    virtual_time(async {
        // In the history of the tree, in what its children know, and in the report when that is given up.
        for limit in [20, 5] {
            let mut root = Supervisor::one_for_one("root").intensity(limit, MINUTE);
            let a = root.add(child::<Trapped>("a", ()));
            let b = root.add(child::<Trapped>("b", ()));
            let tree = root.start().await.expect("it starts");
            for address in [&a, &b, &a, &b, &a, &b] {
                assert!(address.call(|reply| reply, MINUTE).await.is_err());
            }
            let reason = tree.shutdown().await;
            assert_eq!(matches!(reason, ExitReason::Exhausted(_)), limit == 5);
            drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop((tree, reason)))));
        }
    });
}

/// Panics, and panics again in a destructor while that unwinds.
struct Doubly;

impl Actor for Doubly {
    type Message = ();
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _trap = PanicsWhenDropped;
        panic!("the first");
    }
}

const IN_CHILD_PROCESS: &str = "TEMBUSU_TEST_DOUBLE_PANIC";

/// Beyond OTP's suite (i).
#[test]
fn a_panic_during_an_unwind_ends_the_process() {
    if std::env::var_os(IN_CHILD_PROCESS).is_some() {
        virtual_time(async {
            let mut root = Supervisor::one_for_one("root");
            let doubly = root.add(child::<Doubly>("doubly", ()));
            let tree = root.start().await.expect("it starts");
            doubly.tell(()).expect("it is told");
            tree.wait().await;
        });
        return;
    }
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_panic_during_an_unwind_ends_the_process", "--nocapture"])
        .env(IN_CHILD_PROCESS, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it runs");
    assert!(!output.status.success(), "nothing can supervise that: {output:?}");
    assert_eq!(output.status.code(), None, "it was aborted, by a signal");
    #[cfg(unix)]
    {
        const SIGABRT: i32 = 6;
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(SIGABRT), "{output:?}");
    }
}

/// The program that is built with `panic = "abort"`.
const ABORTING: &str = include_str!("fixtures/aborting.rs");

#[test]
fn a_program_built_with_panic_abort_is_refused() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aborting");
    let manifest = format!(
        "[package]\nname = \"aborting\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\ntembusu = {{ path = {crate_dir:?} }}\ntokio = {{ version = \"1\", features = [\"rt\", \"time\"] }}\n\n\
         [profile.dev]\npanic = \"abort\"\ndebug = false\n"
    );
    std::fs::create_dir_all(dir.join("src")).expect("a directory for the fixture");
    std::fs::write(dir.join("Cargo.toml"), manifest).expect("its manifest");
    std::fs::write(dir.join("src/main.rs"), ABORTING).expect("its source");
    // The versions that are there already: nothing is fetched.
    std::fs::copy(crate_dir.join("../../Cargo.lock"), dir.join("Cargo.lock")).expect("its lock file");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet"])
        .current_dir(&dir)
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert!(out.contains("invalid tree: built with panic = \"abort\""), "{out}{err}");
}
