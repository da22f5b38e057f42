//! Restarts that wait: drawing the wait, keeping it, and starting when it is over.
//!
//! Under one_for_one the child waits by itself; in a group the pass waits, after the members have been stopped.
//! Whatever starts a child, ends it or ends its supervisor ends its wait too, so that nothing is started twice.
//! The generator of the jitter is seeded from outside: the same seed, the same waits.

use std::time::Duration;

use super::pass::{Pass, Step};
use super::{Child, ChildKey, ChildState, Core, Effect, Happening, Time};
use crate::error::SpecError;
use crate::spec::backoff::{Backoff, check_reach};

/// How the restarts of one supervisor wait.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Waits {
    backoff: Backoff,
    /// The state of the generator (splitmix64).
    random: u64,
}

impl Waits {
    fn draw(&mut self, k: u32) -> Duration {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        // 32 bits are plenty for a wait, and exact.
        let chance = f64::from(u32::try_from(z >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        self.backoff.wait(k, chance)
    }
}

impl Core {
    /// Makes the restarts wait. Before the start.
    pub(crate) fn back_off(&mut self, backoff: Backoff, seed: u64) {
        self.waits = Some(Waits { backoff, random: seed });
    }

    /// Whether the intensity stays reachable with a child whose start takes up to `start`.
    pub(crate) fn check_reach(&self, start: Duration) -> Result<(), SpecError> {
        self.check_reach_of(self.intensity.limit(), self.intensity.period(), start)
    }

    /// The same for an intensity that this supervisor is to have.
    pub(super) fn check_reach_of(&self, limit: u32, period: Duration, start: Duration) -> Result<(), SpecError> {
        check_reach(self.waits.as_ref().map(|waits| &waits.backoff), &self.path, limit, period, start)
    }

    /// When the restart after the failure that has just been charged may begin, if it has to wait.
    pub(super) fn wait_before_restart(&mut self, key: ChildKey, effects: &mut Vec<Effect>) -> Option<Time> {
        let wait = self.waits.as_mut()?.draw(self.intensity.last_charged());
        if wait.is_zero() {
            return None;
        }
        let generation = self.children.get(key).map_or(0, |child| child.generation);
        self.report(key, generation, Happening::BackingOff { wait }, effects);
        Some(self.now.saturating_add(wait))
    }

    /// Starts a child that is restarted alone, now or when its wait is over.
    pub(super) fn start_not_before(&mut self, key: ChildKey, at: Option<Time>, effects: &mut Vec<Effect>) {
        let Some(at) = at else { return self.start_in_turn(key, effects) };
        let at = self.wait_for(key, at.saturating_sub(self.now));
        if let Some(child) = self.children.get_mut(key) {
            debug_assert!(!child.state.is_alive(), "only what has ended waits for its restart");
            child.unusual_mut().retry_at = Some(at);
        }
    }

    /// Whether the pass in progress has stopped its group and waits; its end is part of [`Core::deadline`].
    pub(super) fn pass_waits(&self, pass: Pass) -> bool {
        pass.not_before.is_some_and(|at| at > self.now)
    }

    /// The end of the wait of the pass, if there is one.
    pub(super) fn pass_wait(&self) -> Option<(Pass, Time)> {
        let pass = self.pass?;
        let Step::Stop { end } = pass.step else { return None };
        let at = pass.not_before?;
        self.children.last_alive(pass.from, end).is_none().then_some((pass, at))
    }

    /// When a child that has no incarnation is started without being asked for: its own wait, its group's, or that
    /// for a restore.
    pub(crate) fn starts_at(&self, child: &Child) -> Option<Time> {
        if child.state != ChildState::Idle {
            return None;
        }
        let group = || self.pass_wait().filter(|(pass, _)| child.rank >= pass.from && !child.at_rest);
        let group = || group().filter(|_| !child.is_vacant()).map(|(_, at)| at);
        child.unusual().retry_at.or_else(group).or(child.unusual().restore_at)
    }
}
