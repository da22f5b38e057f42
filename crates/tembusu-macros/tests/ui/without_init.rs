//! The state is made by `init`.

use std::convert::Infallible;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    #[tell]
    fn add(&mut self, _amount: i64) -> Result<(), Infallible> {
        Ok(())
    }
}

fn main() {}
