//! The schedule is fixed beforehand and waits for nobody. How: on a paused clock, so that instants are exact.

use std::sync::Arc;
use std::time::Duration;

use simulator::{Limit, Pace, Schedule, StopHandle};
use tokio::time::{Instant, advance};

const LONG: Duration = Duration::from_secs(3600);

fn schedule(per_second: u64, limit: Limit) -> (Schedule, StopHandle, Instant) {
    let (stop, start) = (StopHandle::new(), Instant::now());
    (Schedule::new(start, per_second, limit, Pace::Timer, &stop), stop, start)
}

#[tokio::test(start_paused = true)]
async fn slots_are_due_at_fixed_instants_however_late_they_are_taken() {
    let (schedule, _stop, start) = schedule(100, Limit { requests: 1000, duration: LONG });
    for index in 0..5 {
        let slot = schedule.next().await.expect("a slot");
        assert_eq!((slot.index, slot.due), (index, start + Duration::from_millis(10 * index)));
    }
    advance(Duration::from_secs(1)).await;
    let overdue = schedule.next().await.expect("a slot");
    assert_eq!(overdue.due, start + Duration::from_millis(50), "a stall does not move the schedule");
    assert!(overdue.due < Instant::now());
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_waited_for_too_long_is_not_given_out_and_counts_as_unsent() {
    let (schedule, _stop, start) = schedule(100, Limit { requests: 1000, duration: LONG });
    let schedule = schedule.patience(Some(Duration::from_millis(25)));
    assert_eq!(schedule.next().await.map(|slot| slot.index), Some(0));
    advance(Duration::from_secs(1)).await;
    let slot = schedule.next().await.expect("a slot");
    assert_eq!((slot.index, slot.due), (98, start + Duration::from_millis(980)), "of those still wanted, the oldest");
    assert_eq!(schedule.unsent(Instant::now()), 98, "1 to 97, and 99, which is due now or has just been");
}

#[tokio::test(start_paused = true)]
async fn the_run_ends_by_count() {
    let (schedule, _stop, _) = schedule(1000, Limit { requests: 3, duration: LONG });
    let mut taken = 0;
    while schedule.next().await.is_some() {
        taken += 1;
    }
    assert_eq!(taken, 3);
    assert_eq!(schedule.unsent(Instant::now() + LONG), 0);
}

#[tokio::test(start_paused = true)]
async fn the_run_ends_by_time_and_says_what_was_not_sent() {
    let (schedule, _stop, start) = schedule(10, Limit { requests: u64::MAX, duration: Duration::from_secs(1) });
    for _ in 0..4 {
        assert!(schedule.next().await.is_some());
    }
    advance(Duration::from_secs(2)).await;
    assert_eq!(schedule.next().await, None, "no slot is sent after the end");
    assert_eq!(schedule.unsent(Instant::now()), 6);
    assert_eq!(schedule.unsent(start), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_wakes_those_who_wait() {
    let (schedule, stop, start) = schedule(1, Limit { requests: u64::MAX, duration: LONG });
    assert!(schedule.next().await.is_some());
    let schedule = Arc::new(schedule);
    let waiting = tokio::spawn({
        let schedule = schedule.clone();
        async move { schedule.next().await }
    });
    tokio::task::yield_now().await;
    stop.stop();
    assert_eq!(waiting.await.expect("joined"), None);
    assert_eq!(schedule.next().await, None);
    assert_eq!(Instant::now(), start, "nobody waited for the slot");
    advance(LONG / 2).await;
    assert_eq!(schedule.unsent(Instant::now()), 0, "nothing was due after the stop");
}
