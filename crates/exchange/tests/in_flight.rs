//! The in-flight table: a place is given once and comes back however its request ends.

use std::sync::Arc;

use exchange::pool::{InFlight, Ticket};
use tokio::time::Instant;

fn enter(table: &Arc<InFlight>) -> Option<Ticket> {
    table.enter(Instant::now())
}

#[test]
fn places_are_limited_and_come_back() {
    let table = Arc::new(InFlight::new(2));
    let first = enter(&table).expect("room");
    let second = enter(&table).expect("room");
    assert!(enter(&table).is_none());
    drop(first);
    let third = enter(&table).expect("room again");
    let figures = table.figures();
    assert_eq!((figures.now, figures.max, figures.admitted, figures.refused), (2, 2, 3, 1));
    drop((second, third));
    assert_eq!(table.figures().now, 0);
}

#[test]
fn a_panicking_request_gives_its_place_back() {
    let table = Arc::new(InFlight::new(1));
    let theirs = Arc::clone(&table);
    let panicked = std::thread::spawn(move || {
        let _ticket = enter(&theirs);
        panic!("a request that crashes its connection");
    });
    assert!(panicked.join().is_err());
    assert!(enter(&table).is_some());
}
