//! A message that an actor cannot receive does not compile.

use std::convert::Infallible;

use tembusu::{Actor, Context, Flow, Init, Supervisor, child};

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

fn main() {
    let mut root = Supervisor::one_for_one("root");
    let counter = root.add(child::<Counter>("counter", ()));
    let _ = counter.tell("one more");
}
