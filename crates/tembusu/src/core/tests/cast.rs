//! The children of a test: their policies, how they behave, and why they end.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::super::*;
use crate::exit::Report;
use crate::snapshot::Kind;
use crate::spec::policy::{Restart, Shutdown};

pub(super) const SEC: Duration = Duration::from_secs(1);
pub(super) const MS: Duration = Duration::from_millis(1);
/// The children's budgets; none is like another, so that a test sees which one ended a wait.
pub(super) const SHUTDOWN: Duration = Duration::from_secs(5);
pub(super) const INIT: Duration = Duration::from_secs(3);

/// Longer than a killed worker is waited for.
pub(super) const KILL_WAIT: Duration = KILL_GRACE.saturating_mul(2);

/// The seed of a randomised test, printed; `TEMBUSU_SEED` runs one again.
pub(super) fn seed() -> u64 {
    let given = std::env::var("TEMBUSU_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("TEMBUSU_SEED={seed}");
    seed
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(&'static str);

pub(super) fn error() -> ExitReason {
    ExitReason::Error(Arc::new(Failure("error")))
}

pub(super) fn panic() -> ExitReason {
    ExitReason::Panic { message: "panic".into(), location: None }
}

pub(super) fn exhausted() -> ExitReason {
    ExitReason::Exhausted(Arc::new(Report {
        supervisor: "below".into(),
        child: "below/child".into(),
        incarnation: 1,
        reason: error(),
        limit: 1,
        period: SEC,
        failures: Vec::new(),
        omitted: 0,
    }))
}

/// How a child's `init` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Init {
    Ready,
    Fail,
    Ignore,
    /// Says nothing until the test does.
    Hang,
}

/// What a child does when asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    Obey,
    /// Has to be killed.
    Deaf,
    /// Does not even end when killed.
    Undead,
}

/// What may be sent to a child's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    Closed,
    Degraded,
}

/// The child itself, as opposed to what the core knows of it.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) name: &'static str,
    pub(super) generation: Generation,
    pub(super) alive: bool,
    pub(super) inits: VecDeque<Init>,
    pub(super) always: Init,
    pub(super) stop: Stop,
    pub(super) gate: Gate,
}

pub(super) fn worker(restart: Restart) -> ChildPolicy {
    ChildPolicy {
        kind: Kind::Worker,
        restart,
        significant: false,
        shutdown: Shutdown::Within(SHUTDOWN),
        init_timeout: Some(INIT),
        exhaustion: Exhaustion::Escalate,
        probation: None,
    }
}

pub(super) fn supervisor(restart: Restart, exhaustion: Exhaustion) -> ChildPolicy {
    ChildPolicy {
        kind: Kind::Supervisor,
        restart,
        significant: false,
        shutdown: Shutdown::Unlimited,
        init_timeout: None,
        exhaustion,
        probation: None,
    }
}

/// A worker whose end may end its supervisor.
pub(super) fn significant(restart: Restart) -> ChildPolicy {
    ChildPolicy { significant: true, ..worker(restart) }
}
