//! Degraded mode: what runs in the place of an exhausted subtree, and the way back.

use std::time::Duration;

use tembusu::{
    Address, AdminError, CallError, ExitReason, State, Supervisor, SupervisorRef, TellError, Tree, child, stand_in,
};
use tembusu_testkit::{
    EventRecorder, Gate, Journal, PATIENCE, Say, Script, Scripted, Step, ask, on_both, virtual_time,
};
use tokio::time::Instant;

const PERIOD: Duration = Duration::from_secs(10);

struct World {
    journal: Journal,
    events: EventRecorder,
    tree: Tree,
    sub: SupervisorRef,
    covered: Address<Say>,
    bare: Address<Say>,
    script: Script,
    deputy: Script,
}

/// A subtree of two that survives no failure; only one of them has a stand-in. The parent survives none either.
async fn world(shape: impl FnOnce(Supervisor) -> Supervisor) -> World {
    let journal = Journal::new();
    let (script, deputy) = (journal.script("covered"), journal.script("deputy"));
    let mut sub = Supervisor::rest_for_one("sub").intensity(0, PERIOD);
    let covered = sub.add(child::<Scripted>("covered", script.clone()));
    let bare = sub.add(child::<Scripted>("bare", journal.script("bare")).mailbox(2));
    let mut fallback = Supervisor::one_for_one("fallback").intensity(1, PERIOD);
    fallback.add(stand_in::<Scripted>(&covered, deputy.clone()));
    let mut root = Supervisor::one_for_all("root").intensity(0, PERIOD);
    root.add(child::<Scripted>("sibling", journal.script("sibling")));
    let sub = root.supervisor(shape(sub.degrade_to(fallback)));
    let events = EventRecorder::of(&sub);
    let tree = root.start().await.expect("it starts");
    World { journal, events, tree, sub, covered, bare, script, deputy }
}

fn same(sub: Supervisor) -> Supervisor {
    sub
}

/// Beyond OTP's suite (g).
#[test]
fn a_stand_in_takes_the_queue_over_and_gives_it_back() {
    on_both(async || {
        let mut world = world(same).await;
        let gate = Gate::new();
        world.covered.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        world.covered.tell(Step::Error.into()).expect("it is told");
        world.covered.tell(Say::Note("before")).expect("it is told");
        gate.open();
        world.journal.wait_for("deputy#1 says before").await;
        assert_eq!(world.sub.snapshot().state, State::Degraded);
        assert_eq!(ask(&world.covered).await, 1, "the deputy's first incarnation");
        assert!(matches!(world.bare.tell(Say::Note("x")), Err(TellError::Degraded(Say::Note("x")))));
        assert!(matches!(world.bare.call(Say::Ask, PATIENCE).await, Err(CallError::Degraded(Some(_)))));
        // Back: what waits behind the deputy's last message is for the normal child.
        let gate = Gate::new();
        world.covered.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        world.covered.tell(Say::Note("after")).expect("it is told");
        gate.reached(1).await;
        let (restored, ()) = tokio::join!(world.sub.restore(), async { gate.open() });
        restored.expect("it is restored");
        world.journal.wait_for("covered#2 says after").await;
        assert_eq!((ask(&world.covered).await, ask(&world.bare).await), (2, 2));
        assert_eq!(world.sub.snapshot().state, State::Running);
        for line in ["root/sub#1 degraded by root/sub/covered", "root/sub#3 restored"] {
            world.events.wait_for_line(line).await;
        }
        assert_eq!(world.tree.handle().snapshot().find("root/sibling").expect("it is there").incarnation, 1);
    });
}

