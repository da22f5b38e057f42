//! A process out of file descriptors stops accepting and goes on when it has some again.
//!
//! How: a test binary of its own lowers its own limit with `prlimit`, fills it up, and connects with a socket made before.

mod common;

use std::fs::File;
use std::process::Command;

use common::{Client, Server, post};
use tokio::net::TcpSocket;

#[tokio::test]
async fn accepting_goes_on_after_the_process_was_out_of_descriptors() {
    let pid = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, "--nofile=256:256"]).status();
    if !limited.is_ok_and(|status| status.success()) {
        println!("skipped: prlimit is not to be had here");
        return;
    }
    let server = Server::start();
    let mut open = server.client().await;
    assert_eq!(open.ask(post("bid")).await.status, 200);
    let waiting = TcpSocket::new_v4().expect("a socket");
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    let mut waiting = Client::over(waiting.connect(server.address).await.expect("the kernel accepts"));
    waiting.send(post("no-bid")).await;
    server.script.until(|script| script.events("accept_failed") >= 2).await;
    assert_eq!(open.ask(post("bid")).await.status, 200, "open connections do not notice");
    drop(hoard);
    assert_eq!(waiting.reply().await.status, 204);
}
