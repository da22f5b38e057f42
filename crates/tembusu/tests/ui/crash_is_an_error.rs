//! What an actor crashes with is an error: a text is not enough.

use tembusu::{Actor, Context, Flow, Init};

struct Engine;

impl Actor for Engine {
    type Message = ();
    type Args = ();
    type Crash = String;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, String> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, String> {
        Ok(Flow::Continue)
    }
}

fn main() {}
