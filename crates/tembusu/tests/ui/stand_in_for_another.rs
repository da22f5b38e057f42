//! A stand-in handles the messages of the child whose place it takes.

use std::convert::Infallible;

use tembusu::{Actor, Address, Context, Flow, Init, stand_in};

struct Counter;

impl Actor for Counter {
    type Message = u64;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

fn deputies(texts: &Address<String>) {
    let _ = stand_in::<Counter>(texts, ());
}

fn main() {}
