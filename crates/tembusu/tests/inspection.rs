//! Suspending, resuming and describing a child between two of its messages.
#![allow(dead_code)]

mod probe;

use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, AdminError, CallError, State, Supervisor, SupervisorRef, Tree, child};
use tembusu_testkit::{Gate, Journal, on_both, virtual_time};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

async fn one() -> (Address<Do>, SupervisorRef, Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
    let a = root.add(child::<Probe>("a", Setup::new("a", &journal)));
    root.supervisor(Supervisor::one_for_one("sub"));
    let handle = root.handle();
    (a, handle, root.start().await.expect("it starts"), journal)
}

#[test]
fn a_suspended_child_keeps_messages_timers_and_callers_waiting_until_it_is_resumed() {
    virtual_time(async {
        let (a, root, _tree, journal) = one().await;
        run(&a, |cx| cx.after(SECOND, Do::Note("timer".into()))).await;
        root.suspend_child("a").expect("it runs");
        assert_eq!(root.snapshot().children[0].state, State::Suspended);
        assert_eq!(root.which_children()[0].state, State::Suspended);
        a.tell(Do::Note("told".into())).expect("there is room");
        let called = a.call(Do::Ask, SECOND * 2).await;
        assert!(matches!(called, Err(CallError::Timeout { enqueued: true })), "{called:?}");
        assert!(journal.take().is_empty());
        root.resume_child("a").expect("it runs");
        assert_eq!(settle(&a).await, 1);
        assert_eq!(journal.take(), ["a#1 timer", "a#1 told"]);
        assert_eq!(root.snapshot().children[0].state, State::Running);
        root.resume_child("a").expect("once more is no error");
    });
}

#[test]
fn a_suspended_child_is_stopped_killed_and_restarted_and_the_next_one_is_not_suspended() {
    on_both(async || {
        let (a, root, _tree, journal) = one().await;
        root.suspend_child("a").expect("it runs");
        a.tell(Do::Note("waits".into())).expect("there is room");
        root.terminate_child("a").await.expect("it stops");
        assert_eq!(journal.take(), ["a#1 stop shutdown"]);
        assert!(matches!(root.suspend_child("a"), Err(AdminError::NotRunning { .. })));
        root.restart_child("a").await.expect("it starts");
        assert_eq!(settle(&a).await, 2);
        let gate = Gate::new();
        a.tell(Do::Pass(gate.clone())).expect("it is told");
        a.tell(Do::End(End::Error)).expect("it is told");
        root.suspend_child("a").expect("it runs");
        root.resume_child("a").expect("it runs");
        gate.open();
        assert_eq!(settle(&a).await, 3);
    });
}

#[test]
fn a_description_comes_between_two_messages_ahead_of_those_that_wait() {
    on_both(async || {
        let (a, root, _tree, _) = one().await;
        assert_eq!(root.describe_child("a", SECOND).await.expect("it answers"), "a#1");
        root.suspend_child("a").expect("it runs");
        assert_eq!(root.describe_child("a", SECOND).await.expect("it answers"), "a#1");
        root.resume_child("a").expect("it runs");
        let gate = Gate::new();
        a.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        a.tell(Do::End(End::Error)).expect("it is told");
        assert!(matches!(root.describe_child("a", Duration::ZERO).await, Err(AdminError::Busy { .. })));
        let (described, ()) = tokio::join!(root.describe_child("a", SECOND), async { gate.open() });
        assert_eq!(described.expect("ahead of the message that ends it"), "a#1");
        assert_eq!(settle(&a).await, 2);
        assert!(matches!(root.describe_child("sub", SECOND).await, Err(AdminError::NotAWorker { .. })));
        assert!(matches!(root.describe_child("nobody", SECOND).await, Err(AdminError::NotFound { .. })));
    });
}

#[test]
fn who_asks_one_that_ends_is_told_so() {
    virtual_time(async {
        let (a, root, tree, _) = one().await;
        let gate = Gate::new();
        a.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        let (described, ()) = tokio::join!(root.describe_child("a", SECOND * 9), async {
            sleep(SECOND).await;
            drop(tree);
        });
        assert!(matches!(described, Err(AdminError::NotRunning { .. })), "{described:?}");
        assert!(matches!(root.suspend_child("a"), Err(AdminError::Stopping { .. })));
    });
}

#[test]
fn what_waits_is_counted_by_lane() {
    virtual_time(async {
        let (a, root, _tree, journal) = one().await;
        let other = a.clone();
        run(&a, move |cx| {
            cx.stash(Do::Note("aside".into())).expect("there is room");
            cx.monitor(&other, Do::Down);
        })
        .await;
        root.suspend_child("a").expect("it runs");
        for _ in 0..3 {
            a.tell(Do::Note("ordinary".into())).expect("there is room");
        }
        a.priority().tell(Do::Note("urgent".into())).expect("there is room");
        let seen = root.inspect_child("a").expect("it runs");
        assert_eq!((seen.incarnation, seen.suspended, seen.notices), (1, true, 0));
        assert_eq!((seen.ordinary, seen.priority, seen.stashed), (3, 1, 1));
        assert_eq!(seen.oldest_waits, None, "no clock is read for a message");
        root.resume_child("a").expect("it runs");
        run(&a, |cx| cx.unstash_all()).await;
        settle(&a).await;
        assert_eq!(journal.take().len(), 5);
        assert_eq!(root.inspect_child("a").expect("it runs").stashed, 0);
        assert!(matches!(root.inspect_child("sub"), Err(AdminError::NotAWorker { .. })));

        // For how long it has been at what it does is counted from the first look.
        assert_eq!(root.inspect_child("a").expect("it runs").at_hand, None);
        let gate = Gate::new();
        a.tell(Do::Pass(gate.clone())).expect("there is room");
        gate.reached(1).await;
        let at_hand = || root.inspect_child("a").expect("it runs").at_hand;
        assert_eq!(at_hand(), Some(Duration::ZERO));
        sleep(SECOND * 3).await;
        assert_eq!(at_hand(), Some(SECOND * 3));
        gate.open();
        settle(&a).await;
        assert_eq!(at_hand(), None);
        let gate = Gate::new();
        a.tell(Do::Pass(gate.clone())).expect("there is room");
        gate.reached(1).await;
        assert_eq!(at_hand(), Some(Duration::ZERO), "that is another one");
        gate.open();

        let shedding = child::<Probe>("shedding", Setup::new("shedding", &journal));
        let shedding = shedding.overflow(tembusu::Overflow::ShedOlderThan(SECOND * 60));
        let shedding = root.start_child(shedding).await.expect("it starts");
        root.suspend_child("shedding").expect("it runs");
        shedding.tell(Do::Note("old".into())).expect("there is room");
        sleep(SECOND * 7).await;
        assert_eq!(root.inspect_child("shedding").expect("it runs").oldest_waits, Some(SECOND * 7));
    });
}
