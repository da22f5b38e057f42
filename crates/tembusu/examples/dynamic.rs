//! Children that come and go: one for each connection, with typed arguments, restarted on their own.
//!
//! `cargo run -p tembusu --example dynamic`

use std::time::Duration;

use tembusu::{Actor, Context, DynamicSupervisor, Flow, Init, Reply, Restart, Supervisor, child};

const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
#[error("{peer} sent garbage")]
struct Garbage {
    peer: String,
}

struct Connection {
    peer: String,
    received: usize,
}

enum Message {
    Line(&'static str, Reply<usize>),
    Close,
}

impl Actor for Connection {
    type Message = Message;
    type Args = String;
    type Crash = Garbage;

    async fn init(peer: &String, cx: &mut Context<Self>) -> Result<Init<Self>, Garbage> {
        println!("{} is up, incarnation {}", cx.path(), cx.incarnation());
        Ok(Init::Ready(Self { peer: peer.clone(), received: 0 }))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Garbage> {
        match message {
            Message::Line(line, _) if !line.is_ascii() => return Err(Garbage { peer: self.peer.clone() }),
            Message::Line(line, reply) => {
                self.received += line.len();
                let _ = reply.send(self.received);
            }
            Message::Close => return Ok(Flow::Stop),
        }
        Ok(Flow::Continue)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut root = Supervisor::one_for_one("root");
    let each = |(name, peer): (&'static str, &'static str)| {
        // Restarted after a crash, not after it was closed.
        child::<Connection>(name, peer.to_owned()).restart(Restart::Transient)
    };
    let connections =
        root.add_dynamic(DynamicSupervisor::new("connections", each).intensity(10, Duration::from_secs(1)));
    let tree = root.start().await?;

    let first = connections.start(("c1", "192.0.2.1")).await?;
    let second = connections.start(("c2", "192.0.2.2")).await?;
    assert_eq!(first.call(|reply| Message::Line("hello", reply), PATIENCE).await?, 5);
    assert_eq!(second.call(|reply| Message::Line("hi", reply), PATIENCE).await?, 2);

    let died = first.call(|reply| Message::Line("\u{fffd}", reply), PATIENCE).await;
    println!("{}", died.expect_err("it crashed"));
    assert_eq!(first.call(|reply| Message::Line("again", reply), PATIENCE).await?, 5, "it has started anew");
    assert_eq!(second.call(|reply| Message::Line("there", reply), PATIENCE).await?, 7, "and the other has not");

    first.tell(Message::Close)?;
    tree.shutdown().await;
    Ok(())
}
