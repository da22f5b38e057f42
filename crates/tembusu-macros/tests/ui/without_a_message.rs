//! An actor without a message would never do anything.

use std::convert::Infallible;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    fn init((): &()) -> Result<Self, Infallible> {
        Ok(Self)
    }

    fn add(&mut self, _amount: i64) {}
}

fn main() {}
