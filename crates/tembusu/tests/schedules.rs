//! The mailbox, replies and the fence under every schedule that a scheduler of its own comes up with.
//!
//! The library's own sources are compiled once more here, with the locks, atomics and threads of `shuttle` in place of
//! the standard library's: it runs one thread at a time and chooses at each lock and atomic who goes on, at random and
//! by priorities (PCT, which finds every bug that takes few switches with a known probability). Time and the parts
//! that no message passes through are stand-ins. Each scenario says what must hold whatever the schedule: nothing is
//! lost, nothing comes twice, the messages of one sender arrive in order.
//!
//! Every ordering of an atomic counts as sequentially consistent here; why a weaker one is enough is said where it
//! stands. A failure prints the schedule, and `SHUTTLE_SEED` repeats a run.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::default_constructed_unit_structs)]

use std::sync::Arc;
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner, thread};

use mailbox::{Caller, Collector, DeadLetter, Hand, Lane, Mailbox, Overflow, Queue, Received, Refusal, Rules, Turn};
use scope::{Lost, Scope, Scoped};
use sync::AtomicBool;

#[path = "../src/exclusive.rs"]
mod exclusive;
#[path = "../src/mailbox/mod.rs"]
mod mailbox;
#[path = "../src/reply.rs"]
mod reply;
#[path = "../src/scope.rs"]
mod scope;

mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
    pub(crate) use shuttle::thread_local;

    pub(crate) fn wake(waker: std::task::Waker) {
        waker.wake();
    }

    pub(crate) fn press() {}

    pub(crate) async fn deferring_for_room<F: Future>(future: F) -> F::Output {
        future.await
    }
}

mod exit {
    pub(crate) use tembusu::ExitReason;
}

/// Nothing panics here: a failed assertion must reach the scheduler.
mod panics {
    pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, ()> {
        Ok(f())
    }

    pub(crate) fn drop_quietly<T>(value: T) -> bool {
        drop(value);
        false
    }
}

mod lives {
    use super::scope::Settle;
    use super::{Arc, exit::ExitReason};
    use tokio::time::Instant;

    #[derive(Default)]
    pub(crate) struct Lives;

    impl Lives {
        pub(crate) fn close(&self) {}

        pub(crate) fn know(&self, _: Instant, _: Instant, _: Arc<dyn Settle>) -> Result<(), ExitReason> {
            Ok(())
        }

        pub(crate) fn give_up(&self, _: Instant, _: &ExitReason) {}
    }
}

/// No supervisor is run here.
mod later {
    pub(crate) fn act(act: impl FnOnce()) {
        act();
    }
}

mod patience {
    pub(crate) const KNOWN_AFTER: std::time::Duration = std::time::Duration::from_millis(100);
}

mod deadline {
    #[derive(Default)]
    pub(crate) struct Shared;

    impl Shared {
        pub(crate) fn get(&self) -> Option<tokio::time::Instant> {
            None
        }

        pub(crate) fn set(&self, _: Option<tokio::time::Instant>) {}
    }
}

mod error {
    pub use tembusu::CallError;
}

/// How many schedules each scenario runs under, of each kind.
const SCHEDULES: usize = 1_500;

/// How many switches lead to the bugs that PCT looks for, at the most.
const PCT_DEPTH: usize = 3;

/// A message: who sent it, and as the how manieth.
type Numbered = (usize, usize);

/// Runs a scenario under random schedules and under PCT's.
fn explore(name: &str, scenario: impl Fn() + Send + Sync + Clone + 'static) {
    let seed = std::env::var("SHUTTLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x7e3b_0511);
    let mut schedules = 0;
    schedules += run(RandomScheduler::new_from_seed(seed, SCHEDULES), scenario.clone());
    schedules += run(PctScheduler::new_from_seed(seed, PCT_DEPTH, SCHEDULES), scenario);
    println!("{name}: {schedules} schedules, SHUTTLE_SEED={seed}");
    assert_eq!(schedules, 2 * SCHEDULES);
}

fn run(scheduler: impl Scheduler + 'static, scenario: impl Fn() + Send + Sync + 'static) -> usize {
    let mut config = Config::new();
    config.stack_size = 0x4_0000;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario)
}

