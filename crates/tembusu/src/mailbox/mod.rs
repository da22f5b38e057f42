//! The queue behind an address. It belongs to the slot: incarnations come and go, the queue stays.
//!
//! An incarnation attaches and gets a token; it borrows the queue for each receive under that token and holds
//! nothing in between, so that its successor can take over at any time, also from one that never yields.
//! Messages come in under one lock, and are moved in batches to where the receiver takes them under another: the
//! batch stays here, so that it survives whoever took it. Whoever needs both takes `taken` first. Neither is ever
//! held while code of a user runs.

mod control;
mod dead_letters;
mod direct;
mod expected;
mod hand;
mod lane;
mod overflow;
mod rare;
mod receive;
mod reserve;
mod send;
mod stash;

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

pub use dead_letters::{DeadLetter, WhyDead};
pub use overflow::Overflow;

pub(crate) use control::Queue;
pub(crate) use dead_letters::{Collector, Rules};
pub(crate) use expected::Turn;
pub(crate) use hand::Hand;
pub(crate) use receive::NOBODY;
pub(crate) use send::Caller;
pub(crate) use stash::Aside;

use expected::Calls;
use lane::Urgent;
use rare::Seldom;
use reserve::Reserved;

use crate::exit::ExitReason;
use crate::lives::Lives;
use crate::scope::Settle;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, MutexGuard};

/// How many messages wait at the most, unless the specification says otherwise.
pub(crate) const DEFAULT_CAPACITY: usize = 1024;

/// The path of what has that name under that path. Put together by hand: a format string costs as much as the rest of a
/// start.
pub(crate) fn below(path: &str, name: &str) -> Arc<str> {
    [path, "/", name].concat().into()
}

impl<M> Envelope<M> {
    /// Whether it is known to have waited longer.
    fn is_older_than(&self, age: Duration, now: Instant) -> bool {
        let since = self.extra.as_ref().and_then(|extra| extra.since);
        since.is_some_and(|since| now.saturating_duration_since(since) > age)
    }
}

/// A message with what travels with it.
pub(crate) struct Envelope<M> {
    pub(crate) message: M,
    /// The caller waits no longer than this.
    pub(crate) deadline: Option<Instant>,
    /// What only some queues need.
    extra: Option<Box<Extra>>,
}

pub(crate) struct Extra {
    /// Since when it waits, where messages are shed by age.
    since: Option<Instant>,
    /// Who is told at once when nobody will handle it, where messages may outlive that as dead letters.
    caller: Option<Arc<dyn Settle>>,
}

/// Which of the two lanes a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Ordinary,
    /// Received first.
    Priority,
}

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Degraded,
    Draining,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Degraded,
    /// What waits is still handled, and nothing comes in.
    Draining,
    Closed,
    ClosedForGood,
}

pub(crate) enum Received {
    /// It is in the receiver's hand.
    Message,
    /// The token is no longer the queue's: another incarnation has attached.
    Replaced,
}

/// Where senders put messages.
struct Inbound<M> {
    queue: VecDeque<Envelope<M>>,
    priority: Urgent<M>,
    gate: Gate,
    receiver: Option<Waker>,
    /// Waits for the end of the receiver's next poll.
    caller: Option<Waker>,
    calls: Calls,
    /// The token of a receiver that need not look into [`Taken`], or [`direct::CLOSED`].
    direct: u64,
    /// Places that are kept free for messages in the making.
    reserved: Reserved,
}

/// Where the receiver takes them.
struct Taken<M> {
    /// Older than everything in [`Inbound::queue`].
    batch: VecDeque<Envelope<M>>,
    token: u64,
    waiting_senders: u32,
    /// How many of those have been told of room and have not looked yet.
    told_senders: u32,
    stale: Option<Box<Stale>>,
    /// What the incarnation has put aside.
    #[allow(clippy::box_collection, reason = "most queues have none, and a pointer is smaller than an empty one")]
    stash: Option<Box<VecDeque<Envelope<M>>>>,
}

