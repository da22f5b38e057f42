//! What a process has learnt of supply, and the courses of its campaigns.
//!
//! Promises that what is planned never jumps when an hour was learnt. Held by nobody for long: the hour's turn goes through the
//! campaigns in portions. It outlives every region; what becomes of it over a restart of the process is up to who keeps its
//! [`text`](SupplyBook::to_text).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campaign::{CampaignId, HourPlan, Pacing};
use foldhash::fast::RandomState;

use super::own::OwnShape;
use super::week::{HOURS, WeekShape, hour_of_week};
use crate::pace::{Course, Plan};

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// Of an hour so much must have been counted, outages left out.
const COUNTED_MS_MIN: i64 = 20 * 60 * 1_000;
/// And so much at most: more is more than one hour.
const COUNTED_MS_MAX: i64 = HOUR_MS + 5 * 60 * 1_000;
/// So many requests that were expected and did not come make a silence an outage, which teaches nothing.
const SILENCE_REQUESTS: f32 = 5.0;
/// A campaign that was asked for nothing for so many hours was not bidding: they teach nothing of it.
const SILENT_HOURS_MAX: usize = 12;
/// A campaign that was not asked for in so long is forgotten.
const KEPT_MS: i64 = 8 * 24 * HOUR_MS;
/// Exchanges times regions.
const CLASSES_MAX: usize = 4_096;
/// Campaigns that are gone through before somebody else may look.
const PORTION: usize = 64;
/// The curve's greatest number: below it products with minutes stay far within their type.
const CURVE_MAX: f32 = 1_000_000.0;

/// Requests of one exchange in one region.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'a> {
    /// Where.
    pub region: &'a str,
    /// Whose.
    pub exchange: &'a str,
    /// How many, since the last time it was said.
    pub requests: u64,
}

/// Which exchange in which region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub(super) region: Arc<str>,
    pub(super) exchange: Arc<str>,
}

/// What a process has learnt. Clones are the same book.
///
/// # On restart
///
/// Regions find it as it was. What a campaign was asked for since the last full hour is lost with the process.
#[derive(Clone, Debug, Default)]
pub struct SupplyBook(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
pub(super) struct Book {
    /// The hour that is counted, since 1970.
    hour: Option<i64>,
    pub(super) classes: HashMap<Class, Counted, RandomState>,
    /// Boxed: the table is half empty at times.
    pub(super) campaigns: HashMap<CampaignId, Box<Entry>, RandomState>,
    /// Campaigns that were known before the process began, and have not been asked for since.
    pub(super) former: HashMap<CampaignId, Former, RandomState>,
}

#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) shape: WeekShape,
    requests: u64,
    counted_ms: i64,
    silent_ms: i64,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The campaign's plan, with the hours in which it bids.
    plan: Plan,
    pub(super) course: Course,
    pub(super) own: OwnShape,
    /// Bids that it was asked for since the hour began, and since when they are counted.
    asked: u64,
    since_ms: i64,
    /// Hours without any since it last was.
    silent: Vec<(usize, f32)>,
    pub(super) asked_ms: i64,
    /// Its course has not been looked at since it began.
    is_new: bool,
}

/// A course as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Former {
    pub(super) budget: i64,
    pub(super) starts_ms: i64,
    pub(super) ends_ms: i64,
    pub(super) from_ms: i64,
    pub(super) done: i64,
    /// `None` if it was even.
    pub(super) weights: Option<[u8; HOURS]>,
    pub(super) own: OwnShape,
    pub(super) asked_ms: i64,
}

/// An hour that is over: what was counted in it.
type Closed = (usize, HashMap<Class, f32, RandomState>);