fn mailbox<M: Send + 'static>(capacity: usize) -> Arc<Mailbox<M>> {
    let mailbox = Mailbox::new("a".into());
    mailbox.settle_in(&"root".into(), &"a".into(), capacity);
    mailbox
}

/// Waits for a message; `None` when another receiver has attached.
fn receive<M: Send + 'static>(mailbox: &Mailbox<M>, token: u64) -> Option<M> {
    let mut hand = Hand::default();
    match block_on(std::future::poll_fn(|cx| mailbox.poll_receive(token, cx, &mut hand))) {
        Received::Message => hand.take(),
        Received::Replaced => None,
    }
}

/// Receives until another receiver has attached. It looks again and again: who is replaced is not woken.
fn serve_until_replaced<M: Send + 'static>(mailbox: &Mailbox<M>, token: u64, mut handle: impl FnMut(M)) {
    let mut hand = Hand::default();
    loop {
        let polled = block_on(std::future::poll_fn(|cx| Poll::Ready(mailbox.poll_receive(token, cx, &mut hand))));
        match polled {
            Poll::Ready(Received::Message) => handle(hand.take().expect("it is at hand")),
            Poll::Ready(Received::Replaced) => return,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Sends, waiting for room. Returns whether it was accepted.
fn send<M: Send + 'static>(mailbox: &Mailbox<M>, lane: Lane, mut message: M) -> Result<(), Refusal> {
    loop {
        match mailbox.push_if_room(lane, message) {
            Ok(()) => return Ok(()),
            Err((Refusal::Full, unsent)) => message = unsent,
            Err((refusal, _)) => return Err(refusal),
        }
        block_on(mailbox.wait_for_room(lane));
    }
}

/// `count` messages of each of `senders`, in threads of their own.
fn senders(mailbox: &Arc<Mailbox<Numbered>>, senders: usize, count: usize) -> Vec<thread::JoinHandle<usize>> {
    (0..senders)
        .map(|sender| {
            let mailbox = Arc::clone(mailbox);
            thread::spawn(move || {
                (0..count).take_while(|number| send(&mailbox, Lane::Ordinary, (sender, *number)).is_ok()).count()
            })
        })
        .collect()
}

fn of(sender: usize, received: &[Numbered]) -> Vec<usize> {
    received.iter().filter(|(from, _)| *from == sender).map(|(_, number)| *number).collect()
}

fn assert_complete(received: &[Numbered], senders: usize, count: usize) {
    assert_eq!(received.len(), senders * count, "none lost, none twice: {received:?}");
    for sender in 0..senders {
        assert_eq!(of(sender, received), Vec::from_iter(0..count), "in order: {received:?}");
    }
}

#[test]
fn a_successor_takes_over_from_a_receiver_that_goes_on() {
    const COUNT: usize = 3;
    explore("hand-over", || {
        let mailbox = mailbox(2);
        let senders = senders(&mailbox, 2, COUNT);
        let first = mailbox.attach();
        let replaced = {
            let mailbox = Arc::clone(&mailbox);
            // It never learns that its slot was taken away but by its token.
            thread::spawn(move || {
                let mut early = Vec::new();
                serve_until_replaced(&mailbox, first, |message| early.push(message));
                early
            })
        };
        thread::yield_now();
        let second = mailbox.attach();
        let mut late = Vec::new();
        // However many the first took, the rest is here. It takes none from now on.
        let early = replaced.join().expect("no panic");
        while early.len() + late.len() < 2 * COUNT {
            late.push(receive(&mailbox, second).expect("it is the receiver"));
        }
        for sender in senders {
            assert_eq!(sender.join().expect("no panic"), COUNT);
        }
        assert_complete(&[early, late].concat(), 2, COUNT);
        assert_eq!(mailbox.len(), 0);
    });
}

#[test]
fn a_crash_and_a_restart_lose_no_more_than_the_message_at_hand() {
    const COUNT: usize = 3;
    explore("restart", || {
        let mailbox = mailbox(4);
        let senders = senders(&mailbox, 2, COUNT);
        let mut received = Vec::new();
        // A new incarnation for every second message.
        while received.len() < 2 * COUNT {
            let token = mailbox.attach();
            for _ in 0..2 {
                received.extend(receive(&mailbox, token));
            }
        }
        for sender in senders {
            sender.join().expect("no panic");
        }
        assert_complete(&received, 2, COUNT);
    });
}

/// Calls, waiting for the end of the receiver's poll first when it may.
async fn call(mailbox: &Mailbox<reply::Reply<usize>>) -> Result<usize, Lost> {
    let (reply, answer) = reply::Reply::channel();
    let mut unsent = Some(reply);
    std::future::poll_fn(|cx| {
        let Some(reply) = unsent.take() else { return Poll::Ready(()) };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(600);
        let mut turn = Turn { waker: Some(cx.waker().clone()), ..Turn::default() };
        let sent = mailbox.push_call(Lane::Ordinary, reply, Caller { deadline, settle: None }, &mut turn);
        assert!(sent.is_ok(), "there is room");
        if turn.is_expected { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answer.await
}

#[test]
fn callers_that_wait_for_the_end_of_their_receivers_poll_lose_no_wake_up() {
    const CALLS: usize = 2;
    explore("turns", || {
        let mailbox = mailbox(4);
        let token = mailbox.attach();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || (0..CALLS).filter(|_| block_on(call(&mailbox)).is_ok()).count())
            })
            .collect();
        let (mut hand, mut handled) = (Hand::default(), 0);
        block_on(std::future::poll_fn(|cx| {
            let polled = loop {
                match mailbox.poll_receive(token, cx, &mut hand) {
                    Poll::Ready(_) => {
                        let reply: reply::Reply<usize> = hand.take().expect("it is at hand");
                        assert!(reply.send(handled).is_ok(), "its caller waits");
                        handled += 1;
                    }
                    Poll::Pending if handled == 2 * CALLS => break Poll::Ready(()),
                    Poll::Pending => break Poll::Pending,
                }
            };
            mailbox.end_poll();
            polled
        }));
        for caller in callers {
            assert_eq!(caller.join().expect("no panic"), CALLS);
        }
    });
}

#[test]
fn waiting_senders_lose_no_wake_up_and_the_capacity_holds() {
    const COUNT: usize = 3;
    explore("room", || {
        let mailbox = mailbox(1);
        let senders = senders(&mailbox, 3, COUNT);
        let token = mailbox.attach();
        let mut received = Vec::new();
        while received.len() < 3 * COUNT {
            assert!(mailbox.len() <= 1);
            received.extend(receive(&mailbox, token));
        }
        for sender in senders {
            sender.join().expect("no panic");
        }
        assert_complete(&received, 3, COUNT);
    });
}

#[test]
fn what_was_sent_by_the_priority_lane_is_received_before_every_other() {
    const URGENT: usize = 9;
    explore("priority", || {
        let mailbox = mailbox(4);
        let ordinary = senders(&mailbox, 1, 3);
        let sent = Arc::new(AtomicBool::new(false));
        let urgent = {
            let (mailbox, sent) = (Arc::clone(&mailbox), Arc::clone(&sent));
            thread::spawn(move || {
                for number in 0..2 {
                    send(&mailbox, Lane::Priority, (URGENT, number)).expect("it is open");
                }
                sent.store(true, std::sync::atomic::Ordering::SeqCst);
            })
        };
        let mut received: Vec<Numbered> = Vec::new();
        let mut token = mailbox.attach();
        while received.len() < 5 {
            if received.len() == 2 {
                token = mailbox.attach();
            }
            let all_sent = sent.load(std::sync::atomic::Ordering::SeqCst);
            let waiting = of(URGENT, &received).len() < 2;
            let message = receive(&mailbox, token).expect("it is the receiver");
            assert!(!(all_sent && waiting) || message.0 == URGENT, "{message:?} came before it");
            received.push(message);
        }
        assert_eq!((of(0, &received), of(URGENT, &received)), (vec![0, 1, 2], vec![0, 1]));
        for sender in ordinary {
            sender.join().expect("no panic");
        }
        urgent.join().expect("no panic");
    });
}

#[test]
fn a_drained_queue_has_handled_what_it_accepted_and_accepts_nothing_more() {
    explore("drain", || {
        let mailbox = mailbox(2);
        let senders = senders(&mailbox, 2, 3);
        let token = mailbox.attach();
        let handled = Arc::new(sync::Mutex::new(Vec::new()));
        let receiver = {
            let (mailbox, handled) = (Arc::clone(&mailbox), Arc::clone(&handled));
            thread::spawn(move || {
                serve_until_replaced(&mailbox, token, |message| handled.lock().expect("no panic").push(message));
            })
        };
        mailbox.drain();
        block_on(mailbox.drained());
        let handled_by_then = handled.lock().expect("no panic").clone();
        assert_eq!(mailbox.len(), 0);
        let accepted: Vec<usize> = senders.into_iter().map(|sender| sender.join().expect("no panic")).collect();
        for (sender, count) in accepted.iter().enumerate() {
            assert_eq!(of(sender, &handled_by_then), Vec::from_iter(0..*count));
        }
        assert_eq!(
            mailbox.push_if_room(Lane::Priority, (0, 0)).map_err(|(refusal, _)| refusal),
            Err(Refusal::Draining)
        );
        // Ends the receiver, and with it the scenario.
        mailbox.detach();
        receiver.join().expect("no panic");
    });
}

#[test]
fn a_closed_queue_handles_refuses_or_buries_each_message_once() {
    explore("close", || {
        let (mailbox, buried) = buried_by(mailbox::<Numbered>(2), Overflow::Reject);
        let senders = senders(&mailbox, 2, 2);
        let token = mailbox.attach();
        let closer = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.close())
        };
        let first = std::iter::from_fn(|| poll_once(&mailbox, token));
        let mut seen: Vec<Numbered> = first.collect();
        closer.join().expect("no panic");
        let accepted: Vec<usize> = senders.into_iter().map(|sender| sender.join().expect("no panic")).collect();
        seen.extend(buried.lock().expect("no panic").iter());
        for (sender, count) in accepted.into_iter().enumerate() {
            assert_eq!(of(sender, &seen), Vec::from_iter(0..count), "{seen:?}");
        }
        assert_eq!(mailbox.len(), 0);
    });
}

