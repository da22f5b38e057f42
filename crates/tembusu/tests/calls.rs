//! Calls never hang, never panic the caller, and tell the truth.

use std::time::Duration;

use tembusu::{Address, CallError, ExitReason, Supervisor, TellError, Tree, child};
use tembusu_testkit::{Gate, Journal, PATIENCE, Say, Scripted, Step, ask, on_both, virtual_time};
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);

async fn one(capacity: usize) -> (Address<Say>, Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
    let a = root.add(child::<Scripted>("a", journal.script("a")).mailbox(capacity));
    (a, root.start().await.expect("it starts"), journal)
}

#[test]
fn an_expired_call_is_a_time_out_is_not_handled_and_is_counted() {
    virtual_time(async {
        let (a, tree, _) = one(8).await;
        let gate = Gate::new();
        a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        let (first, second) = tokio::join!(
            a.call(|reply| Say::Lose(Step::Panic, reply), SECOND),
            a.call(|reply| Say::Lose(Step::Panic, reply), SECOND * 2),
        );
        assert!(matches!(first, Err(CallError::Timeout { enqueued: true })), "{first:?}");
        assert!(matches!(second, Err(CallError::Timeout { enqueued: true })), "{second:?}");
        gate.open();
        assert_eq!(ask(&a).await, 1, "neither was handled");
        assert_eq!(tree.handle().snapshot().children[0].expired, 2);
    });
}

#[test]
fn a_call_that_expires_as_its_turn_comes_is_a_time_out_and_not_unanswered() {
    virtual_time(async {
        let (a, _tree, _) = one(8).await;
        let gate = Gate::new();
        a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        let mut call = std::pin::pin!(a.call(Say::Ask, SECOND));
        assert!(futures_poll(call.as_mut()).await.is_none());
        // The clock passes the deadline, and the child is there before the caller's timer is.
        gate.open();
        advance(SECOND).await;
        let told = a.call(Say::Ask, PATIENCE).await;
        assert!(told.is_ok());
        assert!(matches!(call.await, Err(CallError::Timeout { enqueued: true })));
    });
}

/// Polls once.
async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[test]
fn a_deadline_that_has_passed_sends_nothing() {
    virtual_time(async {
        let (a, _tree, _) = one(8).await;
        let past = Instant::now();
        assert!(matches!(a.call_until(Say::Ask, past).await, Err(CallError::Timeout { enqueued: false })));
        assert!(a.is_empty());
        assert_eq!(a.call(Say::Ask, Duration::MAX).await.expect("no deadline is too late"), 1);
    });
}

#[test]
fn a_full_queue_hands_the_message_back_at_once_and_send_waits_for_room() {
    on_both(async || {
        let (a, _tree, journal) = one(1).await;
        let gate = Gate::new();
        a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        a.tell(Say::Note("one")).expect("there is room");
        assert!(matches!(a.tell(Say::Note("two")), Err(TellError::Full(Say::Note("two")))));
        assert!(matches!(a.call(Say::Ask, PATIENCE).await, Err(CallError::Full(Say::Ask(_)))));
        let senders = (0..20).map(|_| {
            let a = a.clone();
            tokio::spawn(async move { a.send(Say::Note("waited")).await })
        });
        let senders: Vec<_> = senders.collect();
        gate.open();
        for sender in senders {
            sender.await.expect("no panic").expect("there is room in the end");
        }
        journal.wait_for("a#1 says waited").await;
    });
}

