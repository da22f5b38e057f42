//! The service levels of the exchanges: what is promised, what was counted, and how fast the error budgets burn.
//!
//! Counts come from the meters, so that the bid path pays for nothing here. They outlive the aggregator, as the board does:
//! whoever has a clock may look, and raises or ends the alerts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::alert::Cause;
use crate::board::AlertBoard;
use crate::burn::{BURN_RULES, BurnHistory, BurnRule, Counts, Objective};
use crate::meters::{ExchangeMeters, Meters};

/// How often the levels are looked at: far below the shortest window, far above the cost of a look.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What an exchange is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceLevel {
    /// Answered before the deadline, of all requests whose head was read. A no-bid is an answer.
    AnsweredInTime,
    /// Decided on the merits, of all well-formed requests. A no-bid is a failure if it was given because something of ours
    /// was degraded, down, recovering, overloaded or too slow.
    AbleToBid,
}

/// The objectives of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objectives {
    /// Of [`ServiceLevel::AnsweredInTime`].
    pub answered_in_time: Objective,
    /// Of [`ServiceLevel::AbleToBid`].
    pub able_to_bid: Objective,
}

/// One service level of one exchange, as it is.
#[derive(Debug, Clone)]
pub struct LevelReport {
    /// The exchange.
    pub exchange: String,
    /// Which of its levels.
    pub level: ServiceLevel,
    /// What is promised.
    pub objective: Objective,
    /// Since the process started.
    pub counts: Counts,
    /// Windows with their burn rates, the shortest first.
    pub burn_rates: Vec<(Duration, f64)>,
    /// The rule by which the budget burns too fast now, if it does.
    pub too_fast: Option<BurnRule>,
}

/// The service levels of all exchanges of a process.
pub struct ServiceLevels {
    exchanges: Vec<(Arc<ExchangeMeters>, Objectives)>,
    /// Whether a no-bid of this reason is one of ours, not of business.
    is_unable: fn(&str) -> bool,
    started: Instant,
    watched: Mutex<Watched>,
}

struct Watched {
    /// By exchange and by [`ServiceLevel::ALL`].
    histories: Vec<[BurnHistory; 2]>,
    looked: Option<Duration>,
}

impl ServiceLevel {
    /// Both.
    pub const ALL: [ServiceLevel; 2] = [ServiceLevel::AnsweredInTime, ServiceLevel::AbleToBid];

    /// The label under which it is exported.
    pub fn label(self) -> &'static str {
        match self {
            ServiceLevel::AnsweredInTime => "answered_in_time",
            ServiceLevel::AbleToBid => "able_to_bid",
        }
    }

    fn cause(self) -> Cause {
        match self {
            ServiceLevel::AnsweredInTime => Cause::AnswersLate,
            ServiceLevel::AbleToBid => Cause::UnableToBid,
        }
    }
}

impl Objectives {
    fn of(self, level: ServiceLevel) -> Objective {
        match level {
            ServiceLevel::AnsweredInTime => self.answered_in_time,
            ServiceLevel::AbleToBid => self.able_to_bid,
        }
    }
}

impl ServiceLevels {
    /// Levels of the exchanges of `meters`, whose objectives come in the same order. `is_unable` says of a no-bid's reason
    /// whether it was given for want of something of ours.
    ///
    /// # Panics
    ///
    /// An exchange has no objectives.
    pub fn new(meters: &Meters, objectives: &[Objectives], is_unable: fn(&str) -> bool) -> Arc<ServiceLevels> {
        let exchanges: Vec<_> = meters.exchanges().cloned().zip(objectives.iter().copied()).collect();
        assert_eq!(exchanges.len(), meters.exchanges().count(), "every exchange has its objectives");
        let new = || BurnHistory::new(Duration::ZERO);
        let histories = exchanges.iter().map(|_| [new(), new()]).collect();
        let watched = Mutex::new(Watched { histories, looked: None });
        Arc::new(ServiceLevels { exchanges, is_unable, started: Instant::now(), watched })
    }