#[test]
fn a_queue_that_drops_the_oldest_handles_or_buries_each_message_once() {
    explore("overflow", || {
        let (mailbox, buried) = buried_by(mailbox::<Numbered>(1), Overflow::DropOldest);
        let senders: Vec<_> = (0..2)
            .map(|sender| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || {
                    for number in 0..3 {
                        assert!(mailbox.push(Lane::Ordinary, (sender, number), None).is_ok(), "there is always room");
                    }
                })
            })
            .collect();
        let token = mailbox.attach();
        let mut handled = Vec::from_iter(std::iter::from_fn(|| poll_once(&mailbox, token)));
        for sender in senders {
            sender.join().expect("no panic");
        }
        handled.extend(std::iter::from_fn(|| poll_once(&mailbox, token)));
        let buried = buried.lock().expect("no panic").clone();
        assert_eq!(mailbox.shed(), buried.len() as u64);
        let mut all = [handled.clone(), buried].concat();
        all.sort_unstable();
        assert_eq!(all, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        for sender in 0..2 {
            assert!(of(sender, &handled).is_sorted());
        }
    });
}

#[test]
fn a_fresh_queue_keeps_what_came_after_the_end_and_drops_what_came_before() {
    explore("fresh", || {
        let (mailbox, buried) = buried_by(mailbox::<Numbered>(8), Overflow::Reject);
        let first = mailbox.attach();
        send(&mailbox, Lane::Ordinary, (7, 0)).expect("it is open");
        send(&mailbox, Lane::Ordinary, (7, 1)).expect("it is open");
        let during = senders(&mailbox, 1, 2);
        let mut seen = vec![receive(&mailbox, first).expect("it is the receiver")];
        mailbox.mark_stale(tembusu::ExitReason::Shutdown);
        send(&mailbox, Lane::Ordinary, (8, 0)).expect("it is open");
        Arc::clone(&mailbox).discard_stale();
        let second = mailbox.attach();
        for sender in during {
            sender.join().expect("no panic");
        }
        let kept = Vec::from_iter(std::iter::from_fn(|| poll_once(&mailbox, second)));
        let stale = buried.lock().expect("no panic").clone();
        assert_eq!((of(7, &seen), of(7, &stale)), (vec![0], vec![1]));
        assert_eq!(of(8, &kept), [0]);
        seen.extend(stale);
        seen.extend(kept);
        assert_eq!(of(0, &seen), [0, 1]);
        assert_eq!(seen.len(), 5);
    });
}

