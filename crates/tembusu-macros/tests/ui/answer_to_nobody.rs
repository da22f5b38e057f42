//! What a `#[tell]` function returns would be lost.

use std::convert::Infallible;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    fn init((): &()) -> Result<Self, Infallible> {
        Ok(Self)
    }

    #[tell]
    fn total(&self) -> Result<i64, Infallible> {
        Ok(0)
    }
}

fn main() {}
