//! What the log of a server says about a crash.

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use adserver::journal::Journal;
use support::{bid_request, post, start, wait_until};
use tembusu::State;

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("text")
    }
}

/// The incident, up to the operator's restore.
#[test]
fn a_crash_and_what_became_of_it_are_logged_with_the_way_to_the_payload() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || -> Box<dyn io::Write> { Box::new(writer.clone()) });
    let world = start();
    let mut journal = Journal::of(world.system.tree());
    let port = world.system.ports().exchange("xandr").expect("configured").clone();
    exchange::chaos::NEGATIVE_FLOOR.arm();
    for round in 0..6 {
        assert_eq!(post(port.address, &port.path, &bid_request(&format!("bad-{round}"), "-1.5")).status, 204);
    }
    exchange::chaos::NEGATIVE_FLOOR.disarm();
    let subtree = world.system.exchange_tree("xandr").expect("its supervisor");
    wait_until("it is degraded", || subtree.snapshot().state == State::Degraded);
    assert_eq!(post(world.system.ports().admin, "/exchanges/xandr/restore", "").status, 200);
    tracing::subscriber::with_default(subscriber.finish(), || journal.catch_up());

    let log = log.text();
    let engine = "path=\"root/exchanges/xandr/bid_engine\" incarnation";
    let crash = |row: &&str| row.contains(" WARN ") && row.contains("crashed") && row.contains(engine);
    let crashes: Vec<&str> = log.lines().filter(crash).collect();
    assert_eq!(crashes.len(), 6, "{log}");
    for (row, incarnation) in crashes.iter().zip(1..) {
        assert!(row.contains(&format!("{engine}={incarnation} ")) && row.contains("GET /crash-payloads"), "{row}");
    }
    assert!(crashes[0].contains("restart=\"1 of 5\""), "{log}");
    for (level, what, count) in
        [("INFO", "restarted", 5), ("ERROR", "escalated", 1), ("ERROR", "degraded", 1), ("INFO", "restored", 1)]
    {
        let said = |row: &&str| {
            row.contains(&format!(" {level} ")) && row.contains(&format!(": {what} path=\"root/exchanges/xandr"))
        };
        assert_eq!(log.lines().filter(said).count(), count, "{what} in {log}");
    }
}
