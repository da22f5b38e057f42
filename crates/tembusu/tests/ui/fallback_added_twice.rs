//! A fallback is given away with the supervisor whose place it takes: it is nobody else's child.

use tembusu::Supervisor;

fn main() {
    let mut exchanges = Supervisor::one_for_one("exchanges");
    let no_bid = Supervisor::one_for_one("no_bid");
    exchanges.supervisor(Supervisor::one_for_one("adx").degrade_to(no_bid));
    exchanges.supervisor(no_bid);
}
