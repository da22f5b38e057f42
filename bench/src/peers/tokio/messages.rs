//! A task behind a bounded `mpsc`, with oneshot replies.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::figures::{Figures, quantiles, resident_bytes};

/// As many as Tembusu's mailbox holds by default.
const CAPACITY: usize = 1024;

enum Message {
    Add(u64),
    Get(oneshot::Sender<u64>),
}

/// Adds up what it is sent; says so when `after` has been added.
fn counter(after: u64, done: oneshot::Sender<()>) -> mpsc::Sender<Message> {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    tokio::spawn(async move {
        let (mut added, mut done) = (0, Some(done));
        while let Some(message) = receiver.recv().await {
            match message {
                Message::Add(one) => added += one,
                Message::Get(reply) => drop(reply.send(added)),
            }
            if added >= after
                && let Some(done) = done.take()
            {
                let _ = done.send(());
            }
        }
    });
    sender
}

pub(super) async fn call(calls: usize) -> anyhow::Result<Figures> {
    let (done, _all) = oneshot::channel();
    let counter = counter(u64::MAX, done);
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
    let counter = counter(after, done);
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
        let (sender, mut receiver) = mpsc::channel::<Message>(CAPACITY);
        let (up, is_up) = oneshot::channel();
        tokio::spawn(async move {
            let mut added = 0;
            // Acknowledged, as every supervised child is.
            let _ = up.send(());
            while let Some(message) = receiver.recv().await {
                match message {
                    Message::Add(one) => added += one,
                    Message::Get(reply) => drop(reply.send(added)),
                }
            }
        });
        is_up.await?;
        senders.push(sender);
    }
    let each = begun.elapsed().as_nanos() as f64 / 1_000.0 / children as f64;
    let bytes = (resident_bytes()? - before) / children as f64;
    Ok(Figures::from([("spawn_us".to_owned(), each), ("bytes".to_owned(), bytes)]))
}