/// How many messages at the front of each lane waited under an incarnation that is over, and what becomes of
/// them.
struct Stale {
    ordinary: usize,
    priority: usize,
    reason: ExitReason,
}

pub(crate) struct Mailbox<M> {
    name: Arc<str>,
    /// The path of the supervisor that the child is placed under.
    above: OnceLock<Arc<str>>,
    /// Made when somebody asks for it: of most children nobody does.
    path: OnceLock<Arc<str>>,
    capacity: AtomicUsize,
    has_stand_in: AtomicBool,
    inbound: Mutex<Inbound<M>>,
    taken: Mutex<Taken<M>>,
    /// The length of the batch, written under the lock of `taken`. Read elsewhere it may be too high, never too low.
    taken_len: AtomicUsize,
    /// Whether the priority lane has messages, written under the lock of `inbound`.
    urgent: AtomicBool,
    /// Whether a caller waits for the end of the receiver's next poll, written under the lock of `inbound`.
    has_caller: AtomicBool,
    /// Whether the receiver's worker has others beside it that may steal what it has in its run queue.
    has_thieves: AtomicBool,
    rare: Seldom<M>,
    lives: Lives,
}

impl<M> Mailbox<M> {
    pub(crate) fn new(name: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name,
            above: OnceLock::new(),
            path: OnceLock::new(),
            capacity: AtomicUsize::new(DEFAULT_CAPACITY),
            has_stand_in: AtomicBool::new(false),
            inbound: Mutex::new(Inbound {
                queue: VecDeque::new(),
                priority: Urgent::default(),
                gate: Gate::Open,
                receiver: None,
                caller: None,
                calls: Calls::default(),
                direct: direct::CLOSED,
                reserved: Reserved::default(),
            }),
            taken: Mutex::new(Taken {
                batch: VecDeque::new(),
                token: 0,
                waiting_senders: 0,
                told_senders: 0,
                stale: None,
                stash: None,
            }),
            taken_len: AtomicUsize::new(0),
            urgent: AtomicBool::new(false),
            has_caller: AtomicBool::new(false),
            has_thieves: AtomicBool::new(false),
            rare: Seldom::default(),
            lives: Lives::default(),
        })
    }

    #[inline]
    fn inbound(&self) -> MutexGuard<'_, Inbound<M>> {
        self.inbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn taken(&self) -> MutexGuard<'_, Taken<M>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lives(&self) -> &Lives {
        &self.lives
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        match (self.path.get(), self.above.get()) {
            (Some(path), _) => path,
            (None, Some(above)) => self.path.get_or_init(|| below(above, &self.name)),
            (None, None) => &self.name,
        }
    }

    /// Set once, before anything starts.
    pub(crate) fn set_rules(&self, rules: Rules<M>) {
        let _ = self.rare.make().rules.set(rules);
    }

    /// Whether messages that nobody will handle outlive that.
    pub(crate) fn has_collector(&self) -> bool {
        self.rare.rules().is_some_and(Rules::has_collector)
    }

    #[inline]
    fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }

    #[inline]
    fn note_taken(&self, taken: &Taken<M>) {
        self.taken_len.store(taken.batch.len(), Ordering::Relaxed);
    }

    /// Whether the receiver has messages that it took before.
    #[inline]
    fn has_batch(&self) -> bool {
        self.taken_len.load(Ordering::Relaxed) > 0
    }

    /// How many messages wait in the ordinary lane: never fewer than this.
    #[inline]
    fn waiting(&self, inbound: &Inbound<M>) -> usize {
        inbound.queue.len() + inbound.reserved.ordinary() + self.taken_len.load(Ordering::Relaxed)
    }
}

impl Gate {
    fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedForGood)
    }

    #[inline]
    fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Open => None,
            Self::Degraded => Some(Refusal::Degraded),
            Self::Draining => Some(Refusal::Draining),
            Self::Closed | Self::ClosedForGood => Some(Refusal::Gone),
        }
    }
}
