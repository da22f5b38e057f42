//! A crash is always possible to say: the function returns a `Result`.

use std::convert::Infallible;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    fn init((): &()) -> Result<Self, Infallible> {
        Ok(Self)
    }

    #[call]
    fn total(&self) -> i64 {
        0
    }
}

fn main() {}
