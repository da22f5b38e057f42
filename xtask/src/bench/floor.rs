//! The floor: the least that plain Tokio needs to come back after a crash, without any of a supervisor's duties.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::restart::{How, SharedClock, crashes_now, read, ready_now};

/// A way to come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) system: &'static str,
    pub(super) name: &'static str,
    how: How,
    spawn: bool,
}

/// `tokio_spawn`: the end is sent to a supervising task, which spawns anew. `tokio_in_place`: a loop in one task.
pub(super) const CASES: [Case; 4] = [
    Case { system: "tokio_spawn", name: "error", how: How::Error, spawn: true },
    Case { system: "tokio_spawn", name: "panic", how: How::Panic, spawn: true },
    Case { system: "tokio_in_place", name: "error", how: How::Error, spawn: false },
    Case { system: "tokio_in_place", name: "panic", how: How::Panic, spawn: false },
];

enum Message {
    Crash(How),
    Ping(oneshot::Sender<Instant>),
}

type Inbox = Arc<tokio::sync::Mutex<mpsc::Receiver<Message>>>;

/// One incarnation: handles messages until it crashes; `false` when the inbox is closed.
async fn live(clock: &SharedClock, inbox: &mut mpsc::Receiver<Message>) -> bool {
    ready_now(clock);
    loop {
        match inbox.recv().await {
            None => return false,
            Some(Message::Ping(reply)) => drop(reply.send(Instant::now())),
            Some(Message::Crash(how)) => {
                crashes_now(clock);
                match how {
                    How::Error => return true,
                    // The catch is one frame above, as in a supervised actor.
                    How::Panic => {
                        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| panic!("crashed on demand")));
                        return caught.is_err();
                    }
                }
            }
        }
    }
}

pub(super) async fn measure(case: Case, crashes: u32) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let clock = SharedClock::default();
    let (sender, receiver) = mpsc::channel(1024);
    let root = if case.spawn {
        tokio::spawn(supervise_by_spawning(Arc::clone(&clock), Arc::new(tokio::sync::Mutex::new(receiver))))
    } else {
        tokio::spawn(supervise_in_place(Arc::clone(&clock), receiver))
    };
    let warm_up = 20;
    let (mut inits, mut firsts) = (Vec::new(), Vec::new());
    for n in 0..crashes + warm_up {
        let (reply, handled) = oneshot::channel();
        sender.send(Message::Crash(case.how)).await?;
        sender.send(Message::Ping(reply)).await?;
        let handled = handled.await?;
        if n >= warm_up {
            let (init, first) = read(&clock, handled);
            inits.push(init);
            firsts.push(first);
        }
    }
    drop(sender);
    root.await?;
    Ok((inits, firsts))
}

async fn supervise_in_place(clock: SharedClock, mut inbox: mpsc::Receiver<Message>) {
    while live(&clock, &mut inbox).await {
        tokio::task::coop::consume_budget().await;
    }
}

async fn supervise_by_spawning(clock: SharedClock, inbox: Inbox) {
    let (exits, mut exit) = mpsc::channel(16);
    loop {
        let (clock, inbox, exits) = (Arc::clone(&clock), Arc::clone(&inbox), exits.clone());
        tokio::spawn(async move {
            let crashed = live(&clock, &mut *inbox.lock().await).await;
            let _ = exits.send(crashed).await;
        });
        if exit.recv().await != Some(true) {
            return;
        }
    }
}
