//! The notice of a monitor is a message of the actor that asked for it.

use std::convert::Infallible;

use tembusu::{Actor, Address, Context, Down, Flow, Init};

struct Watcher;

enum Message {
    Ended(Down),
}

impl Actor for Watcher {
    type Message = Message;
    type Args = Address<u64>;
    type Crash = Infallible;

    async fn init(worker: &Address<u64>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        cx.monitor(worker, |down| down);
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, Message::Ended(_): Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

fn main() {}