impl SupplyBook {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts requests of the last `length_ms`. At the turn of an hour it learns what the hour was like, and turns the courses
    /// of all campaigns; true then. `is_for` says which regions and exchanges a campaign is for.
    pub fn learn<'a>(
        &self,
        now_ms: i64,
        length_ms: i64,
        traffic: impl IntoIterator<Item = Traffic<'a>>,
        mut is_for: impl FnMut(CampaignId, &str, &str) -> bool,
    ) -> bool {
        let mut book = self.lock();
        let closed = book.turn_hour(now_ms);
        for of_class in traffic {
            book.count(&of_class, now_ms, length_ms);
        }
        let is_due = |entry: &Entry| closed.is_some() || entry.is_new;
        let due: Vec<CampaignId> =
            book.campaigns.iter().filter(|(_, entry)| is_due(entry)).map(|(campaign, _)| *campaign).collect();
        if due.is_empty() {
            return closed.is_some();
        }
        let classes: Vec<(Class, [f32; HOURS])> = book.known_classes();
        drop(book);
        for portion in due.chunks(PORTION) {
            // Asked outside of the lock.
            let masks: Vec<Vec<bool>> = portion
                .iter()
                .map(|id| classes.iter().map(|(class, _)| is_for(*id, &class.region, &class.exchange)).collect())
                .collect();
            let mut book = self.lock();
            for (campaign, mask) in portion.iter().zip(masks) {
                let Some(entry) = book.campaigns.get_mut(campaign) else { continue };
                let classes = || classes.iter().zip(&mask).filter_map(|(class, is_for)| is_for.then_some(class));
                if let Some((hour, requests)) = &closed {
                    entry.learn(now_ms, *hour, classes().filter_map(|(class, _)| requests.get(class)).sum());
                }
                entry.turn(now_ms, classes().map(|(_, rates)| rates));
            }
        }
        if closed.is_some() {
            let mut book = self.lock();
            book.campaigns.retain(|_, entry| now_ms - entry.asked_ms < KEPT_MS);
            book.former.retain(|_, former| now_ms - former.asked_ms < KEPT_MS);
        }
        closed.is_some()
    }

    /// The course of a campaign that plans by its supply; `None` if it was not asked for yet.
    #[must_use]
    pub fn course(&self, campaign: CampaignId) -> Option<Course> {
        self.lock().campaigns.get(&campaign).map(|entry| entry.course.clone())
    }

    /// How many exchanges in regions have been seen for a day at least, and how many in all.
    #[must_use]
    pub fn known(&self) -> (usize, usize) {
        let book = self.lock();
        (book.classes.values().filter(|counted| counted.shape.is_ready()).count(), book.classes.len())
    }

    /// The shape of one exchange in one region, as far as it is known.
    #[must_use]
    pub fn shape(&self, region: &str, exchange: &str) -> Option<WeekShape> {
        let class = Class { region: region.into(), exchange: exchange.into() };
        self.lock().classes.get(&class).map(|counted| counted.shape.clone())
    }

    /// Notes how many bids campaigns were asked for, and says the course of each that plans by its supply.
    pub fn follow(
        &self,
        now_ms: i64,
        asked: impl IntoIterator<Item = (CampaignId, Plan, u64)>,
        mut course: impl FnMut(CampaignId, Course),
    ) {
        let mut book = self.lock();
        for (campaign, plan, bids) in asked {
            if plan.pacing == Pacing::Supply {
                course(campaign, book.follow(campaign, plan, bids, now_ms));
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    pub(super) fn known(shape: WeekShape) -> Self {
        Self { shape, ..Self::default() }
    }
}

impl Book {
    fn count(&mut self, traffic: &Traffic<'_>, now_ms: i64, length_ms: i64) {
        let class = Class { region: traffic.region.into(), exchange: traffic.exchange.into() };
        if CLASSES_MAX <= self.classes.len() && !self.classes.contains_key(&class) {
            return;
        }
        let counted = self.classes.entry(class).or_default();
        let length_ms = length_ms.max(0);
        counted.requests += traffic.requests;
        if traffic.requests == 0 {
            counted.silent_ms += length_ms;
            let expected = counted.shape.rate(hour_of_week(now_ms)) * counted.silent_ms as f32 / 1_000.0;
            if expected > SILENCE_REQUESTS {
                return;
            }
        } else {
            counted.silent_ms = 0;
        }
        counted.counted_ms += length_ms;
    }

    /// Closes the hour that is counted if another has begun; `None` if not. What was counted in none or in several is nothing.
    fn turn_hour(&mut self, now_ms: i64) -> Option<Closed> {
        let hour = now_ms.div_euclid(HOUR_MS);
        let before = self.hour.replace(hour);
        if before == Some(hour) {
            return None;
        }
        let mut requests = HashMap::default();
        for (class, counted) in &mut self.classes {
            let (count, counted_ms) = (std::mem::take(&mut counted.requests), std::mem::take(&mut counted.counted_ms));
            let is_whole = (COUNTED_MS_MIN..=COUNTED_MS_MAX).contains(&counted_ms);
            if before == Some(hour - 1) && is_whole {
                counted
                    .shape
                    .observe(hour_of_week(now_ms - HOUR_MS), (count as f64 / (counted_ms as f64 / 1e3)) as f32);
                requests.insert(class.clone(), count as f32);
            }
        }
        let is_next = before == Some(hour - 1);
        if !is_next {
            self.campaigns.values_mut().for_each(|entry| entry.begin(now_ms));
        }
        // The first call begins an hour and ends none.
        is_next.then(|| (hour_of_week(now_ms - HOUR_MS), requests))
    }

    fn known_classes(&self) -> Vec<(Class, [f32; HOURS])> {
        let ready = self.classes.iter().filter(|(_, counted)| counted.shape.is_ready());
        let mut classes: Vec<_> = ready.map(|(class, counted)| (class.clone(), counted.shape.smoothed())).collect();
        // Sums of floats are the same in every run.
        classes.sort_unstable_by(|(a, _), (b, _)| (&a.region, &a.exchange).cmp(&(&b.region, &b.exchange)));
        classes
    }

    fn follow(&mut self, campaign: CampaignId, plan: Plan, bids: u64, now_ms: i64) -> Course {
        let former = &mut self.former;
        let entry = self.campaigns.entry(campaign).or_insert_with(|| {
            Box::new(match former.remove(&campaign) {
                Some(former) => former.resumed(plan.clone(), now_ms),
                None => Entry::new(plan.clone(), Course::of(plan.clone()), OwnShape::default(), now_ms),
            })
        });
        // A region that nobody asks for the campaign may still have the plan before the last.
        if bids > 0 {
            entry.replan(plan);
            entry.asked += bids;
            entry.asked_ms = now_ms;
        }
        entry.course.clone()
    }
}

impl Entry {
    fn new(plan: Plan, course: Course, own: OwnShape, now_ms: i64) -> Self {
        let (asked, since_ms) = (0, now_ms);
        Self { plan, course, own, asked, since_ms, silent: Vec::new(), asked_ms: now_ms, is_new: true }
    }

    /// Follows another plan of the operators. The same flight with another budget goes on where it is.
    fn replan(&mut self, plan: Plan) {
        if self.plan == plan {
            return;
        }
        let same_course = Plan { budget: self.plan.budget, strict: self.plan.strict, ..plan.clone() } == self.plan;
        if same_course {
            let turned = Course::resumed(
                Plan { strict: plan.strict, ..self.course.plan().clone() },
                self.course.turned().0,
                self.course.turned().1,
            );
            self.course = turned.with_budget(plan.budget);
        } else {
            self.course = Course::of(plan.clone());
            self.is_new = true;
        }
        self.plan = plan;
    }

    fn begin(&mut self, now_ms: i64) {
        (self.asked, self.since_ms) = (0, now_ms);
        self.silent.clear();
    }

    /// An hour is over in which `requests` came that it is for.
    fn learn(&mut self, now_ms: i64, hour: usize, requests: f32) {
        let bids = std::mem::take(&mut self.asked) as f32;
        let since_ms = std::mem::replace(&mut self.since_ms, now_ms);
        // It was there when the hour began, or a moment after.
        let was_whole = now_ms - since_ms > HOUR_MS - HOUR_MS / 60;
        if requests <= 0.0 || !was_whole {
            return;
        }
        if bids > 0.0 {
            let silent = std::mem::take(&mut self.silent);
            if silent.len() < SILENT_HOURS_MAX {
                silent.into_iter().for_each(|(hour, requests)| self.own.observe(hour, 0.0, requests));
            }
            self.own.observe(hour, bids, requests);
        } else if self.silent.len() < SILENT_HOURS_MAX {
            self.silent.push((hour, requests));
        }
    }

    /// Turns the course by the shapes of what it is for; it stays as it is while none is known.
    fn turn<'a>(&mut self, now_ms: i64, shapes: impl Iterator<Item = &'a [f32; HOURS]>) {
        let is_new = std::mem::take(&mut self.is_new);
        let mut rates = [0.0_f32; HOURS];
        for shape in shapes {
            rates.iter_mut().zip(shape).for_each(|(sum, rate)| *sum += rate);
        }
        for (hour, rate) in rates.iter_mut().enumerate() {
            *rate *= self.own.factor(hour);
        }
        let most = rates.iter().copied().fold(0.0, f32::max);
        if most <= 0.0 {
            return;
        }
        let supply = rates.map(|rate| (rate / most * CURVE_MAX) as u32);
        let hours = HourPlan::shaped(self.plan.hours.as_deref(), &supply);
        // A campaign that is new here has planned nothing yet: its whole flight has this shape.
        let from_ms = if is_new && self.course == Course::of(self.plan.clone()) { i64::MIN } else { now_ms };
        self.course.turn(from_ms, hours.into());
    }
}

impl Former {
    fn resumed(self, plan: Plan, now_ms: i64) -> Entry {
        let Self { budget, starts_ms, ends_ms, from_ms, done, weights, own, .. } = self;
        let same_flight = (plan.flight.starts_ms, plan.flight.ends_ms) == (starts_ms, ends_ms);
        if !same_flight {
            return Entry::new(plan.clone(), Course::of(plan), own, now_ms);
        }
        let offset = plan.hours.as_deref().map(HourPlan::offset).unwrap_or_default();
        let hours = weights.map(|weights| HourPlan::new(weights, offset).into()).or_else(|| plan.hours.clone());
        let then = Plan { budget: money::Nanos(budget), hours, ..plan.clone() };
        let course = Course::resumed(then, from_ms, money::Nanos(done)).with_budget(plan.budget);
        Entry { is_new: false, ..Entry::new(plan, course, own, now_ms) }
    }
}