#[test]
fn many_senders_and_few_places_lose_no_wake_up() {
    on_both(async || {
        let (a, _tree, journal) = one(2).await;
        let senders: Vec<_> = (0..64)
            .map(|n| {
                let a = a.clone();
                tokio::spawn(async move {
                    for k in 0..50 {
                        // Every third wait is given up and begun again: its wake-up must go to another.
                        if (n + k) % 3 == 0 {
                            let mut given_up = std::pin::pin!(a.send(Say::Note("x")));
                            if futures_poll(given_up.as_mut()).await.is_some() {
                                continue;
                            }
                        }
                        a.send(Say::Note("x")).await.expect("it is sent");
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.await.expect("no panic");
        }
        while a.call(Say::Ask, PATIENCE).await.is_err() {
            tokio::task::yield_now().await;
        }
        let said = journal.take().iter().filter(|line| line.ends_with("says x")).count();
        assert_eq!(said, 64 * 50);
    });
}

#[test]
fn a_reply_dropped_in_handle_is_unanswered_when_it_ends_in_order_and_died_when_it_crashes() {
    on_both(async || {
        let (a, _tree, _) = one(8).await;
        let orderly = a.call(|reply| Say::Lose(Step::Ok, reply), PATIENCE).await;
        assert!(matches!(orderly, Err(CallError::Unanswered)), "{orderly:?}");
        let error = a.call(|reply| Say::Lose(Step::Error, reply), PATIENCE).await;
        assert!(matches!(error, Err(CallError::Died(ExitReason::Error(_)))), "{error:?}");
        let panic = a.call(|reply| Say::Lose(Step::Panic, reply), PATIENCE).await;
        let Err(CallError::Died(ExitReason::Panic { message, location })) = panic else { panic!("{panic:?}") };
        assert_eq!(&*message, "boom");
        assert!(location.is_some_and(|location| location.contains("scripted.rs")));
        let stopped = a.call(|reply| Say::Lose(Step::Stop, reply), PATIENCE).await;
        assert!(matches!(stopped, Err(CallError::Unanswered)), "{stopped:?}");
    });
}

#[test]
fn a_reply_may_be_kept_and_dies_with_its_keeper() {
    on_both(async || {
        let (a, tree, _) = one(8).await;
        let kept = a.call(Say::Keep, PATIENCE);
        let (kept, ()) = tokio::join!(kept, async { a.tell(Say::AnswerKept).expect("it is told") });
        assert_eq!(kept.expect("it is answered"), 1);
        let (kept, ()) = tokio::join!(a.call(Say::Keep, PATIENCE), async {
            a.tell(Step::Error.into()).expect("it is told");
        });
        assert!(matches!(kept, Err(CallError::Died(ExitReason::Error(_)))), "{kept:?}");
        let handle = tree.handle();
        let (kept, terminated) = tokio::join!(a.call(Say::Keep, PATIENCE), async {
            assert_eq!(ask(&a).await, 2);
            handle.terminate_child("a").await
        });
        terminated.expect("it is terminated");
        assert!(matches!(kept, Err(CallError::Unanswered)), "it ended in order: {kept:?}");
    });
}

/// Beyond OTP's suite (f).
#[test]
fn a_call_in_hand_when_its_child_is_killed_has_died() {
    virtual_time(async {
        let (a, tree, _) = one(8).await;
        let handle = tree.handle();
        let (call, terminated) = tokio::join!(a.call(|reply| Say::Lose(Step::Hang, reply), PATIENCE), async {
            while !a.is_empty() {
                tokio::task::yield_now().await;
            }
            handle.terminate_child("a").await
        });
        terminated.expect("it is terminated");
        assert!(matches!(call, Err(CallError::Died(ExitReason::Killed))), "{call:?}");
    });
}

#[test]
fn messages_of_one_sender_arrive_in_order_over_crashes() {
    on_both(async || {
        let (a, _tree, journal) = one(1024).await;
        const NOTES: [&str; 6] = ["1", "2", "3", "4", "5", "6"];
        for (index, note) in NOTES.into_iter().enumerate() {
            a.tell(Say::Note(note)).expect("it is told");
            if index % 2 == 0 {
                a.tell(Step::Panic.into()).expect("it is told");
            }
        }
        assert_eq!(ask(&a).await, 4);
        let said: Vec<String> =
            journal.take().iter().filter_map(|line| Some(line.split_once("says ")?.1.to_owned())).collect();
        assert_eq!(said, NOTES);
    });
}
