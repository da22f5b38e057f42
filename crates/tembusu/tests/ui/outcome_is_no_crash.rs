//! `?` on a business outcome inside `handle` does not compile: it is no crash.

use tembusu::{Actor, Context, Flow, Init};

#[derive(Debug)]
struct NoBid;

#[derive(Debug)]
struct DiskFull;

impl std::fmt::Display for DiskFull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the disk is full")
    }
}

impl std::error::Error for DiskFull {}

fn decide() -> Result<u64, NoBid> {
    Err(NoBid)
}

struct Engine;

impl Actor for Engine {
    type Message = ();
    type Args = ();
    type Crash = DiskFull;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, DiskFull> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, DiskFull> {
        let _price = decide()?;
        Ok(Flow::Continue)
    }
}

fn main() {}
