//! What a supervisor's core is told, and what it says is to be done.

use std::sync::Arc;
use std::time::Duration;

use super::change::Change;
use super::children::{ChildPolicy, Mode};
use super::{ChildKey, Generation};
use crate::error::SpecError;
use crate::exit::{Charge, ExitReason, Report};

/// Ties a request of an operator to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RequestId(pub(crate) u64);

/// What has happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The parent, or the program, starts this supervisor.
    Start,
    /// The parent starts it on trial: the first failure that would be charged ends it.
    StartOnTrial,
    /// The parent trusts it again: the trial is over.
    Trust,
    /// The parent, or the program, stops it: in order, or at once.
    Stop { kill: bool },
    /// A child's `init` has succeeded.
    Started { key: ChildKey, generation: Generation },
    /// A child's `init` said *ignore*; nothing of the incarnation is left.
    Ignored { key: ChildKey, generation: Generation },
    /// An incarnation has ended, and everything of it has been dropped.
    Exited { key: ChildKey, generation: Generation, reason: ExitReason },
    /// A panic in an inline call has condemned an incarnation that runs.
    Condemned { key: ChildKey, generation: Generation, reason: ExitReason },
    /// A poll of an incarnation does not return.
    Stuck { key: ChildKey, generation: Generation },
    /// The runtime of an incarnation is lost: whatever it is asked, it will not answer.
    Stranded { key: ChildKey, generation: Generation },
    /// The deadline has passed, or may have.
    Tick,
    /// An operator asks for something.
    Request { id: RequestId, request: Request },
}

/// What an operator may ask of a running supervisor (OTP, `supervisor`: start_child and its kin).
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Adds a child and starts it.
    Add {
        key: ChildKey,
        name: Arc<str>,
        policy: ChildPolicy,
    },
    Terminate {
        key: ChildKey,
    },
    Restart {
        key: ChildKey,
    },
    Delete {
        key: ChildKey,
    },
    /// Ends the degraded mode of a child.
    Restore {
        key: ChildKey,
    },
    /// Changes flags, policies and order, all of it or nothing.
    Change(Box<Change>),
    /// Ends this supervisor, normally (OTP 28's `supervisor:stop/1`). Answered when everything is down.
    Stop,
}

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) enum Refused {
    NotFound,
    Running,
    Restarting,
    NotDegraded,
    /// The children of a dynamic supervisor have no specification to restart or to delete.
    Dynamic,
    /// A dynamic supervisor has as many children as it may have.
    MaxChildren,
    /// A change that is not possible.
    Faulty(SpecError),
    Stopping,
    Failed(ExitReason),
}

/// What is to be done. Effects are carried out in order.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Start {
        key: ChildKey,
        generation: Generation,
        mode: Mode,
    },
    /// Tells a child that is a supervisor that its trial is over.
    Trust {
        key: ChildKey,
    },
    /// Asks an incarnation to stop in order.
    Stop {
        key: ChildKey,
    },
    /// Ends an incarnation at its next await.
    Kill {
        key: ChildKey,
    },
    /// Takes the slot away from an incarnation that is stuck, or did not even end when killed.
    Abandon {
        key: ChildKey,
    },
    Queue {
        key: ChildKey,
        fate: QueueFate,
    },
    /// The child and its specification are gone.
    Removed {
        key: ChildKey,
    },
    Answer {
        id: RequestId,
        result: Result<(), Refused>,
    },
    Report {
        key: ChildKey,
        generation: Generation,
        what: Happening,
    },
    /// Drops what is not needed any more: it may be a user's, whose code does not run in the core.
    Discard(ExitReason),
    /// Tells the parent, or the program.
    Up(Outcome),
}

/// What becomes of the queue behind a child's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueFate {
    /// Closed until the child is restarted.
    Close,
    CloseForGood,
    Reopen,
    /// Addresses without a stand-in answer `Degraded`.
    Degrade,
    Restore,
}

/// What observers are told.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Started {
        after_crash: bool,
    },
    Ignored,
    Crashed {
        reason: ExitReason,
        charge: Option<Charge>,
    },
    StartFailed {
        reason: ExitReason,
        charge: Option<Charge>,
    },
    Stopped {
        reason: ExitReason,
    },
    /// This supervisor itself is exhausted; `key` is the child whose failure was one too many.
    Exhausted {
        report: Arc<Report>,
    },
    /// This supervisor ends since its significant child `key` has.
    AutoShutdown,
    Degraded {
        report: Arc<Report>,
    },
    Restored,
    RestoreFailed {
        reason: ExitReason,
        retry_in: Option<Duration>,
    },
    /// The normal shape runs on trial.
    Probing {
        probation: Duration,
    },
    /// The trial has failed: degraded again.
    ProbeFailed {
        reason: ExitReason,
        retry_in: Option<Duration>,
    },
    /// Its restart, or that of its group, waits.
    BackingOff {
        wait: Duration,
    },
    Unresponsive,
}

/// What a supervisor tells its parent.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// All children have started.
    Started,
    /// Everything is down: the start failed, the intensity was used up, or it was asked to stop.
    Exited(ExitReason),
}
