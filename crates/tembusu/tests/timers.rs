//! Timers: when they come, in which order, and that they can be taken back.
#![allow(dead_code)]

mod probe;

use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, Missed, Supervisor, Tree, child};
use tembusu_testkit::{Gate, Journal, virtual_time};
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

async fn one() -> (Address<Do>, Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
    let a = root.add(child::<Probe>("a", Setup::new("a", &journal)).mailbox(10_000));
    (a, root.start().await.expect("it starts"), journal)
}

fn note(text: impl Into<String>) -> Do {
    Do::Note(text.into())
}

#[test]
fn a_cancelled_timer_does_not_come_and_says_whether_it_was_pending() {
    virtual_time(async {
        let (a, _tree, journal) = one().await;
        let (kept, cancelled) = run(&a, |cx| {
            let cancelled = cx.after(SECOND, note("cancelled"));
            let kept = cx.after(SECOND, note("kept"));
            assert!(cx.cancel(cancelled), "it was pending");
            assert!(!cx.cancel(cancelled), "it is no longer");
            (kept, cancelled)
        })
        .await;
        assert_ne!(kept, cancelled);
        sleep(SECOND * 2).await;
        assert_eq!(journal.take(), ["a#1 kept"]);
        assert!(!run(&a, move |cx| cx.cancel(kept)).await, "it has come");
    });
}

#[test]
fn an_interval_ticks_until_it_is_cancelled_or_its_incarnation_ends() {
    virtual_time(async {
        let (a, _tree, journal) = one().await;
        let id = run(&a, |cx| {
            let mut n = 0;
            cx.every(SECOND, Missed::Burst, move || {
                n += 1;
                note(format!("tick {n}"))
            })
        })
        .await;
        sleep(SECOND * 7 / 2).await;
        assert_eq!(journal.take(), ["a#1 tick 1", "a#1 tick 2", "a#1 tick 3"]);
        assert!(run(&a, move |cx| cx.cancel(id)).await);
        sleep(SECOND * 5).await;
        assert!(journal.take().is_empty());
        run(&a, |cx| cx.every(SECOND, Missed::Skip, || note("of the first"))).await;
        a.tell(Do::End(End::Error)).expect("it is told");
        assert_eq!(settle(&a).await, 2);
        sleep(SECOND * 5).await;
        assert!(journal.take().is_empty());
    });
}

/// The example of [`Missed`]: a period of 10 s, busy from second 5 to second 34. At which seconds the ticks come.
async fn ticks(missed: Missed) -> Vec<u64> {
    let (a, _tree, journal) = one().await;
    let from = Instant::now();
    let gate = Gate::new();
    run(&a, move |cx| {
        cx.every(SECOND * 10, missed, move || note(format!("{}", from.elapsed().as_secs())));
    })
    .await;
    sleep(SECOND * 5).await;
    a.tell(Do::Pass(gate.clone())).expect("it is told");
    gate.reached(1).await;
    sleep(SECOND * 29).await;
    gate.open();
    sleep(SECOND * 21).await;
    journal.take().iter().map(|line| line[4..].parse().expect("a number")).collect()
}

#[test]
fn missed_ticks_come_in_a_burst_or_delay_the_next_or_are_skipped() {
    virtual_time(async {
        assert_eq!(ticks(Missed::Burst).await, [34, 34, 34, 40, 50]);
        assert_eq!(ticks(Missed::Delay).await, [34, 44, 54]);
        assert_eq!(ticks(Missed::Skip).await, [34, 40, 50]);
    });
}

#[test]
fn a_period_of_zero_is_a_panic_that_says_so() {
    virtual_time(async {
        let (a, _tree, _) = one().await;
        let ended = a.ended();
        let every = Do::Run(Box::new(|cx| {
            cx.every(Duration::ZERO, Missed::Burst, || note("never"));
        }));
        a.tell(every).expect("it is told");
        let reason = ended.await.reason.to_string();
        assert!(reason.contains("period of zero"), "{reason}");
    });
}

#[test]
fn a_due_timer_goes_ahead_of_the_queue_and_a_flood_of_them_lets_it_through() {
    virtual_time(async {
        let (a, _tree, journal) = one().await;
        let gate = Gate::new();
        run(&a, |cx| {
            cx.after(SECOND, note("second"));
            cx.after(Duration::ZERO, note("first"));
            cx.after(SECOND, note("third"));
            cx.after(Duration::MAX, note("never"));
        })
        .await;
        a.tell(Do::Pass(gate.clone())).expect("it is told");
        a.tell(note("queued")).expect("it is told");
        gate.reached(1).await;
        advance(SECOND).await;
        gate.open();
        settle(&a).await;
        assert_eq!(journal.take(), ["a#1 first", "a#1 second", "a#1 third", "a#1 queued"]);

        // Each of these sets the next one, due at once: for ever.
        fn again(cx: &mut tembusu::Context<Probe>) {
            cx.after(Duration::ZERO, Do::Run(Box::new(again)));
        }
        run(&a, again).await;
        for text in ["x", "y"] {
            a.tell(note(text)).expect("it is told");
        }
        settle(&a).await;
        assert_eq!(journal.take(), ["a#1 x", "a#1 y"]);
    });
}

#[test]
fn thousands_of_timers_come_in_order() {
    virtual_time(async {
        let (a, _tree, journal) = one().await;
        run(&a, |cx| {
            // 7919 is prime to 5000: every instant once, in no order.
            let ids: Vec<_> = (0..5_000_u64)
                .map(|n| n * 7_919 % 5_000)
                .map(|n| (n, cx.after(Duration::from_millis(n), note(format!("{n:04}")))))
                .collect();
            for (n, id) in ids {
                if n % 2 == 1 {
                    assert!(cx.cancel(id));
                }
            }
        })
        .await;
        sleep(SECOND * 6).await;
        let came = journal.take();
        assert_eq!(came.len(), 2_500);
        assert!(came.is_sorted());
    });
}
