//! Half-open probing in a running tree: an exhausted subtree is tried, and trusted or not.

use std::time::Duration;

use tembusu::{
    Address, AdminError, EventKind, ExitReason, Probe, SpecError, StartError, State, Supervisor, SupervisorRef, Tree,
    child, stand_in,
};
use tembusu_testkit::{EventRecorder, Journal, Say, Script, Scripted, Step, ask, virtual_time};
use tokio::time::Instant;

const PERIOD: Duration = Duration::from_secs(10);
const SEC: Duration = Duration::from_secs(1);

struct World {
    events: EventRecorder,
    tree: Tree,
    sub: SupervisorRef,
    /// In the subtree itself, and one level below.
    shallow: Address<Say>,
    deep: Address<Say>,
    sibling: Address<Say>,
    script: Script,
}

fn probe() -> Probe {
    Probe::after(SEC, 4 * SEC).healthy(3, 10 * SEC)
}

/// A subtree that grants two restarts, with another one in it that grants five. The parent grants one.
async fn world(shape: impl FnOnce(Supervisor) -> Supervisor) -> World {
    let journal = Journal::new();
    let script = journal.script("shallow");
    let mut sub = Supervisor::one_for_one("sub").intensity(2, PERIOD);
    let shallow = sub.add(child::<Scripted>("shallow", script.clone()));
    let mut below = Supervisor::one_for_one("below").intensity(5, PERIOD);
    let deep = below.add(child::<Scripted>("deep", journal.script("deep")));
    sub.supervisor(below);
    let mut fallback = Supervisor::one_for_one("fallback");
    fallback.add(stand_in::<Scripted>(&shallow, journal.script("deputy")));
    let mut root = Supervisor::one_for_all("root").intensity(1, PERIOD);
    let sibling = root.add(child::<Scripted>("sibling", journal.script("sibling")));
    let sub = root.supervisor(shape(sub.degrade_to(fallback)).probe(probe()));
    let events = EventRecorder::of(&sub);
    let tree = root.start().await.expect("it starts");
    World { events, tree, sub, shallow, deep, sibling, script }
}

impl World {
    fn state(&self) -> State {
        self.sub.snapshot().state
    }

    async fn exhaust(&mut self) {
        for _ in 0..3 {
            self.shallow.tell(Step::Error.into()).expect("it is told");
        }
        self.events.wait_for(|event| matches!(event.kind, EventKind::Degraded { .. })).await;
    }

    async fn probing(&mut self) {
        self.events.wait_for(|event| matches!(event.kind, EventKind::Probing { .. })).await;
    }

    /// Waits for the failure of a trial, and says when the next one comes.
    async fn failed(&mut self) -> Option<Duration> {
        let event = self.events.wait_for(|event| matches!(event.kind, EventKind::ProbeFailed { .. })).await;
        let EventKind::ProbeFailed { retry_in, .. } = event.kind else { unreachable!("it was waited for") };
        retry_in
    }
}

#[test]
fn a_healthy_trial_is_trusted_and_has_its_intensity_again() {
    virtual_time(async {
        let mut world = world(|sub| sub).await;
        world.exhaust().await;
        assert_eq!(world.state(), State::Degraded);
        assert!(!world.sub.is_on_trial());
        assert!(world.sub.snapshot().time_left.is_some_and(|left| left <= SEC), "the trial is announced");
        assert_eq!(ask(&world.shallow).await, 1, "the deputy answers");
        world.probing().await;
        let begun = Instant::now();
        assert_eq!(world.state(), State::Probing);
        assert!(world.sub.is_on_trial());
        assert!(world.sub.snapshot().time_left.is_some_and(|left| left <= 30 * SEC && left > 29 * SEC));
        assert!(ask(&world.shallow).await > 3, "the normal one answers");
        world.events.wait_for(|event| matches!(event.kind, EventKind::Restored)).await;
        let waited = begun.elapsed();
        assert!(waited >= 30 * SEC && waited < 30 * SEC + Duration::from_millis(10), "{waited:?}");
        assert_eq!((world.state(), world.sub.snapshot().time_left), (State::Running, None));
        assert!(!world.sub.is_on_trial());
        for _ in 0..2 {
            world.shallow.tell(Step::Error.into()).expect("it is told");
            world.events.wait_for(|event| matches!(event.kind, EventKind::Restarted { .. })).await;
        }
        world.deep.tell(Step::Error.into()).expect("it is told");
        world.events.wait_for_line("root/sub/below/deep#3 restarted").await;
        assert_eq!(world.state(), State::Running);
    });
}

