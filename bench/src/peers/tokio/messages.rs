//! A task behind a bounded `mpsc`, with oneshot replies.
//!
//! Its messages and what it does with each are those of the actors beside it, in size too: a message of 16 bytes where
//! theirs has 24, and a limit that the task knows from the start where theirs comes as a message, is a fifth less work.
//! Its receiver takes one message at a time, since an actor's handler may wait in each.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::figures::{Figures, quantiles, resident_bytes};

/// As many as Tembusu's mailbox holds by default.
const CAPACITY: usize = 1024;

enum Message {
    Add(u64),
    Get(oneshot::Sender<u64>),
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

impl Counter {
    fn handle(&mut self, message: Message) {
        match message {
            Message::Add(one) => self.added += one,
            Message::Get(reply) => drop(reply.send(self.added)),
            Message::Tell { after, done } => self.waits = Some((after, done)),
        }
        if let Some((_, done)) = self.waits.take_if(|(after, _)| self.added >= *after) {
            let _ = done.send(());
        }
    }
}

async fn serve(mut receiver: mpsc::Receiver<Message>) {
    let mut counter = Counter::default();
    while let Some(message) = receiver.recv().await {
        counter.handle(message);
    }
}

fn counter() -> mpsc::Sender<Message> {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    tokio::spawn(serve(receiver));
    sender
}

pub(super) async fn call(calls: usize) -> anyhow::Result<Figures> {
    let counter = counter();
    let durations = tokio::spawn(async move {
        let mut durations = Vec::with_capacity(calls);
        for _ in 0..calls {
            let begun = Instant::now();
            let (reply, answer) = oneshot::channel();
            let sent = counter.send(Message::Get(reply)).await;
            let answer = answer.await;
            durations.push(begun.elapsed());
            assert!(sent.is_ok() && answer.is_ok(), "the call was answered");
        }
        durations
    })
    .await?;
    let mut figures = Figures::new();
    quantiles(&mut figures, "call", &durations, 1.0);
    Ok(figures)
}

pub(super) async fn tell(senders: usize, messages: usize) -> anyhow::Result<Figures> {
    let (done, all) = oneshot::channel();
    let each = messages / senders;
    let after = (each * senders) as u64;
    let counter = counter();
    let told = counter.send(Message::Tell { after, done }).await;
    assert!(told.is_ok(), "the message was accepted");
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
    Ok(Figures::from([("million_per_s".to_owned(), rate)]))
}

pub(super) async fn spawn(children: usize) -> anyhow::Result<Figures> {
    let mut senders = Vec::with_capacity(children);
    let before = resident_bytes()?;
    let begun = Instant::now();
    for _ in 0..children {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let (up, is_up) = oneshot::channel();
        tokio::spawn(async move {
            // Acknowledged, as every supervised child is.
            let _ = up.send(());
            serve(receiver).await;
        });
        is_up.await?;
        senders.push(sender);
    }
    let each = begun.elapsed().as_nanos() as f64 / 1_000.0 / children as f64;
    let bytes = (resident_bytes()? - before) / children as f64;
    Ok(Figures::from([("spawn_us".to_owned(), each), ("bytes".to_owned(), bytes)]))
}
