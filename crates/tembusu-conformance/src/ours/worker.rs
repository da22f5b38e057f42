//! The child: it starts as its plan says, ends as it is told, and writes down both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tembusu::{Actor, ChildSpec, Context, ExitReason, Flow, Init, Restart, Shutdown, child};

use crate::scenario::{self, Fate, How, Stop, Worker};
use crate::trace::Event;

/// How long one that is asked to stop may take: for ever, as far as the virtual clock is concerned.
const PROMPT: Duration = Duration::from_secs(60);

/// How long one that does not react is given.
const DEAF: Duration = Duration::from_millis(10);

/// How long a slow start takes.
const SLOW: Duration = Duration::from_millis(3);

/// What the children of one scenario have done, and who of them runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    events: Vec<Event>,
    /// Which specification's child runs under a name.
    running: HashMap<String, u64>,
    counts: HashMap<String, Count>,
    scripts: u64,
    /// Whose next start waits, and whether it does already.
    gate: Option<(String, bool)>,
}

/// Where a name's incarnations are counted on from: a child that is added again starts with its first.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    script: u64,
    base: u64,
    last: u64,
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, name: &str, mark: char, k: u64, class: Option<char>) {
        self.lock().events.push(Event { name: name.to_owned(), mark, k, class });
    }

    pub(super) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.lock().events)
    }

    /// The next start of that child waits until [`open`](Self::open).
    pub(super) fn gate(&self, name: &str) {
        self.lock().gate = Some((name.to_owned(), false));
    }

    /// Whether the start has begun and waits.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.lock().gate, Some((_, true)))
    }

    /// Lets the start that waits go on.
    pub(super) fn open(&self) {
        self.lock().gate = None;
    }

    /// In `init`.
    async fn pass_gate(&self, name: &str) {
        match &mut self.lock().gate {
            Some((gated, waiting)) if gated == name && !*waiting => *waiting = true,
            _ => return,
        }
        while self.is_waiting() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Which specification's child runs under that name.
    pub(super) fn running(&self, name: &str) -> Option<u64> {
        self.lock().running.get(name).copied()
    }

    /// A specification of its own for every child that is specified or added.
    pub(super) fn script(&self, worker: Worker) -> Script {
        let mut inner = self.lock();
        inner.scripts += 1;
        Script { worker, id: inner.scripts, journal: self.clone() }
    }

    /// The number of an incarnation, over all specifications of that name.
    fn number(&self, script: &Script, incarnation: u64) -> u64 {
        let mut inner = self.lock();
        let count = inner.counts.entry(script.worker.name.clone()).or_default();
        if count.script != script.id {
            // A specification that comes back counts on as well.
            count.base = (count.last + 1).saturating_sub(incarnation);
            count.script = script.id;
        }
        count.last = count.base + incarnation;
        count.last
    }
}

/// What a child is made from.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) worker: Worker,
    pub(super) id: u64,
    journal: Journal,
}

impl Script {
    pub(super) fn spec(self) -> ChildSpec<Child> {
        let (restart, significant, stop) = (self.worker.restart, self.worker.significant, self.worker.stop);
        let spec = child::<Child>(self.worker.name.clone(), self).restart(type_of(restart));
        let spec = if significant { spec.significant() } else { spec };
        spec.shutdown(shutdown_of(stop))
    }
}

pub(super) fn shutdown_of(stop: Stop) -> Shutdown {
    match stop {
        Stop::Kill => Shutdown::Kill,
        Stop::Deaf => Shutdown::Within(DEAF),
        Stop::Prompt | Stop::Bang => Shutdown::Within(PROMPT),
    }
}

pub(super) fn type_of(restart: scenario::Restart) -> Restart {
    match restart {
        scenario::Restart::Permanent => Restart::Permanent,
        scenario::Restart::Transient => Restart::Transient,
        scenario::Restart::Temporary => Restart::Temporary,
    }
}

/// An incarnation. What it leaves in the journal when it is dropped is how it ended.
pub(super) struct Child {
    name: String,
    k: u64,
    stop: Stop,
    journal: Journal,
    up: bool,
    class: char,
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.up {
            self.journal.lock().running.remove(&self.name);
            self.journal.note(&self.name, '-', self.k, Some(self.class));
        } else {
            self.journal.note(&self.name, '~', self.k, None);
        }
    }
}

/// What a child crashes with.
#[derive(Debug, thiserror::Error)]
#[error("boom")]
pub(super) struct Boom;

impl Actor for Child {
    type Message = How;
    type Args = Script;
    type Crash = Boom;

    async fn init(script: &Script, cx: &mut Context<Self>) -> Result<Init<Self>, Boom> {
        let Script { worker, journal, .. } = script;
        let k = journal.number(script, cx.incarnation());
        let fate = usize::try_from(k).ok().and_then(|k| worker.plan.get(k - 1)).copied().unwrap_or(Fate::Ok);
        let mark = match fate {
            Fate::Ok | Fate::Slow => '+',
            Fate::Fail => 'x',
            Fate::Ignore => '?',
        };
        journal.note(&worker.name, mark, k, None);
        if let Fate::Fail | Fate::Ignore = fate {
            journal.pass_gate(&worker.name).await;
        }
        match fate {
            Fate::Fail if k.is_multiple_of(2) => panic!("boom"),
            Fate::Fail => return Err(Boom),
            Fate::Ignore => return Ok(Init::Ignore),
            Fate::Ok | Fate::Slow => {}
        }
        let name = worker.name.clone();
        let mut child = Self { name, k, stop: worker.stop, journal: journal.clone(), up: false, class: 'k' };
        journal.pass_gate(&worker.name).await;
        if fate == Fate::Slow {
            tokio::time::sleep(SLOW).await;
        }
        child.up = true;
        journal.lock().running.insert(worker.name.clone(), script.id);
        Ok(Init::Ready(child))
    }

    async fn handle(&mut self, how: How, _: &mut Context<Self>) -> Result<Flow, Boom> {
        match how {
            How::Error => {
                self.class = 'e';
                Err(Boom)
            }
            How::Panic => {
                self.class = 'e';
                panic!("boom");
            }
            How::Kill => Ok(Flow::Continue),
            How::Normal => Ok(Flow::Stop),
            How::Shutdown => Ok(Flow::Shutdown("told".to_owned())),
        }
    }

    async fn stop(mut self, reason: &ExitReason) {
        match (reason, self.stop) {
            (ExitReason::Shutdown, Stop::Deaf) => std::future::pending().await,
            (ExitReason::Shutdown, Stop::Bang) => {
                self.class = 'e';
                panic!("boom");
            }
            (ExitReason::Shutdown, _) => self.class = 's',
            (ExitReason::ShutdownWith(_), _) => self.class = 't',
            _ => self.class = 'n',
        }
    }
}
