//! Restart intensity at its exact edge, and how far a failure climbs.

use std::time::Duration;

use tembusu::{CallError, EventKind, ExitReason, Restart, State, Supervisor, TellError, child};
use tembusu_testkit::{EventRecorder, Journal, PATIENCE, Say, Scripted, Step, ask, on_both, virtual_time};
use tokio::time::{Instant, advance};

const PERIOD: Duration = Duration::from_secs(10);

#[test]
fn the_limit_is_granted_and_the_next_failure_is_fatal() {
    on_both(async || {
        for limit in [0, 1, 2, 5] {
            let mut root = Supervisor::one_for_one("root").intensity(limit, PERIOD);
            let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
            let tree = root.start().await.expect("it starts");
            for k in 1..=limit {
                a.tell(Step::Panic.into()).expect("it is told");
                assert_eq!(ask(&a).await, u64::from(k) + 1);
            }
            a.tell(Step::Error.into()).expect("it is told");
            let ExitReason::Exhausted(report) = tree.wait().await else { panic!("limit {limit}: exhausted") };
            assert_eq!((&*report.supervisor, &*report.child), ("root", "root/a"));
            assert_eq!((report.limit, report.incarnation), (limit, u64::from(limit) + 1));
            assert!(matches!(a.tell(Say::Note("late")), Err(TellError::Gone(Say::Note("late")))));
        }
    });
}

#[test]
fn the_period_is_inclusive_and_slides() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(1, PERIOD);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let mut crash = async |line: &str| {
            a.tell(Step::Error.into()).expect("it is told");
            events.wait_for_line(line).await;
        };
        crash("root/a#1 crashed error 1/1").await;
        advance(PERIOD + Duration::from_millis(1)).await;
        crash("root/a#2 crashed error 1/1").await;
        advance(PERIOD + Duration::from_millis(1)).await;
        crash("root/a#3 crashed error 1/1").await;
        advance(PERIOD).await;
        // Not charged any more: one too many.
        crash("root/a#4 crashed error").await;
        assert!(matches!(tree.wait().await, ExitReason::Exhausted(_)));
    });
}

#[test]
fn failed_starts_are_charged() {
    on_both(async || {
        let script = Journal::new().script("a").init([Step::Ok, Step::Error, Step::Panic]);
        let mut root = Supervisor::one_for_one("root").intensity(3, PERIOD);
        let a = root.add(child::<Scripted>("a", script.clone()));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        let expected = [
            "root/a#1 started",
            "root/a#1 crashed error 1/3",
            "root/a#2 start failed error 2/3",
            "root/a#3 start failed panic 3/3",
            "root/a#4 restarted",
        ];
        events.expect(&expected).await;
        script.next_inits([Step::Error]);
        a.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root#1 escalated by root/a").await;
        assert!(matches!(tree.wait().await, ExitReason::Exhausted(_)));
    });
}

#[test]
fn a_failure_climbs_through_three_levels_and_the_report_says_how() {
    on_both(async || {
        let journal = Journal::new();
        let mut leaf = Supervisor::one_for_one("leaf").intensity(1, PERIOD);
        let worker = leaf.add(child::<Scripted>("worker", journal.script("worker")));
        let mut middle = Supervisor::one_for_one("middle").intensity(1, PERIOD);
        middle.supervisor(leaf);
        let mut root = Supervisor::one_for_one("root").intensity(1, PERIOD);
        let bystander = root.add(child::<Scripted>("bystander", journal.script("bystander")));
        root.supervisor(middle);
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        // Each level grants one restart of the one below: two to the power of three failures end the root.
        for incarnation in 1..8 {
            worker.tell(Step::Error.into()).expect("it is told");
            assert_eq!(ask(&worker).await, incarnation + 1, "the queue outlives every level");
        }
        assert_eq!(ask(&bystander).await, 1);
        worker.tell(Step::Panic.into()).expect("it is told");
        let ExitReason::Exhausted(report) = tree.wait().await else { panic!("the root is exhausted") };
        assert_eq!((&*report.supervisor, &*report.child), ("root", "root/middle"));
        let ExitReason::Exhausted(second) = &report.reason else { panic!("middle was exhausted") };
        assert_eq!((&*second.child, second.incarnation), ("root/middle/leaf", 4));
        let ExitReason::Exhausted(third) = &second.reason else { panic!("leaf was exhausted") };
        assert_eq!((&*third.child, third.incarnation), ("root/middle/leaf/worker", 8));
        let (path, cause) = report.root_cause();
        assert_eq!(&**path, "root/middle/leaf/worker");
        let ExitReason::Panic { message, location: Some(location) } = cause else { panic!("{cause}") };
        assert_eq!(&**message, "boom");
        assert!(location.contains("scripted.rs"), "{location}");
        let mut escalated = Vec::new();
        for _ in 0..7 {
            let event = events.wait_for(|event| matches!(event.kind, EventKind::Escalated { .. })).await;
            escalated.push(format!("{}#{}", event.path, event.incarnation));
        }
        let leaf = "root/middle/leaf";
        let expected = [
            format!("{leaf}#1"),
            format!("{leaf}#2"),
            "root/middle#1".to_owned(),
            format!("{leaf}#3"),
            format!("{leaf}#4"),
            "root/middle#2".to_owned(),
            "root#1".to_owned(),
        ];
        assert_eq!(escalated, expected);
        assert!(matches!(tree.shutdown().await, ExitReason::Exhausted(_)), "the first reason stays the reason");
    });
}

#[test]
fn an_exhausted_transient_supervisor_is_not_restarted_and_its_addresses_are_gone() {
    on_both(async || {
        let mut sub = Supervisor::one_for_one("sub").intensity(0, PERIOD).restart(Restart::Transient);
        let a = sub.add(child::<Scripted>("a", Journal::new().script("a")));
        let mut root = Supervisor::one_for_one("root").intensity(0, PERIOD);
        let sub = root.supervisor(sub);
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        assert!(matches!(a.call(Say::Ask, PATIENCE).await, Err(CallError::Gone(_))));
        assert_eq!(sub.snapshot().state, State::Stopped);
        assert!(matches!(sub.snapshot().last_exit, Some(ExitReason::Exhausted(_))));
        tree.handle().restart_child("sub").await.expect("it is restarted");
        assert_eq!(ask(&a).await, 2);
    });
}

#[test]
fn a_first_start_that_fails_ends_the_start_with_its_path_and_stops_the_others() {
    on_both(async || {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub");
        sub.add(child::<Scripted>("b", journal.script("b")));
        sub.add(child::<Scripted>("c", journal.script("c").init([Step::Panic])));
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Scripted>("a", journal.script("a")));
        root.supervisor(sub);
        let begun = Instant::now();
        let Err(tembusu::StartError::Failed { path, reason }) = root.start().await else { panic!("it fails") };
        assert_eq!(&*path, "root/sub/c");
        assert!(matches!(reason, ExitReason::Panic { .. }), "{reason}");
        assert!(begun.elapsed() < Duration::from_secs(1));
        let expected =
            ["a#1 start", "b#1 start", "c#1 start", "b#1 stop shutdown", "b#1 drop", "a#1 stop shutdown", "a#1 drop"];
        assert_eq!(journal.take(), expected);
        assert!(matches!(a.call(Say::Ask, PATIENCE).await, Err(CallError::Gone(Some(_)))));
    });
}
