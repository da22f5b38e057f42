//! Restart intensity: more than N failures within T is one too many.
//!
//! N restarts within T are granted, the next failure is fatal; the window is inclusive (`now - T` still
//! counts), as in OTP. OTP 25 stamps whole seconds and so remembers up to T + 1 s; ours is exact.
//!
//! A charge costs the same whatever the limit and however many came before: nothing is allocated before the first
//! one, and none of them pays for the end of a burst.

use std::collections::VecDeque;

use super::Time;
use super::mutations::{self, Mutation};
use crate::exit::Charge;

/// How many failures that are too old to count one charge forgets. Two for each that it adds, so that a burst does
/// not stay for ever, and none has to forget a whole burst.
const FORGOTTEN_AT_ONCE: usize = 2;

/// A ring of the last failures' instants: at most N of them, or as many as there were when N was made less.
#[derive(Clone, Debug)]
pub(crate) struct Intensity {
    limit: u32,
    period: Time,
    /// In order. The first ones may be too old to count.
    stamps: VecDeque<Time>,
    /// Which one the last granted failure was.
    last_charged: u32,
}

impl Intensity {
    pub(crate) fn new(limit: u32, period: Time) -> Self {
        Self { limit, period, stamps: VecDeque::new(), last_charged: 0 }
    }

    /// Another limit or period; the failures so far count on, also when the limit was lower in between. What was too
    /// old at the last charge stays forgotten, however long the new period is (`supervisor.erl`, `add_restart/1`).
    pub(crate) fn change(&mut self, limit: u32, period: Time) {
        let oldest_kept = self.stamps.back().map_or(Time::ZERO, |last| last.saturating_sub(self.period));
        let old = self.stamps.partition_point(|&stamp| stamp < oldest_kept);
        self.stamps.drain(..old);
        (self.limit, self.period) = (limit, period);
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn period(&self) -> Time {
        self.period
    }

    /// The k of the last failure that was granted a restart.
    pub(crate) fn last_charged(&self) -> u32 {
        self.last_charged
    }

    /// Charges one failure. `Err` when it is one too many.
    pub(crate) fn charge(&mut self, now: Time) -> Result<Charge, Charge> {
        let oldest_kept = now.checked_sub(self.period).unwrap_or_default();
        for _ in 0..FORGOTTEN_AT_ONCE {
            if self.stamps.front().is_some_and(|&stamp| stamp < oldest_kept) {
                self.stamps.pop_front();
            }
        }
        let old = self.stamps.partition_point(|&stamp| stamp < oldest_kept);
        let recent = self.stamps.len() - old;
        let k = u32::try_from(recent).unwrap_or(u32::MAX).saturating_add(1);
        let charge = Charge { k, limit: self.limit, period: self.period };
        let limit = match () {
            () if mutations::is(Mutation::GrantsOneMore) => self.limit.saturating_add(1),
            () if mutations::is(Mutation::GrantsOneLess) => self.limit.saturating_sub(1),
            () => self.limit,
        };
        if k > limit {
            return Err(charge);
        }
        if old > 0 && self.stamps.len() >= limit as usize {
            self.stamps.pop_front();
        }
        self.last_charged = k;
        self.stamps.push_back(now);
        Ok(charge)
    }

    /// How many charges count.
    #[cfg(test)]
    pub(super) fn recent(&self, now: Time) -> usize {
        let oldest_kept = now.checked_sub(self.period).unwrap_or_default();
        self.stamps.len() - self.stamps.partition_point(|&stamp| stamp < oldest_kept)
    }

    /// Forgets every failure: a supervisor that starts anew begins with a clean record.
    pub(crate) fn clear(&mut self) {
        self.stamps.clear();
    }

    /// How many instants are kept, and for how many there is room.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.stamps.len(), self.stamps.capacity())
    }
}
