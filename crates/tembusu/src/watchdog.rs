//! The watchdog: an operating-system thread that sees who does not give its thread back.
//!
//! One for the process, from the first tree to the last. A few times in a heartbeat it looks at the records of the
//! threads that poll children ([`crate::poll`]); a poll that it still sees after two heartbeats, with no message
//! handled in between, is stuck, and the child loses its slot. A child that waits at an await is not polled, however
//! long it waits; one in `init`, or asked to stop, has a deadline of its own, which the watchdog keeps when the
//! tree's runtime cannot.
//!
//! It looks at inline calls in the same way, on every thread that makes them: one that does not return is the failure of
//! the actor whose view was entered, which is condemned as by a panic inside.
//!
//! It measures polls by the real clock, and never touches the clock of a runtime. It runs no code of a user.
//!
//! **What Tokio does not do.** A worker that was woken by the driver and is then held up leaves nobody at the
//! driver while the others sleep. So a runtime with a suspicious child is nudged with an empty task: it wakes a
//! worker that is free, and when it does not run either, every worker is stuck.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};

use crate::called;
use crate::panics;
use crate::poll::Record;
use crate::shell::incarnation::Incarnation;
use crate::shell::slot::Slot;
use crate::shell::stuck::Polled;
use crate::shell::tree::Shared;

/// How often the watchdog looks at the most, and at the least.
const LOOK: std::ops::RangeInclusive<Duration> = Duration::from_millis(5)..=LOOK_MAX;
const LOOK_MAX: Duration = Duration::from_millis(250);

// Who waits for the watchdog has time enough left then, also when it comes late.
const _: () = assert!(called::PATIENT.as_millis() >= 4 * LOOK_MAX.as_millis());

/// How often it looks within a heartbeat.
const LOOKS_PER_HEARTBEAT: u32 = 4;

/// A poll that is longer than this many heartbeats is stuck.
const HEARTBEATS: u32 = 2;

/// When the watchdog itself comes later than after so many looks' time, the whole process slept, and the rest of that
/// time says nothing about anybody.
const LATE: u32 = 4;

/// What to do when every worker of a runtime is stuck in polls that do not return, so that nothing on it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllStuck {
    /// An event and an error in the log say so.
    #[default]
    Report,
    /// After saying so, the process ends with this code, for whoever supervises the process.
    ExitProcess(i32),
}

struct Kennel {
    trees: Vec<Weak<Shared>>,
    running: bool,
}

static KENNEL: Mutex<Kennel> = Mutex::new(Kennel { trees: Vec::new(), running: false });
/// Rung when a tree has ended.
static BELL: Condvar = Condvar::new();

fn kennel() -> MutexGuard<'static, Kennel> {
    KENNEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches the children of a tree until it has ended.
pub(crate) fn watch(tree: &Arc<Shared>) {
    let mut kennel = kennel();
    kennel.trees.push(Arc::downgrade(tree));
    if kennel.running {
        // Its heartbeat may be shorter.
        BELL.notify_all();
        return;
    }
    match std::thread::Builder::new().name("tembusu-watch".into()).spawn(run) {
        Ok(_) => kennel.running = true,
        Err(error) => tracing::error!(%error, "no thread for the watchdog: stuck children will not be seen"),
    }
}

/// Forgets a tree that has ended. The last one takes the watchdog with it.
pub(crate) fn forget(tree: &Shared) {
    kennel().trees.retain(|other| !std::ptr::eq(other.as_ptr(), tree));
    BELL.notify_all();
}

fn run() {
    let mut watchdog = Watchdog::default();
    loop {
        let Some(trees) = wait() else { return };
        let now = Instant::now();
        if let Err(caught) = panics::catch(|| watchdog.look(&trees, now)) {
            // What it knew may be torn. The next look begins anew.
            tracing::error!(reason = %caught.reason, "the watchdog panicked: it looks again");
            panics::drop_quietly(std::mem::take(&mut watchdog));
        }
        // The last reference to a tree may be this one.
        panics::drop_quietly(trees);
    }
}

