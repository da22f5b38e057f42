//! Deadlines that travel on: nobody works longer for a caller than the caller waits.
#![allow(dead_code)]

use std::convert::Infallible;
use std::time::Duration;

use tembusu::{Actor, Address, CallError, Context, Flow, Init, Reply, Supervisor, Tree, child, without_deadline};
use tembusu_testkit::{PATIENCE, virtual_time};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Never answers.
struct Deaf(Vec<Reply<()>>);

impl Actor for Deaf {
    type Message = Reply<()>;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(Vec::new())))
    }

    async fn handle(&mut self, reply: Reply<()>, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        self.0.push(reply);
        Ok(Flow::Continue)
    }
}

/// Asks the deaf one, for as long as it may, and tells how long it waited.
struct Middle(Address<Reply<()>>);

enum Ask {
    Patiently(Option<Reply<()>>, tokio::sync::mpsc::UnboundedSender<Duration>),
    Regardless(Reply<()>, tokio::sync::mpsc::UnboundedSender<Duration>),
    ByTimer(Reply<()>, tokio::sync::mpsc::UnboundedSender<Duration>),
    Late(Reply<CallErrorKind>),
}

#[derive(Debug, PartialEq)]
struct CallErrorKind(bool);

const PATIENT: Duration = Duration::from_secs(30);

impl Actor for Middle {
    type Message = Ask;
    type Args = Address<Reply<()>>;
    type Crash = Infallible;

    async fn init(deaf: &Address<Reply<()>>, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(deaf.clone())))
    }

    async fn handle(&mut self, ask: Ask, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        let from = Instant::now();
        match ask {
            Ask::Patiently(reply, waited) => {
                let asked = self.0.call(|reply| reply, PATIENT).await;
                assert!(matches!(asked, Err(CallError::Timeout { enqueued: true })));
                let _ = waited.send(from.elapsed());
                drop(reply);
            }
            Ask::Regardless(reply, waited) => {
                let _ = without_deadline(self.0.call(|reply| reply, PATIENT)).await;
                let _ = waited.send(from.elapsed());
                drop(reply);
            }
            Ask::ByTimer(reply, waited) => {
                cx.after(Duration::ZERO, Ask::Patiently(None, waited));
                let _ = reply.send(());
            }
            Ask::Late(reply) => {
                sleep(SECOND * 2).await;
                let asked = self.0.call(|reply| reply, PATIENT).await;
                let Err(CallError::Timeout { enqueued }) = asked else { panic!("{asked:?}") };
                assert!(self.0.is_empty() && from.elapsed() == SECOND * 2);
                assert!(reply.send(CallErrorKind(enqueued)).is_err(), "its caller has given up");
            }
        }
        Ok(Flow::Continue)
    }
}

async fn middle() -> (Address<Ask>, Tree) {
    let mut root = Supervisor::one_for_one("root");
    let deaf = root.add(child::<Deaf>("deaf", ()));
    let middle = root.add(child::<Middle>("middle", deaf));
    (middle, root.start().await.expect("it starts"))
}

#[test]
fn a_nested_call_waits_no_longer_than_its_caller() {
    virtual_time(async {
        let (middle, _tree) = middle().await;
        let (sender, mut waited) = tokio::sync::mpsc::unbounded_channel();
        let asked = middle.call(|reply| Ask::Patiently(Some(reply), sender.clone()), SECOND * 3).await;
        assert!(matches!(asked, Err(CallError::Timeout { enqueued: true })), "{asked:?}");
        assert_eq!(waited.recv().await, Some(SECOND * 3));
        // A message without a caller has no deadline, also after one that had.
        middle.tell(Ask::Patiently(None, sender.clone())).expect("it is told");
        assert_eq!(waited.recv().await, Some(PATIENT));
        // A timer set by a call's handler is a message of its own.
        middle.call(|reply| Ask::ByTimer(reply, sender.clone()), SECOND).await.expect("it answers");
        assert_eq!(waited.recv().await, Some(PATIENT));
    });
}

#[test]
fn a_nested_call_may_be_let_off_by_name() {
    virtual_time(async {
        let (middle, _tree) = middle().await;
        let (sender, mut waited) = tokio::sync::mpsc::unbounded_channel();
        let asked = middle.call(|reply| Ask::Regardless(reply, sender.clone()), SECOND).await;
        assert!(matches!(asked, Err(CallError::Timeout { .. })), "{asked:?}");
        assert_eq!(waited.recv().await, Some(PATIENT));
    });
}

#[test]
fn a_nested_call_after_its_callers_deadline_sends_nothing() {
    virtual_time(async {
        let (middle, _tree) = middle().await;
        let asked = middle.call(Ask::Late, SECOND).await;
        assert!(matches!(asked, Err(CallError::Timeout { enqueued: true })), "{asked:?}");
        let (sender, mut waited) = tokio::sync::mpsc::unbounded_channel();
        middle.call(|reply| Ask::ByTimer(reply, sender), PATIENCE).await.expect("it answers: nothing panicked");
        assert_eq!(waited.recv().await, Some(PATIENT));
    });
}