#[test]
fn a_call_to_a_replaced_incarnation_has_one_outcome_and_both_sides_know_it() {
    explore("fence", || {
        let incarnation = Arc::new(Scope::new());
        let (reply, answer) = reply::Reply::channel();
        let handler = {
            let mut incarnation = Some(Arc::clone(&incarnation) as Arc<dyn Scoped>);
            thread::spawn(move || Scope::enter_owned(&mut incarnation, || reply.send(1)))
        };
        // The slot is taken away from it meanwhile, as from one that does not yield.
        incarnation.replace();
        incarnation.conclude(Lost::Died(tembusu::ExitReason::Unresponsive));
        let told = block_on(answer);
        match (handler.join().expect("no panic"), told) {
            (Ok(()), Ok(1)) | (Err(1), Err(Lost::Died(_))) => {}
            (sent, told) => panic!("{sent:?} and {told:?}"),
        }
    });
}

#[test]
fn a_reply_dropped_by_an_incarnation_that_ends_tells_its_caller() {
    explore("dropped reply", || {
        let incarnation = Arc::new(Scope::new());
        let (reply, answer) = reply::Reply::<u64>::channel();
        let (kept, second) = reply::Reply::<u64>::channel();
        let handler = {
            let mut own = Some(Arc::clone(&incarnation) as Arc<dyn Scoped>);
            let incarnation = Arc::clone(&incarnation);
            thread::spawn(move || {
                Scope::enter_owned(&mut own, || drop(reply));
                incarnation.settle_orderly();
                Scope::enter_owned(&mut own, || drop(kept));
            })
        };
        incarnation.replace();
        incarnation.conclude(Lost::Died(tembusu::ExitReason::Unresponsive));
        assert!(matches!(block_on(answer), Err(Lost::Died(_) | Lost::Unanswered)));
        assert!(matches!(block_on(second), Err(Lost::Died(_))), "after the end there is one truth");
        handler.join().expect("no panic");
    });
}

/// A mailbox whose dead letters are written down.
fn buried_by(
    mailbox: Arc<Mailbox<Numbered>>,
    overflow: Overflow,
) -> (Arc<Mailbox<Numbered>>, Arc<sync::Mutex<Vec<Numbered>>>) {
    let buried = Arc::new(sync::Mutex::new(Vec::new()));
    let collector: Collector<Numbered> = {
        let buried = Arc::clone(&buried);
        Box::new(move |letter: DeadLetter<Numbered>| {
            buried.lock().expect("no panic").push(letter.message);
            Ok(())
        })
    };
    mailbox.set_rules(Rules::new(overflow, Some(collector)));
    (mailbox, buried)
}

/// What is there now, if anything.
fn poll_once<M: Send + 'static>(mailbox: &Mailbox<M>, token: u64) -> Option<M> {
    let mut hand = Hand::default();
    match block_on(std::future::poll_fn(|cx| Poll::Ready(mailbox.poll_receive(token, cx, &mut hand)))) {
        Poll::Ready(Received::Message) => hand.take(),
        Poll::Ready(Received::Replaced) | Poll::Pending => None,
    }
}
