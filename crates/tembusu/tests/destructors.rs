//! What users' destructors do while children are removed is no matter of their supervisor's.
#![allow(dead_code)]

mod probe;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use probe::{Do, End, Probe, Setup, settle};
use tembusu::{Actor, AdminError, Context, ExitReason, Flow, Init, Inline, Supervisor, Table, child};
use tembusu_testkit::{Gate, Journal, PanicsWhenDropped, on_both, real_time};

const SECOND: Duration = Duration::from_secs(1);

/// Waits at the gate when it is dropped, without yielding.
struct Blocks(Gate);

impl Drop for Blocks {
    fn drop(&mut self) {
        self.0.block();
    }
}

#[test]
fn arguments_whose_destructor_blocks_hold_up_nobody_but_who_deletes_the_child() {
    real_time(async {
        let (journal, gate) = (Journal::new(), Gate::new());
        let blocks = Blocks(gate.clone());
        let setup = Setup::new("a", &journal).init(move |_| assert!(std::mem::size_of_val(&blocks) > 0));
        let mut root = Supervisor::one_for_one("root").intensity(9, SECOND);
        root.add(child::<Probe>("a", setup));
        let b = root.add(child::<Probe>("b", Setup::new("b", &journal)));
        let tree = root.start().await.expect("it starts");
        let tasks = tokio::runtime::Handle::current().metrics();
        let with_a = tasks.num_alive_tasks();
        tree.handle().terminate_child("a").await.expect("it ends");
        // Its task lets go of the arguments a moment after it has reported its end.
        while tasks.num_alive_tasks() >= with_a {
            tokio::task::yield_now().await;
        }
        let root = tree.handle().clone();
        let deletes = tokio::spawn(async move { root.delete_child("a").await });
        gate.reached(1).await;
        b.tell(Do::End(End::Error)).expect("it is told");
        while settle(&b).await < 2 {}
        assert!(!deletes.is_finished(), "when it is answered, what was deleted is gone");
        gate.open();
        deletes.await.expect("no panic").expect("it is deleted");
    });
}

#[test]
fn messages_whose_destructor_blocks_hold_up_nobody_but_who_terminates_the_child() {
    real_time(async {
        let (journal, gate) = (Journal::new(), Gate::new());
        let blocks = Blocks(gate.clone());
        let mut root = Supervisor::one_for_one("root").intensity(9, SECOND);
        let a = root.add(child::<Probe>("a", Setup::new("a", &journal)).brutal_kill());
        let b = root.add(child::<Probe>("b", Setup::new("b", &journal)));
        let tree = root.start().await.expect("it starts");
        a.tell(Do::Pass(Gate::new())).expect("it is told");
        a.tell(Do::Run(Box::new(move |_| drop(blocks)))).expect("it is told");
        let root = tree.handle().clone();
        let terminates = tokio::spawn(async move { root.terminate_child("a").await });
        gate.reached(1).await;
        b.tell(Do::End(End::Error)).expect("it is told");
        while settle(&b).await < 2 {}
        assert!(!terminates.is_finished(), "when it is answered, what waited is gone");
        gate.open();
        terminates.await.expect("no panic").expect("it is terminated");
    });
}

/// Starts once.
struct Once;

impl Actor for Once {
    type Message = ();
    type Args = AtomicBool;
    type Crash = PanicsWhenDropped;

    async fn init(has_started: &AtomicBool, _: &mut Context<Self>) -> Result<Init<Self>, PanicsWhenDropped> {
        if has_started.swap(true, Ordering::Relaxed) { Err(PanicsWhenDropped) } else { Ok(Init::Ready(Self)) }
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, PanicsWhenDropped> {
        Ok(Flow::Continue)
    }
}

#[test]
fn an_error_that_panics_when_it_is_dropped_is_survived_by_the_supervisor_of_the_deleted_child() {
    on_both(async || {
        let mut root = Supervisor::one_for_one("root").intensity(9, SECOND);
        root.add(child::<Once>("a", AtomicBool::new(false)));
        let b = root.add(child::<Probe>("b", Setup::new("b", &Journal::new())));
        let tree = root.start().await.expect("it starts");
        let root = tree.handle();
        root.terminate_child("a").await.expect("it ends");
        let refused = root.restart_child("a").await;
        let Err(AdminError::Failed { reason: ExitReason::Error(error), .. }) = refused else {
            panic!("it does not start")
        };
        // The other one is the supervisor's, which knows why its child ended last.
        assert!(Arc::strong_count(&error) > 1);
        drop(error);
        root.delete_child("a").await.expect("it is deleted");
        assert_eq!(settle(&b).await, 1);
    });
}

#[test]
fn what_a_given_up_incarnation_has_published_holds_up_nobody_when_it_is_dropped() {
    real_time(async {
        let (journal, stuck) = (Journal::new(), Gate::new());
        let (table, view) = (Table::<Blocks>::new("table"), Inline::<Blocks>::new("view"));
        let (in_table, in_view) = (Gate::new(), Gate::new());
        // A loaded machine may hold up an honest poll for a while.
        let mut root = Supervisor::one_for_one("root").intensity(99, SECOND).heartbeat(Duration::from_millis(200));
        let a = root.add(child::<Probe>("a", Setup::new("a", &journal)));
        let b = root.add(child::<Probe>("b", Setup::new("b", &journal)));
        let _tree = root.start().await.expect("it starts");
        let (published, viewed, blocks) = (table.clone(), view.clone(), stuck.clone());
        let (value, handlers) = (Blocks(in_table.clone()), Arc::new(Blocks(in_view.clone())));
        let publishes = Do::Run(Box::new(move |cx| {
            // What is published is let go of by nobody but the library.
            drop(cx.publish(&published, value));
            cx.publish_view(&viewed, handlers);
            blocks.block();
        }));
        a.tell(publishes).expect("it is told");
        stuck.reached(1).await;
        for gate in [in_table, in_view] {
            // One is dropped after the other; the supervisor has given the slot to the next, and serves the others.
            gate.reached(1).await;
            assert!(table.read().is_none() && !view.is_published(), "they are withdrawn at once");
            assert!(settle(&a).await > 1);
            let restarts = settle(&b).await;
            b.tell(Do::End(End::Error)).expect("it is told");
            while settle(&b).await == restarts {}
            gate.open();
        }
        stuck.open();
    });
}
