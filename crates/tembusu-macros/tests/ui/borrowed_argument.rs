//! A message is sent by value.

use std::convert::Infallible;

struct Pacer;

#[tembusu::actor]
impl Pacer {
    fn init((): &()) -> Result<Self, Infallible> {
        Ok(Self)
    }

    #[tell]
    fn note(&mut self, _text: &str) -> Result<(), Infallible> {
        Ok(())
    }
}

fn main() {}
