//! A business outcome cannot become a crash by `?`, here either.

use std::convert::Infallible;

struct BelowFloor;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    fn init((): &()) -> Result<Self, Infallible> {
        Ok(Self)
    }

    #[call]
    fn take(&mut self, amount: i64) -> Result<i64, Infallible> {
        let price: Result<i64, BelowFloor> = Err(BelowFloor);
        Ok(price? + amount)
    }
}

fn main() {}
