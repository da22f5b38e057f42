//! Carries out what was decided, request by request, without a lock.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::class::{CLASSES, Class};
use super::control::{Control, WHOLE};
use super::plan::plan;
use super::share::{LoadBoard, Shares};
use super::values::Values;

/// While nothing is shed, one request in so many is looked at to learn what its class is worth.
const LEARNS_FROM: u64 = 16;

/// How often a plan is made anew, and how often half of what was learned is forgotten.
const PLAN_EVERY: Duration = Duration::from_millis(100);
const FADE_EVERY: Duration = Duration::from_secs(10);

/// What overload control is made from.
#[derive(Clone, Debug)]
pub struct OverloadArgs {
    /// How long requests may wait for the exchange's thread.
    pub target: Duration,
    /// The exchanges' pressures.
    pub board: Arc<LoadBoard>,
    /// This exchange's place on it.
    pub place: usize,
}

/// One pool incarnation's overload control.
#[derive(Debug)]
pub struct Overload {
    args: OverloadArgs,
    /// Locked by the beat alone.
    beat: Mutex<Beat>,
    head: AtomicU16,
    body: AtomicU16,
    shed_at_head: AtomicU32,
    requests: AtomicU64,
    values: Values,
    classes: Box<[Lot]>,
}

#[derive(Debug)]
struct Beat {
    control: Control,
    planned: Option<(Instant, u16)>,
    faded: Option<Instant>,
}

/// How much of one class is shed, and what is carried over from one request to the next.
#[derive(Debug, Default)]
struct Lot {
    share: AtomicU16,
    carried: AtomicU32,
}

impl Overload {
    /// Nothing is shed, and nothing known.
    #[must_use]
    pub fn new(args: OverloadArgs) -> Self {
        let beat = Beat { control: Control::new(args.target), planned: None, faded: None };
        Self {
            args,
            beat: Mutex::new(beat),
            head: AtomicU16::new(0),
            body: AtomicU16::new(0),
            shed_at_head: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            values: Values::new(),
            classes: (0..CLASSES).map(|_| Lot::default()).collect(),
        }
    }

    /// The exchange's runtime has beaten, so late. Returns what is shed from now on.
    pub fn beaten(&self, now: Instant, lag: Duration) -> (u16, Shares) {
        let mut beat = self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        let pressure = beat.control.observe(now, lag);
        let shares = self.args.board.note(self.args.place, pressure);
        let is_due = |at: Option<Instant>, every| at.is_none_or(|at| now.saturating_duration_since(at) >= every);
        if is_due(beat.faded, FADE_EVERY) {
            beat.faded = Some(now);
            self.values.fade();
        }
        let planned = beat.planned.map_or(0, |(_, share)| share);
        if (shares.body, planned) != (0, 0) && is_due(beat.planned.map(|(at, _)| at), PLAN_EVERY) {
            beat.planned = Some((now, shares.body));
            let shed = plan(&self.values.sights(), shares.body);
            for (lot, share) in self.classes.iter().zip(shed.iter()) {
                lot.share.store(*share, Relaxed);
            }
        }
        self.head.store(shares.head, Relaxed);
        self.body.store(shares.body, Relaxed);
        (pressure, shares)
    }

    /// Whether a request is shed before its body is read.
    #[must_use]
    pub fn sheds_at_head(&self) -> bool {
        let share = self.head.load(Relaxed);
        share != 0 && is_next(&self.shed_at_head, share)
    }

    /// The class of a request, if it is to be known: to shed by it, or to learn.
    #[must_use]
    pub fn look_at(&self, body: &[u8]) -> Option<Class> {
        let learns = self.requests.fetch_add(1, Relaxed).is_multiple_of(LEARNS_FROM);
        if !learns && self.body.load(Relaxed) == 0 {
            return None;
        }
        let class = Class::of(body);
        self.values.seen(class);
        Some(class)
    }

    /// Whether a request of that class is shed.
    #[must_use]
    pub fn sheds(&self, class: Class) -> bool {
        let lot = &self.classes[class.index()];
        let share = lot.share.load(Relaxed);
        share != 0 && self.body.load(Relaxed) != 0 && is_next(&lot.carried, share)
    }

    /// The engine was asked about a request of that class, and bid so much.
    pub fn learn(&self, class: Class, worth: u64) {
        self.values.worth(class, worth);
    }
}

/// Spreads a share evenly: each request adds it, and who completes a whole is shed.
fn is_next(carried: &AtomicU32, share: u16) -> bool {
    let whole = u32::from(WHOLE);
    let before = carried.fetch_add(u32::from(share), Relaxed);
    before % whole + u32::from(share) >= whole
}