/// Waits for the next look. `None` when there is nothing left to watch.
fn wait() -> Option<Vec<Arc<Shared>>> {
    let mut kennel = kennel();
    kennel.trees.retain(|tree| tree.strong_count() > 0);
    let trees: Vec<_> = kennel.trees.iter().filter_map(Weak::upgrade).collect();
    let period = period(&trees);
    drop(kennel);
    panics::drop_quietly(trees);
    let mut kennel = self::kennel();
    if !kennel.trees.is_empty() {
        kennel = BELL.wait_timeout(kennel, period).unwrap_or_else(PoisonError::into_inner).0;
    }
    kennel.trees.retain(|tree| tree.strong_count() > 0);
    if kennel.trees.is_empty() {
        kennel.running = false;
        drop(kennel);
        called::let_go();
        return None;
    }
    Some(kennel.trees.iter().filter_map(Weak::upgrade).collect())
}

fn period(trees: &[Arc<Shared>]) -> Duration {
    let shortest = trees.iter().map(|tree| tree.shortest_heartbeat()).min().unwrap_or(Duration::MAX);
    (shortest / LOOKS_PER_HEARTBEAT).clamp(*LOOK.start(), *LOOK.end())
}

/// What a thread may be held up in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum In {
    /// The poll of a child.
    Poll,
    /// An inline call: the child is the one whose view was entered.
    Call,
}

impl In {
    /// What the record's thread is in, if it is: its number, and which incarnation's it is.
    fn read(self, record: &Record) -> Option<(u64, u64)> {
        match self {
            Self::Poll => record.read(),
            Self::Call => record.read_call(),
        }
    }
}

/// A poll or a call that was there when the watchdog looked before.
struct Suspect {
    what: In,
    turn: u64,
    who: u64,
    /// First seen, or seen to have handled another message.
    since: Instant,
    child: Option<Child>,
    judged: bool,
}

struct Child {
    tree: Weak<Shared>,
    slot: Weak<Slot>,
    incarnation: Weak<Incarnation>,
    handled: u64,
}

/// A task that shows whether a worker of a runtime is free.
struct Probe {
    runtime: Handle,
    ran: Arc<AtomicBool>,
    since: Instant,
    told: bool,
}

#[derive(Default)]
struct Watchdog {
    looked: Option<Instant>,
    /// By the address of the thread's record.
    suspects: HashMap<(usize, In), Suspect>,
    probes: HashMap<Id, Probe>,
    /// Deadlines that had passed at the last look, by the address of their tree.
    overdue: HashMap<usize, tokio::time::Instant>,
}

impl Watchdog {
    fn look(&mut self, trees: &[Arc<Shared>], now: Instant) {
        let period = period(trees);
        let slept = self.looked.replace(now).map_or(Duration::ZERO, |looked| now - looked);
        self.forgive(slept.saturating_sub(period * LATE));
        let records = Record::all();
        let mut seen = HashMap::with_capacity(self.suspects.len());
        let mut held_up = Vec::new();
        for (record, what) in records.iter().flat_map(|record| [(record, In::Poll), (record, In::Call)]) {
            let Some((turn, who)) = what.read(record) else { continue };
            let place = (Arc::as_ptr(record).addr(), what);
            let before = self.suspects.remove(&place).filter(|suspect| (suspect.turn, suspect.who) == (turn, who));
            let suspect = match before {
                None => Suspect { what, turn, who, since: now, child: None, judged: false },
                Some(mut suspect) => {
                    // It may never do it itself.
                    record.relieve();
                    held_up.extend(suspect.look(trees, now));
                    suspect
                }
            };
            seen.insert(place, suspect);
        }
        self.suspects = seen;
        // Before anybody is judged: what follows from a verdict may be the end of the tree.
        self.probe(&held_up, period, now);
        panics::drop_quietly(held_up);
        for ((address, _), suspect) in &mut self.suspects {
            if let Some(record) = records.iter().find(|record| Arc::as_ptr(record).addr() == *address) {
                suspect.judge(record, now);
            }
        }
        self.keep_deadlines(trees);
        called::look();
    }

