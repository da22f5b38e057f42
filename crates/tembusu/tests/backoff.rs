//! Restart back-off in a running tree: what waits, what is visible meanwhile, and what ends the wait.

use std::time::Duration;

use tembusu::{
    Address, AdminError, Backoff, ChildSpec, DynamicSupervisor, EventKind, SpecError, StartError, State, Supervisor,
    child,
};
use tembusu_testkit::{EventRecorder, Journal, Say, Scripted, Step, ask, on_both, virtual_time};
use tokio::time::Instant;

const PERIOD: Duration = Duration::from_secs(60);
const INIT: Duration = Duration::from_secs(1);
const SEC: Duration = Duration::from_secs(1);

fn waits() -> Backoff {
    Backoff::exponential(SEC, 4 * SEC)
}

fn worker(journal: &Journal, name: &'static str) -> ChildSpec<Scripted> {
    child::<Scripted>(name, journal.script(name)).init_timeout(INIT)
}

fn crash(address: &Address<Say>) {
    address.tell(Step::Error.into()).expect("it is told");
}

#[test]
fn a_crash_loop_is_slowed_down_and_each_wait_can_be_seen() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(4, PERIOD).backoff(waits());
        let a = root.add(worker(&journal, "a"));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        for seconds in [1, 2, 4, 4] {
            let begun = Instant::now();
            crash(&a);
            let event = events.wait_for(|event| matches!(event.kind, EventKind::BackingOff { .. })).await;
            assert!(matches!(event.kind, EventKind::BackingOff { wait } if wait == seconds * SEC), "{event:?}");
            let seen = tree.handle().snapshot().find("root/a").expect("it is there").clone();
            let left = seen.time_left.expect("it waits");
            assert_eq!(seen.state, State::BackingOff);
            assert!(left <= seconds * SEC && left > seconds * SEC - Duration::from_millis(10), "{left:?}");
            a.tell(Say::Note("kept")).expect("its queue is open");
            events.wait_for(|event| matches!(event.kind, EventKind::Restarted { .. })).await;
            let waited = begun.elapsed();
            assert!(waited >= seconds * SEC && waited < seconds * SEC + Duration::from_millis(10), "{waited:?}");
            assert_eq!(tree.handle().snapshot().find("root/a").expect("it is there").time_left, None);
        }
        assert_eq!(ask(&a).await, 5);
        crash(&a);
        assert_eq!(tree.wait().await.label(), "exhausted");
        let said = journal.take();
        for incarnation in 2..=5 {
            assert!(said.contains(&format!("a#{incarnation} says kept")), "{said:#?}");
        }
    });
}

/// Beyond OTP's suite (a): while the group backs off.
#[test]
fn a_group_is_down_while_it_waits_and_comes_back_in_order() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::rest_for_one("root").intensity(4, PERIOD).backoff(waits());
        let a = root.add(worker(&journal, "a"));
        let b = root.add(worker(&journal, "b"));
        root.add(worker(&journal, "c"));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        crash(&b);
        events.wait_for_line("root/c#1 stopped shutdown").await;
        let states = || {
            let seen = tree.handle().snapshot();
            seen.children.iter().map(|child| child.state).collect::<Vec<_>>()
        };
        assert_eq!(states(), [State::Running, State::BackingOff, State::BackingOff]);
        assert_eq!(ask(&a).await, 1, "who is not concerned serves");
        // A failure to the left, while it waits.
        crash(&a);
        events.wait_for_line("root/a#1 backing off").await;
        assert_eq!(states(), [State::BackingOff; 3]);
        events.expect(&["root/a#2 restarted", "root/b#2 restarted", "root/c#2 started"]).await;
        assert_eq!(states(), [State::Running; 3]);
    });
}

#[test]
fn an_operator_ends_a_wait_or_the_child() {
    on_both(async || {
        let journal = Journal::new();
        let hour = Backoff::constant(60 * PERIOD);
        let mut root = Supervisor::one_for_one("root").intensity(4, 600 * PERIOD).backoff(hour);
        let a = root.add(worker(&journal, "a"));
        let b = root.add(worker(&journal, "b"));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        crash(&a);
        events.wait_for_line("root/a#1 backing off").await;
        tree.handle().restart_child("a").await.expect("it is started at once");
        assert_eq!(ask(&a).await, 2);
        crash(&b);
        events.wait_for_line("root/b#1 backing off").await;
        tree.handle().delete_child("b").await.expect("one that waits can be deleted");
        assert!(matches!(tree.handle().restart_child("b").await, Err(AdminError::NotFound { .. })));
        crash(&a);
        events.wait_for_line("root/a#2 backing off").await;
        tree.handle().terminate_child("a").await.expect("one that waits can be terminated");
        assert_eq!(tree.handle().snapshot().find("root/a").expect("it is there").state, State::Stopped);
        tree.handle().restart_child("a").await.expect("and restarted");
        crash(&a);
        events.wait_for_line("root/a#3 backing off").await;
        tree.shutdown().await;
    });
}

/// Beyond OTP's suite (h).
#[test]
fn a_limit_that_could_never_be_reached_is_refused_before_anything_starts() {
    virtual_time(async {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub").intensity(5, 10 * SEC).backoff(waits());
        sub.add(worker(&journal, "a"));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(sub);
        let error = root.start().await.expect_err("it is refused");
        let StartError::Spec(SpecError::UnreachableIntensity { supervisor, waits: waited, starts, total, .. }) = error
        else {
            panic!("{error}")
        };
        assert_eq!((supervisor.as_str(), waited, starts, total), ("root/sub", 15 * SEC, 5 * SEC, 20 * SEC));
        assert!(journal.take().is_empty());
        let root = Supervisor::one_for_one("root").backoff(waits().jitter(2.0)).start().await;
        let Err(StartError::Spec(error @ SpecError::BadRestartBackoff { .. })) = root else { panic!("it is refused") };
        assert!(error.to_string().ends_with("but the jitter is 2"), "{error}");
    });
}

#[test]
fn a_child_added_at_run_time_may_not_make_the_limit_unreachable() {
    virtual_time(async {
        let journal = Journal::new();
        let template = move |timeout| worker(&journal, "a").init_timeout(timeout);
        let spec = DynamicSupervisor::new("pool", template).intensity(3, 10 * SEC).backoff(waits());
        let mut root = Supervisor::one_for_one("root");
        let pool = root.add_dynamic(spec);
        let _tree = root.start().await.expect("it starts");
        let refused = pool.start(SEC).await.expect_err("7 s and 3 s are too much");
        assert!(matches!(refused, AdminError::Spec(SpecError::UnreachableIntensity { .. })), "{refused}");
        pool.start(SEC / 2).await.expect("7 s and 1.5 s are not");
    });
}

#[test]
fn supervisors_that_fail_together_do_not_come_back_together() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let children: Vec<_> = ["a", "b", "c", "d"]
            .map(|name| {
                let spread = Backoff::constant(10 * SEC).jitter(0.5);
                let mut sub = Supervisor::one_for_one(name).intensity(1, PERIOD).backoff(spread);
                let address = sub.add(worker(&journal, "leaf"));
                root.supervisor(sub);
                address
            })
            .into();
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        children.iter().for_each(crash);
        let mut waits = Vec::new();
        while waits.len() < children.len() {
            if let EventKind::BackingOff { wait } = events.next().await.kind {
                waits.push(wait);
            }
        }
        assert!(waits.iter().all(|wait| (5 * SEC..=15 * SEC).contains(wait)), "{waits:?}");
        waits.dedup();
        assert_eq!(waits.len(), 4, "each has a seed of its own");
    });
}