#[test]
fn what_waits_behind_an_address_without_a_stand_in_waits_until_it_is_restored() {
    virtual_time(async {
        let mut world = world(same).await;
        let gate = Gate::new();
        world.bare.tell(Step::Hang.into()).expect("it is told");
        world.bare.tell(Say::Note("kept")).expect("it is told");
        world.covered.tell(Step::Error.into()).expect("it is told");
        // The one that hangs is killed when its budget has passed.
        world.events.wait_for_line("root/sub#1 degraded by root/sub/covered").await;
        assert_eq!(world.bare.len(), 1);
        world.sub.restore().await.expect("it is restored");
        world.journal.wait_for("bare#2 says kept").await;
        gate.open();
    });
}

#[test]
fn a_sender_that_waits_for_room_is_told_when_its_receiver_degrades() {
    on_both(async || {
        let world = world(same).await;
        let gate = Gate::new();
        world.bare.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        for _ in 0..2 {
            world.bare.tell(Say::Note("fill")).expect("there is room");
        }
        let waiting = world.bare.send(Say::Note("waits"));
        let crash = async {
            tokio::task::yield_now().await;
            world.covered.tell(Step::Error.into()).expect("it is told");
            gate.open();
        };
        let (sent, ()) = tokio::join!(waiting, crash);
        assert!(matches!(sent, Ok(()) | Err(TellError::Degraded(Say::Note("waits")))), "{sent:?}");
    });
}

#[test]
fn a_failure_of_the_fallback_is_charged_to_the_parent() {
    on_both(async || {
        let world = world(same).await;
        world.covered.tell(Step::Error.into()).expect("it is told");
        world.journal.wait_for("deputy#1 start").await;
        world.covered.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&world.covered).await, 2, "the fallback restarts its own");
        world.covered.tell(Step::Error.into()).expect("it is told");
        let ExitReason::Exhausted(report) = world.tree.wait().await else { panic!("the parent is exhausted") };
        assert_eq!(&*report.child, "root/sub");
    });
}

#[test]
fn a_restore_that_fails_leaves_it_degraded_and_says_so() {
    on_both(async || {
        let mut world = world(same).await;
        assert!(matches!(world.sub.restore().await, Err(AdminError::NotDegraded { .. })));
        world.covered.tell(Step::Error.into()).expect("it is told");
        world.journal.wait_for("deputy#1 start").await;
        assert_eq!(ask(&world.covered).await, 1);
        world.script.next_inits([Step::Error]);
        let Err(AdminError::Failed { reason: ExitReason::FailedToStart(failure), .. }) = world.sub.restore().await
        else {
            panic!("it does not start")
        };
        assert!(matches!(failure.root_cause(), (child, ExitReason::Error(_)) if &**child == "root/sub/covered"));
        world.events.wait_for_line("root/sub#3 restore failed failed_to_start").await;
        assert_eq!(ask(&world.covered).await, 2, "the deputy is back");
        assert!(matches!(world.bare.tell(Say::Note("x")), Err(TellError::Degraded(_))));
        world.sub.restore().await.expect("now it starts");
        assert_eq!(ask(&world.covered).await, 3);
    });
}

#[test]
fn a_fallback_that_cannot_start_is_an_ordinary_failure() {
    virtual_time(async {
        let world = world(same).await;
        world.deputy.next_inits([Step::Error]);
        world.covered.tell(Step::Error.into()).expect("it is told");
        assert!(matches!(world.tree.wait().await, ExitReason::Exhausted(_)));
    });
}

#[test]
fn quarantine_runs_nothing_and_is_restored_by_an_operator() {
    on_both(async || {
        let mut world = world(Supervisor::quarantine).await;
        world.covered.tell(Step::Panic.into()).expect("it is told");
        world.events.wait_for_line("root/sub#1 degraded by root/sub/covered").await;
        for address in [&world.covered, &world.bare] {
            assert!(matches!(address.tell(Say::Note("x")), Err(TellError::Degraded(_))));
        }
        assert_eq!(world.sub.snapshot().state, State::Degraded);
        world.sub.restore().await.expect("it is restored");
        assert_eq!((ask(&world.covered).await, ask(&world.bare).await), (2, 2));
    });
}

