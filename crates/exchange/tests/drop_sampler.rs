//! Which requests are set aside, and how many.

use bytes::Bytes;
use exchange::drops::{DropSampler, SAMPLES_MAX, Sample};

fn sample(body: &'static str) -> Sample {
    Sample { body: Bytes::from_static(body.as_bytes()), no_bid: None, trail: Default::default() }
}

#[test]
fn one_request_in_so_many_is_picked_and_none_where_that_is_zero() {
    let third = DropSampler::new(3);
    let picked: Vec<bool> = (0..7).map(|_| third.picks()).collect();
    assert_eq!(picked, [false, true, false, false, true, false, false]);
    let every = DropSampler::new(1);
    assert!((0..3).all(|_| every.picks()));
    let rare = DropSampler::new(10_000);
    let first = (0..10_000).position(|_| rare.picks());
    assert_eq!(first, Some(5_000), "not of the moment at which a process starts");
    assert!(!(0..100).any(|_| DropSampler::default().picks()));
}

#[test]
fn the_oldest_are_kept_and_the_rest_is_counted() {
    let sampler = DropSampler::new(1);
    for body in ["a", "b", "c", "d", "e", "f"] {
        sampler.put(sample(body));
    }
    let kept: Vec<Bytes> = std::iter::from_fn(|| sampler.take()).map(|sample| sample.body).collect();
    assert_eq!(kept, ["a", "b", "c", "d", "e", "f"][..SAMPLES_MAX]);
    assert_eq!(sampler.skipped(), 6 - SAMPLES_MAX as u64);
}
