//! Draining: nothing more is accepted, what waits is handled, then the child ends.

use std::time::Duration;

use tembusu::{Address, AdminError, CallError, Drained, Restart, State, Supervisor, TellError, Tree, child};
use tembusu_testkit::{EventRecorder, Gate, Journal, PATIENCE, Say, Scripted, Step, ask, on_both, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

async fn one(restart: Restart) -> (Address<Say>, Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
    let a = root.add(child::<Scripted>("a", journal.script("a")).restart(restart));
    (a, root.start().await.expect("it starts"), journal)
}

async fn hold(a: &Address<Say>) -> Gate {
    let gate = Gate::new();
    a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
    gate.reached(1).await;
    gate
}

/// Opens the gate once senders are refused.
async fn open_when_draining(a: &Address<Say>, gate: &Gate) {
    while !matches!(a.tell(Step::Ok.into()), Err(TellError::Draining(Say::Do(Step::Ok)))) {
        tokio::task::yield_now().await;
    }
    assert!(matches!(a.call(Say::Ask, PATIENCE).await, Err(CallError::Draining(Say::Ask(_)))));
    assert!(matches!(a.priority().send(Step::Ok.into()).await, Err(TellError::Draining(_))));
    gate.open();
}

#[test]
fn what_waits_is_handled_and_nothing_more_comes_in_whatever_the_restart_type() {
    on_both(async || {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let (a, tree, journal) = one(restart).await;
            let gate = hold(&a).await;
            a.tell(Say::Note("waits")).expect("it is told");
            let handle = tree.handle();
            let call = a.call(Say::Ask, PATIENCE);
            let drain = handle.drain_child("a", PATIENCE);
            let (answer, drained, ()) = tokio::join!(call, drain, open_when_draining(&a, &gate));
            assert_eq!(answer.expect("it waited, so it is answered"), 1);
            assert_eq!(drained.expect("it is drained"), Drained::Empty);
            let lines = journal.take();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(lines, ["a#1 start", "a#1 says waits", "a#1 stop shutdown", "a#1 drop"]);
            assert!(matches!(a.tell(Step::Ok.into()), Err(TellError::Gone(_))));
            let again = handle.restart_child("a").await;
            if restart == Restart::Temporary {
                assert!(matches!(again, Err(AdminError::NotFound { .. })));
            } else {
                again.expect("its specification stays");
                assert_eq!(ask(&a).await, 2, "and its queue is open again");
            }
        }
    });
}

#[test]
fn a_child_with_nothing_to_do_is_drained_at_once() {
    on_both(async || {
        let (a, tree, _) = one(Restart::Permanent).await;
        assert_eq!(ask(&a).await, 1);
        assert_eq!(tree.handle().drain_child("a", PATIENCE).await.expect("it is drained"), Drained::Empty);
        assert_eq!(tree.handle().drain_child("a", PATIENCE).await.expect("it is stopped"), Drained::Empty);
        assert!(matches!(tree.handle().drain_child("b", PATIENCE).await, Err(AdminError::NotFound { .. })));
    });
}

#[test]
fn draining_is_bounded_and_what_is_left_is_a_dead_letter() {
    virtual_time(async {
        let (a, tree, _) = one(Restart::Permanent).await;
        let _gate = hold(&a).await;
        a.tell(Say::Note("left")).expect("it is told");
        a.priority().tell(Say::Note("left")).expect("it is told");
        let drained = tree.handle().drain_child("a", SECOND).await.expect("it is killed at its budget");
        assert_eq!(drained, Drained::TimedOut { left: 2 });
        assert_eq!(tree.handle().snapshot().children[0].dead_letters, 2);
    });
}

#[test]
fn a_crash_while_draining_is_a_crash_and_draining_goes_on() {
    on_both(async || {
        let (a, tree, journal) = one(Restart::Permanent).await;
        let gate = hold(&a).await;
        a.tell(Step::Panic.into()).expect("it is told");
        a.tell(Say::Note("after the crash")).expect("it is told");
        let handle = tree.handle();
        let (drained, ()) = tokio::join!(handle.drain_child("a", PATIENCE), open_when_draining(&a, &gate));
        assert_eq!(drained.expect("it is drained"), Drained::Empty);
        assert!(journal.take().contains(&"a#2 says after the crash".to_owned()));
        assert_eq!(tree.handle().snapshot().children[0].state, State::Stopped);
    });
}

#[test]
fn a_tree_is_drained_from_its_last_child_to_its_first() {
    on_both(async || {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub");
        let b = sub.add(child::<Scripted>("b", journal.script("b")));
        let c = sub.add(child::<Scripted>("c", journal.script("c")));
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Scripted>("a", journal.script("a")));
        root.supervisor(sub);
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let (gate_b, gate_c) = (hold(&b).await, hold(&c).await);
        for address in [&a, &b, &c] {
            address.tell(Say::Note("waited")).expect("it is told");
        }
        let (reason, ()) = tokio::join!(tree.drain(PATIENCE), async {
            open_when_draining(&c, &gate_c).await;
            // Who comes later in the order may still need those before it.
            while !matches!(b.tell(Step::Ok.into()), Err(TellError::Draining(_))) {
                tokio::task::yield_now().await;
            }
            a.tell(Say::Note("served to the end")).expect("its turn has not come");
            gate_b.open();
        });
        assert_eq!(reason.label(), "shutdown");
        let lines = journal.take();
        for line in ["a#1 says waited", "b#1 says waited", "c#1 says waited", "a#1 says served to the end"] {
            assert!(lines.iter().any(|written| written == line), "{line}: {lines:#?}");
        }
        events.wait_for_line("root/a#1 stopped shutdown").await;
    });
}
