//! What the library says to operators reads as a sentence, and builders that do the same are called the same.

use std::time::Duration;

use tembusu::{
    ChildChange, DynamicSupervisor, Event, Probe, Restart, Shutdown, Supervisor, TaskSupervisor, child, stand_in,
};
use tembusu_testkit::{EventRecorder, Journal, Scripted, Step, ask, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

/// The next event of this path, as an operator reads it.
async fn next(events: &mut EventRecorder, path: &str) -> String {
    events.wait_for(|event: &Event| &*event.path == path).await.to_string()
}

#[test]
fn an_event_is_a_line_that_says_who_what_and_why() {
    virtual_time(async {
        let journal = Journal::new();
        let mut adx = Supervisor::one_for_one("adx").intensity(1, 10 * SECOND);
        let a = adx.add(child::<Scripted>("a", journal.script("a")));
        let mut fallback = Supervisor::one_for_one("fallback");
        fallback.add(stand_in::<Scripted>(&a, journal.script("b")));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(adx.degrade_to(fallback).probe(Probe::after(SECOND, SECOND).healthy(1, SECOND)));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");

        assert_eq!(next(&mut events, "root/adx/a").await, "root/adx/a#1 started");
        a.tell(Step::Error.into()).expect("there is room");
        let crashed = next(&mut events, "root/adx/a").await;
        assert!(crashed.starts_with("root/adx/a#1 crashed: error: "), "{crashed}");
        assert!(crashed.ends_with(" (restart 1 of 1 within 10s)"), "{crashed}");
        let restarted = next(&mut events, "root/adx/a").await;
        assert!(restarted.starts_with("root/adx/a#2 restarted within "), "{restarted}");
        assert_eq!(ask(&a).await, 2);
        a.tell(Step::Error.into()).expect("there is room");
        let crashed = next(&mut events, "root/adx/a").await;
        assert!(!crashed.contains("restart"), "it was one too many: {crashed}");
        for wanted in ["gives up: root/adx had more than 1 failures in 10s", "runs degraded: ", "started", "stopped: "]
        {
            let line = loop {
                let line = next(&mut events, "root/adx").await;
                if !line.ends_with("#1 started") {
                    break line;
                }
            };
            assert!(line.contains(wanted), "{wanted}: {line}");
        }
        tree.shutdown().await;
    });
}

#[test]
fn shutdown_takes_a_budget_or_a_policy_wherever_it_stands() {
    virtual_time(async {
        let journal = Journal::new();
        let script = || journal.script("a");
        let mut root = Supervisor::one_for_one("root");
        root.add(child::<Scripted>("within", script()).shutdown(SECOND));
        root.add(child::<Scripted>("unlimited", script()).shutdown(Shutdown::Unlimited));
        root.add(child::<Scripted>("kill", script()).shutdown(Shutdown::Kill));
        root.add(child::<Scripted>("brutal", script()).brutal_kill());
        root.supervisor(Supervisor::one_for_one("sub").shutdown(2 * SECOND));
        let template = |()| child::<Scripted>("d", Journal::new().script("d"));
        root.add_dynamic(DynamicSupervisor::new("pool", template).shutdown(3 * SECOND).restart(Restart::Temporary));
        let tasks = root.add_tasks(TaskSupervisor::new("tasks").shutdown(Shutdown::Kill).max_children(1));
        let tree = root.start().await.expect("it starts");
        let sup = tree.handle();
        let of = |name: &str| sup.get_spec(name).expect("it is there").shutdown;
        assert_eq!(of("within"), Shutdown::Within(SECOND));
        assert_eq!(of("unlimited"), Shutdown::Unlimited);
        assert_eq!((of("kill"), of("brutal")), (Shutdown::Kill, Shutdown::Kill));
        assert_eq!((of("sub"), of("pool")), (Shutdown::Within(2 * SECOND), Shutdown::Within(3 * SECOND)));
        assert_eq!(sup.get_spec("pool").expect("it is there").restart, Restart::Temporary);
        let task = tasks.spawn(std::future::pending::<()>()).await.expect("there is room");
        assert_eq!(tasks.supervisor().get_spec("1").expect("it runs").shutdown, Shutdown::Kill);
        drop(task);
        let change = tembusu::Change::new().child("kill", ChildChange::new().shutdown(SECOND));
        sup.change(change).await.expect("nothing is wrong with it");
        assert_eq!(sup.get_spec("kill").expect("it is there").shutdown, Shutdown::Within(SECOND));
        tree.shutdown().await;
    });
}

#[test]
fn a_refused_call_hands_its_message_back_as_a_refused_message_does() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        root.start().await.expect("it starts").shutdown().await;
        let refused = a.call(tembusu_testkit::Say::Ask, SECOND).await.expect_err("it is gone");
        assert!(matches!(refused.into_inner(), Some(tembusu_testkit::Say::Ask(_))));
    });
}