#[test]
fn one_failure_anywhere_below_ends_the_trial_and_doubles_the_wait() {
    virtual_time(async {
        let mut world = world(|sub| sub).await;
        world.exhaust().await;
        for (wait, deep) in [(2, false), (4, true), (4, false)] {
            world.probing().await;
            let failing = if deep { &world.deep } else { &world.shallow };
            failing.tell(Step::Panic.into()).expect("it is told");
            assert_eq!(world.failed().await, Some(wait * SEC));
            assert_eq!(world.state(), State::Degraded);
        }
        world.sub.restore().await.expect("an operator restores it");
        assert!(!world.sub.is_on_trial(), "what an operator restores is trusted");
        assert_eq!(ask(&world.sibling).await, 1, "the parent is not charged");
    });
}

#[test]
fn a_quarantined_subtree_is_probed_as_well() {
    virtual_time(async {
        let mut world = world(Supervisor::quarantine).await;
        world.exhaust().await;
        assert_eq!(world.state(), State::BackingOff);
        world.script.next_inits([Step::Error]);
        assert_eq!(world.failed().await, Some(2 * SEC), "one that does not start has failed");
        world.probing().await;
        world.events.wait_for(|event| matches!(event.kind, EventKind::Restored)).await;
    });
}

#[test]
fn an_operator_trusts_a_trial_at_once() {
    virtual_time(async {
        let mut world = world(|sub| sub).await;
        world.exhaust().await;
        world.probing().await;
        world.sub.restore().await.expect("it is trusted");
        assert_eq!((world.state(), world.sub.is_on_trial()), (State::Running, false));
        world.shallow.tell(Step::Error.into()).expect("it is told");
        world.events.wait_for(|event| matches!(event.kind, EventKind::Restarted { .. })).await;
        assert!(matches!(world.sub.restore().await, Err(AdminError::NotDegraded { .. })));
    });
}

#[test]
fn a_group_restart_of_the_parent_begins_the_trial_anew() {
    virtual_time(async {
        let mut world = world(|sub| sub).await;
        world.exhaust().await;
        world.probing().await;
        tokio::time::sleep(29 * SEC).await;
        world.sibling.tell(Step::Error.into()).expect("it is told");
        world.probing().await;
        assert!(world.sub.snapshot().time_left.is_some_and(|left| left > 29 * SEC));
        world.deep.tell(Step::Error.into()).expect("it is told");
        assert_eq!(world.failed().await, Some(2 * SEC), "still on trial");
    });
}

#[test]
fn a_restart_of_the_parent_begins_normal_and_a_shutdown_ends_the_trial() {
    virtual_time(async {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub").intensity(0, PERIOD);
        let a = sub.add(child::<Scripted>("a", journal.script("a")));
        let mut parent = Supervisor::one_for_one("parent").intensity(0, PERIOD);
        let sibling = parent.add(child::<Scripted>("sibling", journal.script("sibling")));
        let sub = parent.supervisor(sub.quarantine().probe(probe()));
        let mut root = Supervisor::one_for_one("root").intensity(1, PERIOD);
        root.supervisor(parent);
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/parent/sub#2 probing").await;
        sibling.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/parent#2 started").await;
        assert_eq!(sub.snapshot().state, State::Running);
        a.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/parent/sub#4 probing").await;
        tree.shutdown().await;
        assert!(events.rest().await.iter().all(|line| !line.ends_with("restored")));
    });
}

#[test]
fn a_failed_fallback_is_charged_while_a_failed_trial_is_not() {
    virtual_time(async {
        let mut world = world(|sub| sub).await;
        world.exhaust().await;
        world.probing().await;
        world.shallow.tell(Step::Error.into()).expect("it is told");
        world.failed().await;
        // The fallback grants one restart of its deputy; then the parent grants one of the fallback.
        for _ in 0..4 {
            world.shallow.tell(Step::Error.into()).expect("it is told");
        }
        assert!(matches!(world.tree.wait().await, ExitReason::Exhausted(_)));
    });
}

#[test]
fn probes_that_make_no_sense_are_refused() {
    async fn refused(shape: impl FnOnce(Supervisor) -> Supervisor) -> SpecError {
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(shape(Supervisor::one_for_one("sub")));
        match root.start().await {
            Err(StartError::Spec(error)) => error,
            other => panic!("{other:?}"),
        }
    }
    virtual_time(async {
        assert!(matches!(refused(|sub| sub.probe(probe())).await, SpecError::ProbeWithoutDegrade { .. }));
        let both = refused(|sub| sub.quarantine().restore_after(SEC, SEC).probe(probe())).await;
        assert!(matches!(both, SpecError::ProbeAndRestore { .. }));
        for bad in [
            Probe::after(Duration::ZERO, SEC),
            Probe::after(2 * SEC, SEC),
            probe().healthy(0, SEC),
            probe().healthy(3, Duration::ZERO),
        ] {
            assert!(matches!(refused(|sub| sub.quarantine().probe(bad)).await, SpecError::BadProbe { .. }));
        }
        let none = refused(|sub| sub.quarantine().probe(probe().healthy(0, SEC))).await;
        assert!(none.to_string().ends_with("but there are 0 healthy intervals of 1s"), "{none}");
    });
}
