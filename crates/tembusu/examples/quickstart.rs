//! An actor of two messages, three of it in a chain with five restarts in ten seconds, and a call that waits 50 ms.
//!
//! `cargo run -p tembusu --example quickstart`

use std::{convert::Infallible, time::Duration};
use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, child};

struct Counter(u64);

enum Message {
    Add(u64),
    Total(Reply<u64>),
}

impl Actor for Counter {
    type Message = Message;
    type Args = u64;
    type Crash = Infallible;

    async fn init(start: &u64, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(*start)))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {
            Message::Add(n) => self.0 += n,
            Message::Total(reply) => drop(reply.send(self.0)),
        }
        Ok(Flow::Continue)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut chain = Supervisor::rest_for_one("chain").intensity(5, Duration::from_secs(10));
    let [first, ..] = ["a", "b", "c"].map(|name| chain.add(child::<Counter>(name, 40)));
    let tree = chain.start().await?;
    first.tell(Message::Add(2))?;
    println!("{}", first.call(Message::Total, Duration::from_millis(50)).await?);
    tree.shutdown().await;
    Ok(())
}
