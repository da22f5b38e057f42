//! Calls, tells, spawns.

use std::time::{Duration, Instant};

use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, child};
use tokio::sync::oneshot;

use crate::figures::{Figures, quantiles, resident_bytes};

const PATIENCE: Duration = Duration::from_secs(60);

enum Message {
    Add(u64),
    Get(Reply<u64>),
    /// When this many have been added.
    Tell {
        after: u64,
        done: oneshot::Sender<()>,
    },
}

#[derive(Default)]
struct Counter {
    added: u64,
    waits: Option<(u64, oneshot::Sender<()>)>,
}

impl Actor for Counter {
    type Message = Message;
    type Args = ();
    type Crash = std::convert::Infallible;

    async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, Self::Crash> {
        Ok(Init::Ready(Self::default()))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Self::Crash> {
        match message {
            Message::Add(one) => self.added += one,
            Message::Get(reply) => drop(reply.send(self.added)),
            Message::Tell { after, done } => self.waits = Some((after, done)),
        }
        if let Some((_, done)) = self.waits.take_if(|(after, _)| self.added >= *after) {
            let _ = done.send(());
        }
        Ok(Flow::Continue)
    }
}

pub(super) async fn call(calls: usize) -> anyhow::Result<Figures> {
    let mut root = Supervisor::one_for_one("root");
    let counter = root.add(child::<Counter>("counter", ()));
    let tree = root.start().await?;
    let durations = tokio::spawn(async move {
        let mut durations = Vec::with_capacity(calls);
        for _ in 0..calls {
            let begun = Instant::now();
            let answer = counter.call(Message::Get, PATIENCE).await;
            durations.push(begun.elapsed());
            assert!(answer.is_ok(), "the call was answered");
        }
        durations
    })
    .await?;
    drop(tree);
    let mut figures = Figures::new();
    quantiles(&mut figures, "call", &durations, 1.0);
    Ok(figures)
}

pub(super) async fn tell(senders: usize, messages: usize) -> anyhow::Result<Figures> {
    let mut root = Supervisor::one_for_one("root");
    let counter = root.add(child::<Counter>("counter", ()));
    let tree = root.start().await?;
    let (done, all) = oneshot::channel();
    let each = messages / senders;
    let after = (each * senders) as u64;
    counter.tell(Message::Tell { after, done }).map_err(|error| anyhow::anyhow!("refused: {error}"))?;
    let begun = Instant::now();
    for _ in 0..senders {
        let counter = counter.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                let sent = counter.send(Message::Add(1)).await;
                assert!(sent.is_ok(), "the message was accepted");
            }
        });
    }
    all.await?;
    let rate = after as f64 / begun.elapsed().as_secs_f64() / 1e6;
    drop(tree);
    Ok(Figures::from([("million_per_s".to_owned(), rate)]))
}

pub(super) async fn spawn(children: usize) -> anyhow::Result<Figures> {
    let mut root = Supervisor::one_for_one("root");
    let counters = root.dynamic("counters", |n: usize| child::<Counter>(n.to_string(), ()));
    let tree = root.start().await?;
    let mut addresses = Vec::with_capacity(children);
    let before = resident_bytes()?;
    let begun = Instant::now();
    for n in 0..children {
        addresses.push(counters.start(n).await?);
    }
    let each = begun.elapsed().as_nanos() as f64 / 1_000.0 / children as f64;
    let bytes = (resident_bytes()? - before) / children as f64;
    drop(tree);
    Ok(Figures::from([("spawn_us".to_owned(), each), ("bytes".to_owned(), bytes)]))
}
