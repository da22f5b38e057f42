//! Asks, tells, spawns of kameo's actors, with its default mailbox (64).

use std::time::{Duration, Instant};

use kameo::actor::{Actor, ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::message::{Context, Message};
use tokio::sync::oneshot;

use crate::figures::{Figures, quantiles, resident_bytes};

struct Add(u64);
struct Get;

/// When this many have been added.
struct Tell {
    after: u64,
    done: oneshot::Sender<()>,
}

#[derive(Default)]
struct Counter {
    added: u64,
    waits: Option<(u64, oneshot::Sender<()>)>,
}

impl Actor for Counter {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self::default())
    }
}

impl Message<Add> for Counter {
    type Reply = ();

    async fn handle(&mut self, Add(one): Add, _: &mut Context<Self, ()>) {
        self.added += one;
        if let Some((_, done)) = self.waits.take_if(|(after, _)| self.added >= *after) {
            let _ = done.send(());
        }
    }
}

impl Message<Get> for Counter {
    type Reply = u64;

    async fn handle(&mut self, _: Get, _: &mut Context<Self, u64>) -> u64 {
        self.added
    }
}

impl Message<Tell> for Counter {
    type Reply = ();

    async fn handle(&mut self, Tell { after, done }: Tell, _: &mut Context<Self, ()>) {
        self.waits = Some((after, done));
    }
}

struct Root;

impl Actor for Root {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

pub(super) async fn call(calls: usize) -> anyhow::Result<Figures> {
    let counter = Counter::spawn(());
    let durations = tokio::spawn(async move {
        let mut durations = Vec::with_capacity(calls);
        for _ in 0..calls {
            let begun = Instant::now();
            let answer = counter.ask(Get).await;
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
    let counter = Counter::spawn(());
    let (done, all) = oneshot::channel();
    let each = messages / senders;
    let after = (each * senders) as u64;
    counter.tell(Tell { after, done }).await.map_err(|_| anyhow::anyhow!("the message was refused"))?;
    let begun = Instant::now();
    for _ in 0..senders {
        let counter = counter.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                assert!(counter.tell(Add(1)).await.is_ok(), "the message was accepted");
            }
        });
    }
    all.await?;
    let rate = after as f64 / begun.elapsed().as_secs_f64() / 1e6;
    Ok(Figures::from([("million_per_s".to_owned(), rate)]))
}

pub(super) async fn spawn(children: usize) -> anyhow::Result<Figures> {
    let root = Root::spawn(());
    let mut counters = Vec::with_capacity(children);
    let before = resident_bytes()?;
    let begun = Instant::now();
    for _ in 0..children {
        let counter = Counter::supervise(&root, ()).restart_limit(1, Duration::from_secs(5)).spawn().await;
        counter.wait_for_startup().await;
        counters.push(counter);
    }
    let each = begun.elapsed().as_nanos() as f64 / 1_000.0 / children as f64;
    let bytes = (resident_bytes()? - before) / children as f64;
    Ok(Figures::from([("spawn_us".to_owned(), each), ("bytes".to_owned(), bytes)]))
}
