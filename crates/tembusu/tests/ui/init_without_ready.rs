//! `init` says whether there is something to run: the bare state is not enough.

use std::convert::Infallible;

use tembusu::{Actor, Context, Flow, Init};

struct Engine;

impl Actor for Engine {
    type Message = ();
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        let init: Init<Self> = Self;
        Ok(init)
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

fn main() {}
