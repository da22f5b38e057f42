//! Recipients: senders of another type, which get back what was not sent.
#![allow(dead_code)]

mod probe;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use probe::{Do, End, Probe, Setup, settle};
use tembusu::{Address, CallError, ChildSpec, Overflow, Recipient, Reply, Supervisor, TellError, Tree, child};
use tembusu_testkit::{Gate, Journal, PATIENCE, on_both, real_time, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

/// Not `Clone`: what comes back is what went in.
#[derive(Debug, PartialEq)]
struct Text(&'static str);

struct World {
    a: Address<Do>,
    texts: Recipient<Text>,
    /// How many texts were converted.
    converted: Arc<AtomicUsize>,
    journal: Journal,
    tree: Tree,
}

async fn world(options: impl FnOnce(ChildSpec<Probe>) -> ChildSpec<Probe>) -> World {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(100, SECOND);
    let a = root.add(options(child::<Probe>("a", Setup::new("a", &journal)).mailbox(2)));
    let converted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&converted);
    let texts = a.map(move |Text(text)| {
        count.fetch_add(1, Ordering::Relaxed);
        assert_ne!(text, "panic");
        Do::Note(text.to_owned())
    });
    World { a, texts, converted, journal, tree: root.start().await.expect("it starts") }
}

impl World {
    async fn busy(&self) -> Gate {
        let gate = Gate::new();
        self.a.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        gate
    }
}

#[test]
fn what_is_refused_comes_back_unconverted() {
    on_both(async || {
        let world = world(|spec| spec).await;
        let gate = world.busy().await;
        for text in ["1", "2"] {
            world.texts.tell(Text(text)).expect("there is room");
        }
        assert_eq!(world.texts.tell(Text("3")), Err(TellError::Full(Text("3"))));
        let clone = world.texts.clone();
        let waits = tokio::spawn(async move { clone.send(Text("waited")).await });
        gate.open();
        waits.await.expect("no panic").expect("there is room in the end");
        world.journal.wait_for("a#1 waited").await;
        assert_eq!(world.journal.take(), ["a#1 1", "a#1 2", "a#1 waited"]);
        assert_eq!(world.converted.load(Ordering::Relaxed), 3);
        world.tree.handle().terminate_child("a").await.expect("it is terminated");
        assert_eq!(world.texts.tell(Text("4")), Err(TellError::Gone(Text("4"))));
        assert_eq!(world.texts.send(Text("5")).await, Err(TellError::Gone(Text("5"))));
        assert_eq!(world.converted.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_call_goes_through_and_hands_back_what_was_not_sent() {
    on_both(async || {
        let world = world(|spec| spec).await;
        let asks: Recipient<Reply<u64>> = world.a.map(Do::Ask);
        assert_eq!(asks.call(|reply| reply, PATIENCE).await.expect("it answers"), 1);
        world.a.tell(Do::End(End::Error)).expect("it is told");
        assert_eq!(asks.call(|reply| reply, PATIENCE).await.expect("the next one answers"), 2);
        let gate = world.busy().await;
        for _ in 0..2 {
            world.texts.tell(Text("x")).expect("there is room");
        }
        assert!(matches!(asks.call(|reply| reply, PATIENCE).await, Err(CallError::Full(_))));
        assert!(matches!(asks.call(|reply| reply, Duration::ZERO).await, Err(CallError::Timeout { enqueued: false })));
        gate.open();
        settle_when_free(&world.a).await;
        let hung = world.a.map(|reply: Reply<u64>| {
            drop(reply);
            Do::Note("dropped".to_owned())
        });
        let answer = hung.call(|reply| reply, PATIENCE).await;
        assert!(matches!(answer, Err(CallError::Unanswered)), "{answer:?}");
    });
}

async fn settle_when_free(a: &Address<Do>) {
    while !a.is_empty() {
        tokio::task::yield_now().await;
    }
    settle(a).await;
}

#[test]
fn a_panic_while_converting_is_the_senders_and_its_place_is_free_again() {
    virtual_time(async {
        let world = world(|spec| spec.mailbox(1)).await;
        let gate = world.busy().await;
        for _ in 0..3 {
            let texts = world.texts.clone();
            assert!(tokio::spawn(async move { texts.tell(Text("panic")).is_ok() }).await.is_err());
        }
        world.texts.tell(Text("fine")).expect("the place is free");
        assert!(world.texts.tell(Text("too much")).is_err());
        gate.open();
        world.journal.wait_for("a#1 fine").await;
        assert_eq!(settle(&world.a).await, 1, "the actor has nothing to do with it");
    });
}

#[test]
fn a_place_is_kept_while_a_message_is_made_for_it() {
    real_time(async {
        let world = world(|spec| spec.mailbox(1)).await;
        let gate = world.busy().await;
        let slow = Gate::new();
        let made = slow.clone();
        let slowly = world.a.map(move |Text(text)| {
            made.block();
            Do::Note(text.to_owned())
        });
        let sender = std::thread::spawn(move || slowly.tell(Text("slow")));
        slow.reached(1).await;
        assert!(matches!(world.a.tell(Do::Note("quick".into())), Err(TellError::Full(_))), "it is taken");
        assert!(world.a.is_empty(), "and nothing is there yet");
        slow.open();
        sender.join().expect("no panic").expect("its place was kept");
        gate.open();
        world.journal.wait_for("a#1 slow").await;
    });
}

#[test]
fn what_is_made_while_the_queue_closes_is_lost_as_if_it_had_come_before() {
    real_time(async {
        let world = world(|spec| spec).await;
        let slow = Gate::new();
        let made = slow.clone();
        let slowly = world.a.map(move |reply: Reply<u64>| {
            made.block();
            Do::Ask(reply)
        });
        let called = tokio::spawn(async move { slowly.call(|reply| reply, PATIENCE).await });
        slow.reached(1).await;
        world.tree.handle().terminate_child("a").await.expect("it is terminated");
        slow.open();
        assert!(matches!(called.await.expect("no panic"), Err(CallError::Gone(None))));
        assert_eq!(world.tree.handle().snapshot().children[0].dead_letters, 1);
    });
}

#[test]
fn an_overflow_policy_counts_for_recipients_too() {
    virtual_time(async {
        let oldest = world(|spec| spec.overflow(Overflow::DropOldest)).await;
        let gate = oldest.busy().await;
        for text in ["1", "2", "3"] {
            oldest.texts.tell(Text(text)).expect("the oldest makes room");
        }
        gate.open();
        oldest.journal.wait_for("a#1 3").await;
        assert_eq!(oldest.journal.take(), ["a#1 2", "a#1 3"]);

        let newest = world(|spec| spec.overflow(Overflow::DropNewest)).await;
        let gate = newest.busy().await;
        for text in ["1", "2", "3"] {
            newest.texts.tell(Text(text)).expect("nobody is told");
        }
        gate.open();
        settle_when_free(&newest.a).await;
        assert_eq!(newest.journal.take(), ["a#1 1", "a#1 2"]);

        let aged = world(|spec| spec.overflow(Overflow::ShedOlderThan(SECOND))).await;
        let gate = aged.busy().await;
        for text in ["1", "2"] {
            aged.texts.tell(Text(text)).expect("there is room");
        }
        assert_eq!(aged.texts.tell(Text("3")), Err(TellError::Full(Text("3"))));
        tokio::time::sleep(SECOND * 2).await;
        aged.texts.tell(Text("4")).expect("they are old");
        gate.open();
        settle_when_free(&aged.a).await;
        assert_eq!(aged.journal.take(), ["a#1 4"]);
    });
}
