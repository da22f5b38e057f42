//! A plan under way: what was planned so far, and how the rest follows the supply as it is known now.
//!
//! Promises that what is planned by a moment never changes when more is learnt: a course turns, it does not jump. Begins as
//! its plan, reaches the budget when that does. Pure arithmetic on integers; the time is an argument.

use std::sync::Arc;

use campaign::{HourPlan, Pacing};
use money::Nanos;

use super::plan::{Plan, share};

/// A campaign's plan as it is followed.
///
/// # Examples
///
/// ```
/// use campaign::{Flight, HourPlan, Pacing};
/// use money::Nanos;
/// use region::{Course, Plan};
///
/// let hour = 60 * 60 * 1_000;
/// let flight = Flight { starts_ms: 0, ends_ms: 24 * hour };
/// let plan = Plan { budget: Nanos(22_000), flight, pacing: Pacing::Supply, hours: None, strict: false };
/// let mut course = Course::of(plan.clone());
/// assert_eq!(course.planned(11 * hour), plan.planned(11 * hour), "even while nothing is known");
///
/// // From noon on there is three times the supply of the afternoon.
/// let supply = std::array::from_fn(|at| if at % 24 < 18 { 85 } else { 255 });
/// course.turn(11 * hour, HourPlan::shaped(None, &supply).into());
/// assert_eq!(course.planned(11 * hour), Nanos(11_000), "what was planned stays planned");
/// assert!(course.planned(18 * hour) < plan.planned(18 * hour));
/// // A twelfth of what it weighs is left free at the end: with so much supply there, the last hour.
/// assert_eq!(course.planned(23 * hour), Nanos(22_000));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    plan: Plan,
    /// From when on the hours of the plan count, and what was planned until then.
    from_ms: i64,
    done: Nanos,
}

impl Course {
    /// The course of a plan from the beginning of its flight.
    #[must_use]
    pub fn of(plan: Plan) -> Self {
        Self { from_ms: plan.flight.starts_ms, plan, done: Nanos(0) }
    }

    /// A course that was turned before: the hours of the plan count from `from_ms` on, and `done` was planned until then.
    #[must_use]
    pub fn resumed(plan: Plan, from_ms: i64, done: Nanos) -> Self {
        let from_ms = from_ms.clamp(plan.flight.starts_ms, plan.flight.ends_ms.max(plan.flight.starts_ms));
        Self { from_ms, done: Nanos(done.0.clamp(0, plan.budget.0.max(0))), plan }
    }

    /// The plan, with the hours that count from now on.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When it was turned last, and what was planned until then.
    #[must_use]
    pub fn turned(&self) -> (i64, Nanos) {
        (self.from_ms, self.done)
    }

    /// What is to be spent by now, over all regions. Never falls as time goes by.
    #[must_use]
    pub fn planned(&self, now_ms: i64) -> Nanos {
        let Self { plan, from_ms, done } = self;
        if plan.pacing == Pacing::Asap || *from_ms <= plan.flight.starts_ms {
            return plan.planned(now_ms);
        }
        let before = plan.passed(*from_ms);
        let passed = (plan.passed(now_ms) - before).max(0);
        if passed == 0 && now_ms < plan.flight.ends_ms {
            return *done;
        }
        // By the hours that are known now all was to be spent before the turn: the rest is spread over all that is left.
        let all = Some(plan.all() - before).filter(|all| *all > 0).unwrap_or_else(|| plan.whole() - before);
        let rest = plan.budget.saturating_sub(*done);
        if all <= passed { plan.budget } else { done.saturating_add(share(rest, passed, all)) }
    }

    /// Follows other hours from now on. What is planned by now stays as it is.
    pub fn turn(&mut self, now_ms: i64, hours: Arc<HourPlan>) {
        let from_ms =
            now_ms.clamp(self.plan.flight.starts_ms, self.plan.flight.ends_ms.max(self.plan.flight.starts_ms));
        self.done = if from_ms <= self.plan.flight.starts_ms { Nanos(0) } else { self.planned(from_ms) };
        self.from_ms = from_ms;
        self.plan.hours = Some(hours);
    }

    /// The course of the same flight with another budget: what was planned is the same part of it.
    #[must_use]
    pub fn with_budget(mut self, budget: Nanos) -> Self {
        if self.plan.budget.0 > 0 {
            self.done = share(budget, i128::from(self.done.0), i128::from(self.plan.budget.0));
        }
        self.plan.budget = budget;
        self
    }
}

impl From<Plan> for Course {
    fn from(plan: Plan) -> Self {
        Self::of(plan)
    }
}
