//! A registry leads to actors of one message type: others cannot register themselves.

use std::convert::Infallible;

use tembusu::{Actor, Context, Flow, Init, Registry};

struct Engine;

impl Actor for Engine {
    type Message = u64;
    type Args = Registry<&'static str, String>;
    type Crash = Infallible;

    async fn init(names: &Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        let _ = cx.register(names, "engine");
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

fn main() {}
