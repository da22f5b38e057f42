//! Calls, casts, spawns of ractor's actors.

use std::time::Instant;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call};
use tokio::sync::oneshot;

use crate::figures::{Figures, quantiles, resident_bytes};

/// After how many casts a sender yields: the queue is not bounded.
const CASTS_PER_TURN: usize = 256;

enum Message {
    Add(u64),
    Get(RpcReplyPort<u64>),
    Tell { after: u64, done: oneshot::Sender<()> },
}

struct Counter;

#[derive(Default)]
struct State {
    added: u64,
    waits: Option<(u64, oneshot::Sender<()>)>,
}

impl Actor for Counter {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(one) => state.added += one,
            Message::Get(reply) => drop(reply.send(state.added)),
            Message::Tell { after, done } => state.waits = Some((after, done)),
        }
        if let Some((_, done)) = state.waits.take_if(|(after, _)| state.added >= *after) {
            let _ = done.send(());
        }
        Ok(())
    }
}

/// Supervises by linking alone: ractor-supervisor's supervisor ends when it meets a child without a specification.
struct Parent;

impl Actor for Parent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

pub(super) async fn call(calls: usize) -> anyhow::Result<Figures> {
    let (counter, _) = Actor::spawn(None, Counter, ()).await?;
    let durations = tokio::spawn(async move {
        let mut durations = Vec::with_capacity(calls);
        for _ in 0..calls {
            let begun = Instant::now();
            let answer = call!(counter, Message::Get);
            durations.push(begun.elapsed());
            assert!(answer.is_ok(), "the call was answered");
        }
        durations
    })
    .await?;
    let mut figures = Figures::new();
    quantiles(&mut figures, "call", &durations, 1.0);
    Ok(figures)
}

pub(super) async fn tell(senders: usize, messages: usize) -> anyhow::Result<Figures> {
    let (counter, _) = Actor::spawn(None, Counter, ()).await?;
    let (done, all) = oneshot::channel();
    let each = messages / senders;
    let after = (each * senders) as u64;
    counter.cast(Message::Tell { after, done })?;
    let begun = Instant::now();
    for _ in 0..senders {
        let counter = counter.clone();
        tokio::spawn(async move {
            for sent in 0..each {
                assert!(counter.cast(Message::Add(1)).is_ok(), "the message was accepted");
                if sent % CASTS_PER_TURN == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    all.await?;
    let rate = after as f64 / begun.elapsed().as_secs_f64() / 1e6;
    Ok(Figures::from([("million_per_s".to_owned(), rate)]))
}

pub(super) async fn spawn(children: usize) -> anyhow::Result<Figures> {
    let (root, _) = Actor::spawn(None, Parent, ()).await?;
    let mut counters = Vec::with_capacity(children);
    let before = resident_bytes()?;
    let begun = Instant::now();
    for _ in 0..children {
        let (counter, _) = Actor::spawn_linked(None, Counter, (), root.get_cell()).await?;
        counters.push(counter);
    }
    let each = begun.elapsed().as_nanos() as f64 / 1_000.0 / children as f64;
    let bytes = (resident_bytes()? - before) / children as f64;
    Ok(Figures::from([("spawn_us".to_owned(), each), ("bytes".to_owned(), bytes)]))
}
