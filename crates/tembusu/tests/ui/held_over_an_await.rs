//! A handler may move between threads: what it holds over an await must be `Send`.

use std::convert::Infallible;
use std::rc::Rc;

use tembusu::{Actor, Context, Flow, Init};

struct Engine;

impl Actor for Engine {
    type Message = ();
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let shared = Rc::new(1);
        std::future::ready(()).await;
        drop(shared);
        Ok(Flow::Continue)
    }
}

fn main() {}
