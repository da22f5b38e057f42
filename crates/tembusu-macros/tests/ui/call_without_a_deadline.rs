//! A call that nobody says how long to wait for is not made, and the compiler warns.
#![deny(unused_must_use)]

use std::convert::Infallible;

use tembusu::Address;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    fn init((): &()) -> Result<Self, Infallible> {
        Ok(Self)
    }

    #[call]
    fn total(&self) -> Result<i64, Infallible> {
        Ok(0)
    }
}

fn ask(pacer: &Address<PacerMessage>) {
    pacer.total();
}

fn main() {}
