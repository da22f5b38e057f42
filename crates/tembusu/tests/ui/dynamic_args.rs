//! The children of a dynamic supervisor are started from arguments of its template's type.

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

async fn start() {
    let mut root = Supervisor::one_for_one("root");
    let pool = root.dynamic("pool", |port: u16| child::<Counter>(port.to_string(), ()));
    let _ = pool.start("http").await;
}

fn main() {}
