//! The priority lane, and what a full queue does.

use std::time::Duration;

use tembusu::{Address, CallError, ChildSpec, DeadLetter, Overflow, Supervisor, TellError, Tree, WhyDead, child};
use tembusu_testkit::{Gate, Journal, PATIENCE, Say, Scripted, Step, ask, on_both, virtual_time};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

/// Collects dead letters into a journal: `path why message`.
mod collector {
    use std::convert::Infallible;

    use tembusu::{Actor, Context, DeadLetter, Flow, Init};
    use tembusu_testkit::{Journal, Say};

    pub(super) struct Collector(Journal);

    impl Actor for Collector {
        type Message = DeadLetter<Say>;
        type Args = Journal;
        type Crash = Infallible;

        async fn init(journal: &Journal, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
            Ok(Init::Ready(Self(journal.clone())))
        }

        async fn handle(&mut self, letter: DeadLetter<Say>, _: &mut Context<Self>) -> Result<Flow, Infallible> {
            let message = match letter.message {
                Say::Note(text) => text,
                Say::Ask(reply) if reply.is_closed() => "closed call",
                Say::Ask(_) => "open call",
                _ => "other",
            };
            self.0.note(format!("{} {:?} {message}", letter.path, letter.why));
            Ok(Flow::Continue)
        }
    }
}

struct World {
    a: Address<Say>,
    letters: Address<DeadLetter<Say>>,
    tree: Tree,
    journal: Journal,
    dead: Journal,
}

async fn world(configure: impl FnOnce(ChildSpec<Scripted>) -> ChildSpec<Scripted>) -> World {
    let (journal, dead) = (Journal::new(), Journal::new());
    let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
    let letters = root.add(child::<collector::Collector>("letters", dead.clone()));
    let spec = child::<Scripted>("a", journal.script("a")).dead_letters(letters.clone());
    let a = root.add(configure(spec));
    let tree = root.start().await.expect("it starts");
    World { a, letters, tree, journal, dead }
}

impl World {
    async fn hold(&self) -> Gate {
        let gate = Gate::new();
        self.a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        gate
    }

    fn said(&self) -> Vec<String> {
        let lines = self.journal.take();
        lines.iter().filter_map(|line| Some(line.split_once("says ")?.1.to_owned())).collect()
    }

    /// Waits for so many dead letters.
    async fn dead(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            lines.extend(self.dead.take());
            tokio::task::yield_now().await;
        }
        lines
    }

    fn note(&self, text: &'static str) -> Result<(), TellError<Say>> {
        self.a.tell(Say::Note(text))
    }
}

#[test]
fn the_priority_lane_is_received_first_and_in_order_and_survives_a_crash() {
    on_both(async || {
        let world = world(|spec| spec.mailbox(4)).await;
        let urgent = world.a.priority();
        let gate = world.hold().await;
        for note in ["1", "2", "3"] {
            world.note(note).expect("there is room");
        }
        for note in ["urgent 1", "urgent 2"] {
            urgent.tell(Say::Note(note)).expect("there is room");
        }
        urgent.tell(Step::Panic.into()).expect("there is room");
        urgent.tell(Say::Note("urgent 3")).expect("there is room");
        assert!(matches!(urgent.tell(Say::Note("x")), Err(TellError::Full(Say::Note("x")))), "it is bounded too");
        world.note("4").expect("it has room of its own");
        assert_eq!(world.a.len(), 8);
        gate.open();
        world.journal.wait_for("a#2 says 4").await;
        assert_eq!(world.said(), ["urgent 1", "urgent 2", "urgent 3", "1", "2", "3", "4"]);
        assert_eq!(urgent.call(Say::Ask, PATIENCE).await.expect("it is answered"), 2);
    });
}

#[test]
fn a_priority_message_overtakes_what_has_been_taken_in_a_batch() {
    on_both(async || {
        let world = world(|spec| spec).await;
        let (first, second) = (world.hold().await, Gate::new());
        world.note("1").expect("there is room");
        world.a.tell(Step::Pass(second.clone()).into()).expect("there is room");
        world.note("2").expect("there is room");
        first.open();
        second.reached(1).await;
        world.a.priority().tell(Say::Note("urgent")).expect("there is room");
        second.open();
        world.journal.wait_for("a#1 says 2").await;
        assert_eq!(world.said(), ["1", "urgent", "2"]);
    });
}

#[test]
fn a_full_queue_may_drop_the_oldest() {
    on_both(async || {
        let world = world(|spec| spec.mailbox(2).overflow(Overflow::DropOldest)).await;
        let gate = world.hold().await;
        let mut call = std::pin::pin!(world.a.call(Say::Ask, PATIENCE));
        assert!(poll_once(call.as_mut()).await.is_none());
        for note in ["1", "2", "3"] {
            world.note(note).expect("the oldest makes room");
        }
        assert!(matches!(call.await, Err(CallError::Shed)), "it is told at once");
        assert_eq!(world.dead(2).await, ["root/a Shed closed call", "root/a Shed 1"]);
        gate.open();
        world.journal.wait_for("a#1 says 3").await;
        assert_eq!(world.said(), ["2", "3"]);
        let snapshot = world.tree.handle().snapshot();
        let a = snapshot.find("root/a").expect("it is there");
        assert_eq!((a.shed, a.dead_letters, a.uncollected), (2, 2, 0));
    });
}

