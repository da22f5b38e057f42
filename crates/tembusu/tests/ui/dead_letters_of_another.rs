//! A collector of dead letters receives the messages of the actor that they were written to.

use std::convert::Infallible;

use tembusu::{Actor, Context, DeadLetter, Flow, Init, Supervisor, child};

struct Engine;

impl Actor for Engine {
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

struct Collector;

impl Actor for Collector {
    type Message = DeadLetter<String>;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, _: DeadLetter<String>, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

fn main() {
    let mut root = Supervisor::one_for_one("root");
    let collector = root.add(child::<Collector>("collector", ()));
    root.add(child::<Engine>("engine", ()).dead_letters(collector));
}
