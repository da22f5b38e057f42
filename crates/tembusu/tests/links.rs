//! Links: incarnations that end together, or tell each other.
#![allow(dead_code)]

mod probe;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, EventKind, ExitReason, Restart, Supervisor, Tree, child};
use tembusu_testkit::{EventRecorder, Gate, Journal, on_both, real_time};

const SECOND: Duration = Duration::from_secs(1);

struct World {
    a: Address<Do>,
    b: Address<Do>,
    c: Address<Do>,
    journal: Journal,
    tree: Tree,
}

async fn world() -> World {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(100_000, SECOND);
    let [a, b, c] = ["a", "b", "c"]
        .map(|name| root.add(child::<Probe>(name, Setup::new(name, &journal)).restart(Restart::Transient)));
    World { a, b, c, journal, tree: root.start().await.expect("it starts") }
}

async fn link(from: &Address<Do>, to: &Address<Do>) {
    let to = to.clone();
    run(from, move |cx| cx.link(&to)).await;
}

async fn trap(address: &Address<Do>) {
    run(address, |cx| cx.trap_exits(Do::Exit)).await;
}

#[test]
fn a_crash_on_either_side_crashes_the_other_with_who_and_why() {
    on_both(async || {
        for from_a in [true, false] {
            let world = world().await;
            link(&world.a, &world.b).await;
            let (first, second) = if from_a { (&world.a, &world.b) } else { (&world.b, &world.a) };
            let ended = second.ended();
            first.tell(Do::End(End::Panic)).expect("it is told");
            let ExitReason::Linked(exit) = ended.await.reason else { panic!("it was not linked") };
            assert_eq!((&*exit.path, exit.incarnation), (first.path(), 1));
            assert!(matches!(exit.reason, ExitReason::Panic { .. }));
            assert_eq!((settle(&world.a).await, settle(&world.b).await), (2, 2));
            // The next two are strangers.
            let ended = first.ended();
            first.tell(Do::End(End::Error)).expect("it is told");
            ended.await;
            assert_eq!((settle(first).await, settle(second).await), (3, 2));
        }
    });
}

#[test]
fn a_chain_passes_the_first_cause_on() {
    on_both(async || {
        let world = world().await;
        link(&world.a, &world.b).await;
        link(&world.b, &world.c).await;
        let ended = world.c.ended();
        world.a.tell(Do::End(End::Error)).expect("it is told");
        let ExitReason::Linked(exit) = ended.await.reason else { panic!("it was not linked") };
        assert_eq!(&*exit.path, "root/a");
        assert!(matches!(exit.reason, ExitReason::Error(_)));
    });
}

#[test]
fn a_normal_end_is_no_matter_and_a_stop_by_the_supervisor_is() {
    on_both(async || {
        let world = world().await;
        link(&world.a, &world.b).await;
        let ended = world.a.ended();
        world.a.tell(Do::End(End::Normal)).expect("it is told");
        ended.await;
        assert_eq!(settle(&world.b).await, 1);
        link(&world.b, &world.c).await;
        let ended = world.b.ended();
        let mut events = EventRecorder::of(&world.tree.handle());
        world.tree.handle().terminate_child("c").await.expect("it is terminated");
        let reason = ended.await.reason;
        let ExitReason::Linked(exit) = &reason else { panic!("it was not linked") };
        assert!(matches!(exit.reason, ExitReason::Shutdown));
        assert!(!reason.is_abnormal(), "a transient child is not restarted, as in OTP");
        // Its end is known before its supervisor has decided that it stays so.
        events.wait_for(|event| &*event.path == "root/b" && matches!(event.kind, EventKind::Stopped { .. })).await;
        assert!(world.b.tell(Do::Note("x".into())).is_err());
        assert!(!world.journal.take().iter().any(|line| line.starts_with("b#1 stop")), "its stop does not run");
    });
}

#[test]
fn who_traps_exits_is_told_instead_of_a_normal_end_too() {
    on_both(async || {
        let world = world().await;
        trap(&world.b).await;
        for (n, end) in [End::Error, End::Panic, End::Normal].into_iter().enumerate() {
            link(&world.b, &world.a).await;
            link(&world.b, &world.a).await;
            world.a.tell(Do::End(end)).expect("it is told");
            let reason = ["error", "panic", "normal"][n];
            world.journal.wait_for(&format!("b#1 exit root/a#{} {reason}", n + 1)).await;
            if n < 2 {
                settle(&world.a).await;
            }
        }
        assert_eq!(settle(&world.b).await, 1);
        let told = world.journal.take().iter().filter(|line| line.contains(" exit ")).count();
        assert_eq!(told, 3, "linked twice is linked once");
        // A's successor is not there: linking to it is told at once.
        link(&world.b, &world.a).await;
        world.journal.wait_for("b#1 exit root/a#0 not_running").await;
        let ended = world.c.ended();
        let a = world.a.clone();
        world.c.tell(Do::Run(Box::new(move |cx| cx.link(&a)))).expect("it is told");
        assert!(ended.await.reason.to_string().contains("not_running"));
    });
}