    /// Time that nobody is blamed for.
    fn forgive(&mut self, time: Duration) {
        for suspect in self.suspects.values_mut() {
            suspect.since += time;
        }
        for probe in self.probes.values_mut() {
            probe.since += time;
        }
    }

    /// Finds out whether the runtimes of suspicious children still run anything.
    fn probe(&mut self, held_up: &[(Arc<Shared>, Arc<Slot>)], period: Duration, now: Instant) {
        self.probes.retain(|id, _| held_up.iter().any(|(_, slot)| slot.runtime().id() == *id));
        for (tree, slot) in held_up {
            let limit = slot.heartbeat().saturating_mul(HEARTBEATS);
            let runtime = &slot.runtime();
            let probe = self.probes.entry(runtime.id()).or_insert_with(|| Probe::new(runtime, now));
            if probe.ran.load(Ordering::Acquire) {
                *probe = Probe::new(runtime, now);
            } else if !probe.told && now - probe.since + 2 * period > limit {
                probe.told = true;
                tree.all_stuck(&probe.runtime);
            }
        }
    }

    /// Does what the timers of the trees should have done since the last look.
    fn keep_deadlines(&mut self, trees: &[Arc<Shared>]) {
        let mut overdue = HashMap::new();
        for tree in trees {
            let Some(at) = tree.overdue() else { continue };
            let address = Arc::as_ptr(tree).addr();
            if self.overdue.get(&address) == Some(&at) {
                tree.tick_overdue();
            } else {
                overdue.insert(address, at);
            }
        }
        self.overdue = overdue;
    }
}

impl Suspect {
    /// Looks at a poll that goes on; returns the child and its tree while it is to be suspected.
    fn look(&mut self, trees: &[Arc<Shared>], now: Instant) -> Option<(Arc<Shared>, Arc<Slot>)> {
        if self.child.is_none() {
            let (tree, polled) = trees.iter().find_map(|tree| Some((tree, tree.polled(self.who)?)))?;
            let Polled { slot, incarnation } = &polled;
            self.child = Some(Child {
                tree: Arc::downgrade(tree),
                slot: Arc::downgrade(slot),
                incarnation: Arc::downgrade(incarnation),
                handled: incarnation.handled(),
            });
        }
        let child = self.child.as_mut()?;
        let (tree, slot) = (child.tree.upgrade()?, child.slot.upgrade()?);
        let incarnation = child.incarnation.upgrade()?;
        let handled = incarnation.handled();
        if self.what == In::Poll && handled != child.handled {
            // Busy, and not stuck.
            child.handled = handled;
            self.since = now;
            self.judged = false;
        }
        Some((tree, slot))
    }

    /// Takes the slot from a child whose poll is too long; condemns one that a call does not come back from.
    fn judge(&mut self, record: &Arc<Record>, now: Instant) {
        let Some(child) = self.child.as_ref().filter(|_| !self.judged) else { return };
        let (Some(tree), Some(slot), Some(incarnation)) =
            (child.tree.upgrade(), child.slot.upgrade(), child.incarnation.upgrade())
        else {
            return;
        };
        if now - self.since > slot.heartbeat().saturating_mul(HEARTBEATS) {
            self.judged = true;
            let (record, seen, handled) = (Arc::clone(record), (self.turn, self.who), child.handled);
            let life = Arc::clone(&incarnation);
            let polled = Polled { slot, incarnation };
            // The thread for it may come late, and the poll to its end meanwhile.
            match self.what {
                In::Poll => tree.judge(polled, move || record.read() == Some(seen) && life.handled() == handled),
                In::Call => tree.judge_call(polled, move || record.read_call() == Some(seen)),
            }
        }
        // The last reference to it may be this one.
        panics::drop_quietly(tree);
    }
}

impl Probe {
    fn new(runtime: &Handle, since: Instant) -> Self {
        /// Run, or dropped by a runtime that has ended.
        struct Ran(Arc<AtomicBool>);
        impl Drop for Ran {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let ran = Arc::new(AtomicBool::new(false));
        let task = Ran(Arc::clone(&ran));
        runtime.spawn(async move { drop(task) });
        Self { runtime: runtime.clone(), ran, since, told: false }
    }
}