#[test]
fn a_full_queue_may_drop_the_newest() {
    on_both(async || {
        let world = world(|spec| spec.mailbox(1).overflow(Overflow::DropNewest)).await;
        let gate = world.hold().await;
        world.note("1").expect("there is room");
        world.note("2").expect("it is dropped in silence");
        assert!(matches!(world.a.call(Say::Ask, PATIENCE).await, Err(CallError::Shed)));
        assert_eq!(world.dead(2).await, ["root/a Shed 2", "root/a Shed closed call"]);
        let waiting = world.a.send(Say::Note("3"));
        let (sent, ()) = tokio::join!(waiting, async { gate.open() });
        sent.expect("send waits for room, whatever the policy");
        world.journal.wait_for("a#1 says 3").await;
        assert_eq!(world.said(), ["1", "3"]);
    });
}

#[test]
fn a_queue_may_shed_what_is_too_old() {
    virtual_time(async {
        let world = world(|spec| spec.mailbox(2).overflow(Overflow::ShedOlderThan(SECOND))).await;
        let gate = world.hold().await;
        world.note("1").expect("there is room");
        advance(SECOND / 2).await;
        world.note("2").expect("there is room");
        assert!(matches!(world.note("x"), Err(TellError::Full(Say::Note("x")))), "all are young");
        advance(SECOND * 3 / 4).await;
        world.note("3").expect("the old one makes room");
        assert_eq!(world.dead(1).await, ["root/a Shed 1"]);
        advance(SECOND / 2).await;
        gate.open();
        world.journal.wait_for("a#1 says 3").await;
        assert_eq!(world.said(), ["3"], "the second became too old while it waited");
        assert_eq!(world.dead(1).await, ["root/a Shed 2"]);
    });
}

#[test]
fn expired_calls_and_closed_queues_make_dead_letters() {
    virtual_time(async {
        let world = world(|spec| spec).await;
        let gate = world.hold().await;
        let expired = world.a.call(Say::Ask, SECOND).await;
        assert!(matches!(expired, Err(CallError::Timeout { enqueued: true })));
        gate.open();
        assert_eq!(world.dead(1).await, ["root/a Expired closed call"]);
        let gate = world.hold().await;
        let mut call = std::pin::pin!(world.a.call(Say::Ask, PATIENCE));
        assert!(poll_once(call.as_mut()).await.is_none());
        world.note("waits").expect("there is room");
        world.a.priority().tell(Say::Note("urgent")).expect("there is room");
        let handle = world.tree.handle();
        let (ended, ()) = tokio::join!(handle.terminate_child("a"), async {
            tokio::task::yield_now().await;
            gate.open();
        });
        ended.expect("it is terminated");
        assert!(matches!(call.await, Err(CallError::Gone(None))));
        assert_eq!(world.dead(3).await, ["root/a Closed urgent", "root/a Closed closed call", "root/a Closed waits"]);
        assert!(matches!(world.note("x"), Err(TellError::Gone(_))), "its sender has it: no dead letter");
        assert_eq!(world.tree.handle().snapshot().find("root/a").map(|a| (a.dead_letters, a.expired)), Some((3, 1)));
    });
}

#[test]
fn a_fresh_queue_makes_dead_letters_and_a_collector_without_room_loses_them() {
    on_both(async || {
        let world = world(ChildSpec::fresh_queue).await;
        let gate = world.hold().await;
        world.a.tell(Step::Panic.into()).expect("there is room");
        world.note("stale").expect("there is room");
        gate.open();
        assert_eq!(world.dead(1).await, ["root/a Stale stale"]);
        world.journal.wait_for("a#2 start").await;
        assert_eq!(ask(&world.a).await, 2);
        world.tree.handle().terminate_child("letters").await.expect("it is terminated");
        assert!(world.letters.is_empty());
        let gate = world.hold().await;
        world.a.tell(Step::Panic.into()).expect("there is room");
        world.note("lost").expect("there is room");
        gate.open();
        world.journal.wait_for("a#3 start").await;
        assert_eq!(ask(&world.a).await, 3);
        let snapshot = world.tree.handle().snapshot();
        let a = snapshot.find("root/a").expect("it is there");
        assert_eq!((a.dead_letters, a.uncollected), (2, 1));
    });
}

#[test]
fn a_dead_letter_carries_where_and_why() {
    fn assert_debug<T: std::fmt::Debug + Send>() {}
    assert_debug::<DeadLetter<Say>>();
    assert_eq!(format!("{:?}", WhyDead::Closed), "Closed");
}

/// Polls once.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