    /// Looks at the counts, unless somebody did within the last second, and raises or ends the alerts on `board`.
    pub fn watch(&self, board: &AlertBoard) {
        let now = self.started.elapsed();
        if self.lock().looked.is_some_and(|looked| now < looked + LOOK_INTERVAL) {
            return;
        }
        self.look(now, board);
    }

    /// The levels as they are now; the alerts on `board` are brought in line with them.
    pub fn report(&self, board: &AlertBoard) -> Vec<LevelReport> {
        self.look(self.started.elapsed(), board)
    }

    fn look(&self, now: Duration, board: &AlertBoard) -> Vec<LevelReport> {
        let mut watched = self.lock();
        watched.looked = Some(now);
        let histories = watched.histories.iter_mut();
        let reports: Vec<LevelReport> = self
            .exchanges
            .iter()
            .zip(histories)
            .flat_map(|((meters, objectives), histories)| {
                ServiceLevel::ALL.into_iter().zip(histories).map(|(level, history)| {
                    let counts = self.counts(meters, level);
                    history.note(now, counts);
                    self.report_of(meters, level, objectives.of(level), history, (now, counts))
                })
            })
            .collect();
        // Under the lock, so that two who look at once leave what the later one saw.
        for report in &reports {
            report.tell(board);
        }
        reports
    }

    fn report_of(
        &self,
        meters: &ExchangeMeters,
        level: ServiceLevel,
        objective: Objective,
        history: &BurnHistory,
        (now, counts): (Duration, Counts),
    ) -> LevelReport {
        let mut windows: Vec<Duration> = BURN_RULES.iter().flat_map(|rule| [rule.short, rule.long]).collect();
        windows.sort_unstable();
        let rate = |length| (length, history.window(length, now, counts).burn_rate(objective));
        LevelReport {
            exchange: meters.name().to_owned(),
            level,
            objective,
            counts,
            burn_rates: windows.into_iter().map(rate).collect(),
            too_fast: history.too_fast(now, counts, objective),
        }
    }

    /// Every level of every exchange, with its counts so far.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, ServiceLevel, Objective, Counts)> {
        self.exchanges.iter().flat_map(|(meters, objectives)| {
            ServiceLevel::ALL
                .into_iter()
                .map(|level| (meters.name(), level, objectives.of(level), self.counts(meters, level)))
        })
    }

    /// Failures first: a reader must not see one whose request it does not see.
    fn counts(&self, meters: &ExchangeMeters, level: ServiceLevel) -> Counts {
        match level {
            ServiceLevel::AnsweredInTime => {
                let unanswered = meters.unanswered.get();
                let failures = meters.late.get() + unanswered;
                Counts { failures, requests: meters.requests.get() + unanswered }
            }
            ServiceLevel::AbleToBid => {
                let (mut failures, mut no_bids) = (0, 0);
                for (reason, count) in meters.no_bids.iter() {
                    no_bids += count;
                    failures += if (self.is_unable)(reason) { count } else { 0 };
                }
                Counts { failures, requests: no_bids + meters.statuses.get("200") }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LevelReport {
    fn tell(&self, board: &AlertBoard) {
        let LevelReport { exchange, level, objective, .. } = self;
        let at = SystemTime::now();
        let name = format!("service_levels/{exchange}/{}", level.label());
        match self.too_fast {
            None => board.clear(&name, at),
            Some(BurnRule { tenths, long, short }) => {
                let windows = format!("{} and {} minutes", short.as_secs() / 60, long.as_secs() / 60);
                let rate = format!("{}.{} times", tenths / 10, tenths % 10);
                let detail = format!(
                    "over the last {windows} failures came at more than {rate} the rate that {objective} allows"
                );
                board.raise(level.cause(), &name, detail, at);
            }
        }
    }
}

impl fmt::Debug for ServiceLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceLevels").field("exchanges", &self.exchanges.len()).finish_non_exhaustive()
    }
}