#[test]
fn an_unlinked_one_and_oneself_are_not_touched() {
    on_both(async || {
        let world = world().await;
        link(&world.a, &world.b).await;
        let a = world.a.clone();
        assert!(run(&world.b, move |cx| cx.unlink(&a)).await, "a link has no direction");
        let a = world.a.clone();
        assert!(!run(&world.b, move |cx| cx.unlink(&a)).await);
        link(&world.a, &world.a.clone()).await;
        let ended = world.a.ended();
        world.a.tell(Do::End(End::Error)).expect("it is told");
        assert!(matches!(ended.await.reason, ExitReason::Error(_)));
        assert_eq!((settle(&world.a).await, settle(&world.b).await), (2, 1));
    });
}

#[test]
fn a_handler_that_waits_is_ended_at_its_await() {
    on_both(async || {
        let world = world().await;
        link(&world.a, &world.b).await;
        let gate = Gate::new();
        world.b.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        let ended = world.b.ended();
        world.a.tell(Do::End(End::Error)).expect("it is told");
        assert!(matches!(ended.await.reason, ExitReason::Linked(_)), "the gate never opens");
        assert_eq!(settle(&world.b).await, 2);
    });
}

#[test]
fn two_that_die_at_once_and_link_while_they_die_neither_hang_nor_leave_anything() {
    real_time(async {
        let world = world().await;
        for _ in 0..500 {
            let tell = |from: &Address<Do>, to: &Address<Do>, end: End| {
                let (from, to) = (from.clone(), to.clone());
                tokio::spawn(async move {
                    let linked = from.send(Do::Run(Box::new(move |cx| cx.link(&to)))).await;
                    linked.and(from.send(Do::End(end)).await).is_ok()
                })
            };
            let (one, two) = (tell(&world.a, &world.b, End::Error), tell(&world.b, &world.a, End::Panic));
            assert!(one.await.expect("no panic") && two.await.expect("no panic"));
            settle(&world.a).await;
            settle(&world.b).await;
        }
        // Whatever was linked is dead by now: fresh ones are not.
        for address in [&world.a, &world.b] {
            let ended = address.ended();
            address.tell(Do::End(End::Error)).expect("it is told");
            ended.await;
        }
        let (a, b) = (settle(&world.a).await, settle(&world.b).await);
        let ended = world.a.ended();
        world.a.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        assert_eq!((settle(&world.a).await, settle(&world.b).await), (a + 1, b));
    });
}

/// Of two linked children `a` and `b`, one fails: how many failures their supervisor charges.
async fn charged(mut root: Supervisor, first_fails: bool) -> usize {
    let journal = Journal::new();
    let [a, b] = ["a", "b"].map(|name| root.add(child::<Probe>(name, Setup::new(name, &journal))));
    let mut events = EventRecorder::of(&root.handle());
    let tree = root.start().await.expect("it starts");
    link(&a, &b).await;
    let (first, second) = if first_fails { (&a, &b) } else { (&b, &a) };
    let (of_first, of_second) = (first.ended(), second.ended());
    first.tell(Do::End(End::Error)).expect("it is told");
    of_first.await;
    of_second.await;
    assert!(settle(&a).await > 1 && settle(&b).await > 1);
    tree.shutdown().await;
    events.take().iter().filter(|line| line.contains("crashed") && line.ends_with("/9")).count()
}

#[test]
fn siblings_that_take_each_other_down_are_charged_as_otp_charges_them() {
    on_both(async || {
        for first_fails in [true, false] {
            let limited = |root: Supervisor| root.intensity(9, SECOND);
            // Each exit signal that the supervisor gets is a restart of its own ...
            assert_eq!(charged(limited(Supervisor::one_for_one("root")), first_fails).await, 2);
            // ... unless the child is one that it is about to stop for the restart before.
            assert_eq!(charged(limited(Supervisor::one_for_all("root")), first_fails).await, 1);
            let in_rest = if first_fails { 1 } else { 2 };
            assert_eq!(charged(limited(Supervisor::rest_for_one("root")), first_fails).await, in_rest);
        }
    });
}

#[test]
fn a_supervisor_hears_of_the_first_end_before_what_is_linked_ends() {
    /// In a queue that is dropped before the end is reported: holds the report up until the other one has ended, if
    /// it does.
    struct HoldsUp(Receiver<()>);
    impl Drop for HoldsUp {
        fn drop(&mut self) {
            let _ = self.0.recv_timeout(SECOND / 10);
        }
    }
    real_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::rest_for_one("root").intensity(1, SECOND * 60);
        let a = root.add(child::<Probe>("a", Setup::new("a", &journal)).fresh_queue());
        let b = root.add(child::<Probe>("b", Setup::new("b", &journal)));
        let tree = root.start().await.expect("it starts");
        link(&a, &b).await;
        let gate = Gate::new();
        let (ended, has_ended) = channel();
        let (of_b, holds_up) = (b.ended(), HoldsUp(has_ended));
        tokio::spawn(async move {
            of_b.await;
            let _ = ended.send(());
        });
        let last = Do::Run(Box::new(move |_| drop(holds_up)));
        for message in [Do::Pass(gate.clone()), Do::End(End::Error), last] {
            a.tell(message).expect("it is told");
        }
        let of_a = a.ended();
        gate.open();
        // One failure is granted: were that of `b` charged as well, the tree would end.
        of_a.await;
        while settle(&b).await < 2 {}
        assert_eq!((settle(&a).await, settle(&b).await), (2, 2));
        tree.shutdown().await;
    });
}
