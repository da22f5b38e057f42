//! Meters count exactly, from any thread, and never grow with the input.

use std::time::Duration;

use telemetry::{BUCKETS_US, Histogram, LABELS_MAX, Labelled, Meters};

#[test]
fn a_label_is_counted_apart_from_the_others() {
    let reasons = Labelled::new();
    reasons.inc("below_floor");
    reasons.add("paced", 3);
    reasons.inc("below_floor");
    assert_eq!(reasons.iter().collect::<Vec<_>>(), [("below_floor", 2), ("paced", 3)]);
    assert_eq!(reasons.get("paced"), 3);
    assert_eq!(reasons.get("capped"), 0);
    assert_eq!(reasons.total(), 5);
}

#[test]
fn equal_labels_from_different_places_are_one() {
    let reasons = Labelled::new();
    let elsewhere: &'static str = String::from("below_floor").leak();
    reasons.inc("below_floor");
    reasons.inc(elsewhere);
    assert_eq!(reasons.get("below_floor"), 2);
    assert_eq!(reasons.iter().count(), 1);
}

#[test]
fn labels_beyond_the_last_slot_are_counted_as_other() {
    let reasons = Labelled::new();
    for label in 0..LABELS_MAX {
        reasons.inc(label.to_string().leak());
    }
    assert_eq!(reasons.get(Labelled::OTHER), 0);
    reasons.inc("one too many");
    reasons.inc("and another");
    reasons.inc(Labelled::OTHER);
    assert_eq!(reasons.get(Labelled::OTHER), 3);
    assert_eq!(reasons.total(), LABELS_MAX as u64 + 3);
    assert_eq!(reasons.iter().count(), LABELS_MAX + 1);
}

#[test]
fn threads_that_count_the_same_new_labels_lose_nothing() {
    const LABELS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const THREADS: usize = 4;
    const ROUNDS: usize = 1_000;
    let reasons = Labelled::new();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let reasons = &reasons;
            scope.spawn(move || (0..ROUNDS).for_each(|round| reasons.inc(LABELS[(thread + round) % LABELS.len()])));
        }
    });
    assert_eq!(reasons.total(), (THREADS * ROUNDS) as u64);
    assert_eq!(reasons.iter().count(), LABELS.len());
    LABELS.iter().for_each(|label| assert_eq!(reasons.get(label), (THREADS * ROUNDS / LABELS.len()) as u64));
}

#[test]
fn a_duration_falls_into_the_first_bucket_whose_bound_it_does_not_exceed() {
    let latency = Histogram::new();
    latency.observe(Duration::from_micros(BUCKETS_US[0]));
    latency.observe(Duration::from_micros(BUCKETS_US[0] + 1));
    latency.observe(Duration::from_secs(3_600));
    let snapshot = latency.snapshot();
    assert_eq!((snapshot.counts[0], snapshot.counts[1]), (1, 1));
    assert_eq!(snapshot.counts[BUCKETS_US.len()], 1);
    assert_eq!(snapshot.count(), 3);
}

#[test]
fn a_quantile_is_the_bound_of_its_bucket() {
    let latency = Histogram::new();
    assert_eq!(latency.snapshot().quantile_us_max(500), None);
    (0..99).for_each(|_| latency.observe(Duration::from_micros(90)));
    latency.observe(Duration::from_micros(1_500));
    let snapshot = latency.snapshot();
    assert_eq!(snapshot.quantile_us_max(500), Some(100));
    assert_eq!(snapshot.quantile_us_max(990), Some(100));
    assert_eq!(snapshot.quantile_us_max(999), Some(2_000));
}

#[test]
fn meters_are_found_by_name_and_shared() {
    let meters = Meters::new(&["google_adx", "xandr"], &["sg", "id"]);
    let handle = meters.exchange("xandr").expect("a configured exchange").clone();
    handle.region("id").expect("a configured region").requests.inc();
    let cell = meters.exchange("xandr").and_then(|exchange| exchange.region("id")).expect("the same cell");
    assert_eq!(cell.requests.get(), 1);
    assert!(meters.exchange("index").is_none());
    assert!(handle.region("th").is_none());
}

#[test]
fn statuses_are_counted_by_class() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    let statuses = &meters.exchange("xandr").expect("a configured exchange").statuses;
    [200, 204, 204, 400, 404, 503, 101].into_iter().for_each(|status| statuses.inc(status));
    let counted: Vec<_> = statuses.iter().collect();
    assert_eq!(counted, [("200", 1), ("204", 2), ("400", 1), ("4xx", 1), ("5xx", 1), ("other", 1)]);
}
