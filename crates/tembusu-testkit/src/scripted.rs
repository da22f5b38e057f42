//! A child that does as it is told: at `init`, at each message, at `stop` and when its state is dropped.
//!
//! It writes into its journal: `a#2 start` when its second incarnation's `init` begins, `a#2 stop shutdown`,
//! `a#2 drop`, and `a#2 says …` for [`Say::Note`].

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tembusu::{Actor, Address, Context, ExitReason, Flow, Init, Reply, Table};

use crate::gate::Gate;
use crate::journal::Journal;
use crate::world::PATIENCE;

/// What a scripted child crashes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("boom")]
pub struct Boom;

/// One thing to do. Where it makes no sense (ignoring in a handler) it means [`Ok`](Self::Ok).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Succeed.
    Ok,
    /// Return an error. A `stop` cannot; it panics.
    Error,
    /// Panic with a text.
    Panic,
    /// Panic with a payload that panics again when it is dropped.
    PanicWithTrap,
    /// In `init`: there is nothing to run.
    Ignore,
    /// In a handler: end normally.
    Stop,
    /// In a handler: end with a text.
    Shutdown(&'static str),
    /// Never return, at an await.
    Hang,
    /// Wait at an await for this long, then do that.
    Late(Duration, Box<Step>),
    /// Wait at a gate, at an await.
    Pass(Gate),
    /// Wait at a gate without yielding.
    Block(Gate),
}

/// What a child should do at `init`, `stop` and `Drop`, over all its incarnations: each takes the next step of
/// its list, and succeeds when there is none.
#[derive(Clone, Debug)]
pub struct Script {
    name: &'static str,
    journal: Journal,
    table: Table<u64>,
    steps: Arc<Mutex<Steps>>,
}

#[derive(Debug, Default)]
struct Steps {
    init: VecDeque<Step>,
    stop: VecDeque<Step>,
    drop: VecDeque<Step>,
}

impl Script {
    pub(crate) fn new(name: &'static str, journal: Journal) -> Self {
        Self { name, journal, table: Table::new(name), steps: Arc::default() }
    }

    /// Adds steps for the next `init`s. Can be called at any time.
    #[must_use]
    pub fn init(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.next_inits(steps);
        self
    }

    /// Adds steps for the next `init`s of a child that runs.
    pub fn next_inits(&self, steps: impl IntoIterator<Item = Step>) {
        self.steps().init.extend(steps);
    }

    /// From now on `init` succeeds, unless there are new steps.
    pub fn forget_inits(&self) {
        self.steps().init.clear();
    }

    /// Adds steps for the next `stop`s.
    #[must_use]
    pub fn stop(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps().stop.extend(steps);
        self
    }

    /// Adds steps for the next states that are dropped. Anything but [`Step::Ok`] panics.
    #[must_use]
    pub fn drop(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps().drop.extend(steps);
        self
    }

    /// The table that [`Say::Publish`] publishes.
    #[must_use]
    pub fn table(&self) -> Table<u64> {
        self.table.clone()
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, incarnation: u64, what: fmt::Arguments<'_>) {
        self.journal.note(format!("{}#{incarnation} {what}", self.name));
    }
}

/// What a scripted child is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Say {
    /// Do this.
    Do(Step),
    /// Write `a#1 says …` into the journal.
    Note(&'static str),
    /// Answer with the incarnation's number.
    Ask(Reply<u64>),
    /// Keep the reply in the state.
    Keep(Reply<u64>),
    /// Answer all kept replies with the incarnation's number.
    AnswerKept,
    /// Drop the reply, then do this.
    Lose(Step, Reply<u64>),
    /// Publish the number in the script's table.
    Publish(u64),
    /// Say this to yourself later.
    Later(Duration, Box<Say>),
    /// A message that panics when it is dropped unhandled.
    Trap(PanicsWhenDropped),
}

impl From<Step> for Say {
    fn from(step: Step) -> Self {
        Self::Do(step)
    }
}

/// A value, and an error, that panics when it is dropped.
#[derive(Debug, thiserror::Error)]
#[error("a trap")]
pub struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// The child. Its arguments are a [`Script`], its messages are [`Say`].
#[derive(Debug)]
pub struct Scripted {
    script: Script,
    incarnation: u64,
    kept: Vec<Reply<u64>>,
}

/// Asks a scripted child for its incarnation's number.
///
/// # Panics
///
/// When it does not answer.
pub async fn ask(address: &Address<Say>) -> u64 {
    match address.call(Say::Ask, PATIENCE).await {
        Ok(incarnation) => incarnation,
        Err(error) => panic!("{} does not answer: {error}", address.path()),
    }
}

async fn perform(mut step: Step) -> Result<Flow, Boom> {
    while let Step::Late(wait, then) = step {
        tokio::time::sleep(wait).await;
        step = *then;
    }
    match step {
        Step::Ok | Step::Ignore | Step::Late(..) => {}
        Step::Error => return Err(Boom),
        Step::Panic => panic!("boom"),
        Step::PanicWithTrap => std::panic::panic_any(PanicsWhenDropped),
        Step::Stop => return Ok(Flow::Stop),
        Step::Shutdown(text) => return Ok(Flow::Shutdown(text.to_owned())),
        Step::Hang => std::future::pending::<()>().await,
        Step::Pass(gate) => gate.pass().await,
        Step::Block(gate) => gate.block(),
    }
    Ok(Flow::Continue)
}

impl Actor for Scripted {
    type Message = Say;
    type Args = Script;
    type Crash = Boom;

    async fn init(script: &Script, cx: &mut Context<Self>) -> Result<Init<Self>, Boom> {
        let incarnation = cx.incarnation();
        script.note(incarnation, format_args!("start"));
        let step = script.steps().init.pop_front().unwrap_or(Step::Ok);
        if matches!(step, Step::Ignore) {
            return Ok(Init::Ignore);
        }
        perform(step).await?;
        Ok(Init::Ready(Self { script: script.clone(), incarnation, kept: Vec::new() }))
    }

    async fn handle(&mut self, say: Say, cx: &mut Context<Self>) -> Result<Flow, Boom> {
        match say {
            Say::Do(step) => return perform(step).await,
            Say::Note(text) => self.script.note(self.incarnation, format_args!("says {text}")),
            Say::Ask(reply) => drop(reply.send(self.incarnation)),
            Say::Keep(reply) => self.kept.push(reply),
            Say::AnswerKept => {
                for reply in self.kept.drain(..) {
                    let _ = reply.send(self.incarnation);
                }
            }
            Say::Lose(step, reply) => {
                drop(reply);
                return perform(step).await;
            }
            Say::Publish(number) => drop(cx.publish(&self.script.table, number)),
            Say::Later(delay, say) => {
                cx.after(delay, *say);
            }
            Say::Trap(trap) => std::mem::forget(trap),
        }
        Ok(Flow::Continue)
    }

    async fn stop(self, reason: &ExitReason) {
        self.script.note(self.incarnation, format_args!("stop {}", reason.label()));
        let step = self.script.steps().stop.pop_front().unwrap_or(Step::Ok);
        perform(step).await.expect("stop succeeds");
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.script.note(self.incarnation, format_args!("drop"));
        let step = self.script.steps().drop.pop_front();
        assert!(matches!(step, None | Some(Step::Ok)), "told to panic when dropped");
    }
}