#[test]
fn an_automatic_restore_comes_back_later_each_time_it_relapses() {
    virtual_time(async {
        let seconds = Duration::from_secs;
        let mut world = world(|sub| sub.quarantine().restore_after(seconds(10), seconds(30))).await;
        for wait in [10, 20, 30, 30] {
            world.covered.tell(Step::Error.into()).expect("it is told");
            world.events.wait_for(|event| matches!(event.kind, tembusu::EventKind::Degraded { .. })).await;
            assert_eq!(world.sub.snapshot().state, State::BackingOff);
            let begun = Instant::now();
            world.events.wait_for(|event| matches!(event.kind, tembusu::EventKind::Restored)).await;
            let waited = begun.elapsed();
            assert!(waited >= seconds(wait) && waited < seconds(wait) + Duration::from_millis(5), "{waited:?}");
        }
        // A failed restore doubles it as well, up to the maximum; a long healthy time begins anew.
        tokio::time::advance(seconds(31)).await;
        world.script.next_inits([Step::Error]);
        world.covered.tell(Step::Error.into()).expect("it is told");
        let failed =
            world.events.wait_for(|event| matches!(event.kind, tembusu::EventKind::RestoreFailed { .. })).await;
        let tembusu::EventKind::RestoreFailed { retry_in, .. } = failed.kind else { unreachable!("it was matched") };
        assert_eq!(retry_in, Some(seconds(20)));
    });
}

#[test]
fn terminating_a_degraded_supervisor_ends_its_fallback() {
    on_both(async || {
        let world = world(same).await;
        world.covered.tell(Step::Error.into()).expect("it is told");
        world.journal.wait_for("deputy#1 start").await;
        assert_eq!(ask(&world.covered).await, 1);
        world.tree.handle().terminate_child("sub").await.expect("it is terminated");
        world.journal.wait_for("deputy#1 drop").await;
        assert!(matches!(world.covered.tell(Say::Note("x")), Err(TellError::Gone(_))));
        world.tree.handle().restart_child("sub").await.expect("it begins normal");
        assert_eq!((ask(&world.covered).await, ask(&world.bare).await), (2, 2));
    });
}

#[test]
fn a_restart_of_the_parent_begins_normal() {
    on_both(async || {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub").intensity(0, PERIOD);
        let a = sub.add(child::<Scripted>("a", journal.script("a")));
        let mut parent = Supervisor::one_for_all("parent").intensity(0, PERIOD);
        let sibling = parent.add(child::<Scripted>("sibling", journal.script("sibling")));
        let sub = parent.supervisor(sub.quarantine());
        let mut root = Supervisor::one_for_one("root").intensity(1, PERIOD);
        root.supervisor(parent);
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/parent/sub#1 degraded by root/parent/sub/a").await;
        sibling.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/parent/sub#2 started").await;
        assert_eq!(ask(&a).await, 2);
        assert_eq!(sub.snapshot().state, State::Running);
    });
}

#[test]
fn a_group_restart_leaves_a_degraded_sibling_degraded() {
    on_both(async || {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub").intensity(0, PERIOD);
        let a = sub.add(child::<Scripted>("a", journal.script("a")));
        let mut fallback = Supervisor::one_for_one("fallback");
        fallback.add(stand_in::<Scripted>(&a, journal.script("deputy")));
        let mut root = Supervisor::one_for_all("root").intensity(1, PERIOD);
        let sub = root.supervisor(sub.degrade_to(fallback));
        let sibling = root.add(child::<Scripted>("sibling", journal.script("sibling")));
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        journal.wait_for("deputy#1 start").await;
        assert_eq!(ask(&a).await, 1);
        sibling.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&sibling).await, 2);
        journal.wait_for("deputy#2 start").await;
        assert_eq!(ask(&a).await, 2, "the deputy again");
        assert_eq!(sub.snapshot().state, State::Degraded);
        assert!(tree.handle().find("root/sub/fallback").is_some(), "the fallback can be found");
    });
}
