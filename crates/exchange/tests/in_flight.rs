//! The in-flight table: a place is given once and comes back however its request ends.

use std::sync::Arc;
use std::time::Duration;

use exchange::pool::{InFlight, Ticket};
use tokio::time::{Instant, advance};

/// Far enough to be of no concern.
fn enter(table: &Arc<InFlight>) -> Option<Ticket> {
    enter_within(table, Duration::from_secs(3_600))
}

fn enter_within(table: &Arc<InFlight>, time: Duration) -> Option<Ticket> {
    table.enter(Instant::now(), Instant::now() + time)
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

#[tokio::test(start_paused = true)]
async fn a_request_whose_turn_would_come_too_late_is_refused_at_once() {
    const EACH: Duration = Duration::from_millis(2);
    let table = Arc::new(InFlight::new(1_000));
    for _ in 0..100 {
        let ticket = enter(&table).expect("room");
        advance(EACH).await;
        ticket.served();
        advance(EACH * 50).await; // quiet time is not counted
    }
    let mut before = Vec::new();
    while let Some(ticket) = enter_within(&table, EACH * 10) {
        before.push(ticket);
    }
    assert_eq!(before.len(), 11, "ten take the whole time, and the eleventh has just begun to wait for them");
    assert_eq!(table.figures().refused, 1);
    before.push(enter_within(&table, EACH * 11).expect("who has more time waits"));

    // They are served as a batch: what counts is the time of all.
    advance(EACH * 12).await;
    before.drain(..).for_each(Ticket::served);
    let first = enter_within(&table, Duration::ZERO).expect("with nobody before it, a request is always tried");
    assert!(enter_within(&table, EACH * 9 / 10).is_none());
    assert!(enter_within(&table, EACH * 11 / 10).is_some());
    drop(first);
}
