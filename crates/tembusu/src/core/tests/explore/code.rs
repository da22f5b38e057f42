//! When two states are the same: all that decides what can happen next, as one number.
//!
//! Times are relative; generations, counters and reasons are left out, since nothing is decided by them. Nor is there
//! anything of the waits between restarts, which have no jitter here, nor of when a child was restored, since all waits for
//! the next restore are the same. A field that decides something else belongs here.

use std::collections::VecDeque;

use super::super::super::pass::{Pass, Step};
use super::super::super::unusual::Unusual;
use super::super::super::*;
use super::world::{Truth, World};

impl World {
    pub(super) fn code(&self) -> u128 {
        let mut code = Code { now: self.now, ..Code::default() };
        for core in &self.cores {
            code.core(core);
        }
        for Truth { alive, acked, told_to_stop, killed, excused, finished } in self.workers.values() {
            code.flags(&[*alive, *acked, *told_to_stop, *killed, *excused, *finished]);
        }
        code.events(&self.down);
        code.events(&self.up);
        code.flags(&[self.told_end[0], self.told_end[1], self.asked_to_stop, self.shape_excused]);
        self.unanswered.iter().for_each(|&id| code.add(id + 1));
        code.add(0);
        code.add(u64::from(self.charges[0]) << 32 | u64::from(self.charges[1]));
        code.add(self.asked << 32 | u64::from(self.requests) << 16 | u64::from(self.ignores));
        code.add(u64::from(self.lapses));
        self.templates.values().for_each(|(_, adds)| code.add(u64::from(*adds)));
        code.add(self.dropped.map_or(0, |left| u64::from(left) + 1));
        u128::from(code.low) << 64 | u128::from(code.high)
    }
}

#[derive(Default)]
struct Code {
    now: Time,
    low: u64,
    high: u64,
}

impl Code {
    /// Two independent mixes (multiply, fold) of the same words.
    fn add(&mut self, word: u64) {
        self.low = (self.low ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        self.low ^= self.low >> 32;
        self.high = self.high.wrapping_add(word).wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_left(23);
        self.high ^= self.high >> 31;
    }

    fn flags(&mut self, flags: &[bool]) {
        self.add(flags.iter().fold(1, |word, &flag| word << 1 | u64::from(flag)));
    }

    /// How long from now.
    fn until(&mut self, at: Option<Time>) {
        self.add(at.map_or(0, |at| at.saturating_sub(self.now).as_nanos() as u64 + 1));
    }

    fn core(&mut self, core: &Core) {
        // Not the deadline: it may be earlier than needed, which only makes a tick more. Of the charges only how many
        // count, since all expire at once.
        let Core { intensity, children, phase, complete, pass, end_awaited, on_trial, restores_due, .. } = core;
        self.add(intensity.recent(self.now) as u64);
        match phase {
            Phase::Down => self.add(1),
            Phase::Running => self.add(2),
            Phase::Stopping { reason, kill, end } => {
                self.add(end.0);
                self.add(3 + u64::from(*kill));
                self.reason(reason);
            }
        }
        self.flags(&[*complete, pass.is_some(), *on_trial, *restores_due]);
        self.add(end_awaited.map_or(0, |key| key.0 + 1));
        if let Some(Pass { from, step, first, retried, not_before }) = *pass {
            self.until(not_before);
            self.add(from.0);
            self.add(match step {
                Step::Stop { end } => end.0,
                Step::Start { next } => next.0,
            });
            self.flags(&[matches!(step, Step::Start { .. })]);
            self.flags(&[first]);
            self.add(retried.map_or(0, |key| key.0 + 1));
        }
        children.iter_all().for_each(|child| self.child(child));
    }

    fn child(&mut self, child: &Child) {
        let Child { key, is_static, present, state, intent, .. } = child;
        self.add(key.0);
        let Child { crashed, timed_out, fresh, at_rest, closed, .. } = child;
        let Unusual { terminators, doom, retry_at, restore_at, restore_due, trusted_at, backoff, .. } = child.unusual();
        for at in [retry_at, restore_at, trusted_at] {
            self.until(*at);
        }
        self.flags(&[*restore_due, backoff.is_some()]);
        self.add(child.mode as u64);
        self.flags(&[*is_static, *present, *crashed, *timed_out, doom.is_some(), *fresh, *at_rest, *closed]);
        let (kind, until) = match *state {
            ChildState::Idle => (0, None),
            ChildState::Starting { until } => (1, until),
            ChildState::Running { since: _ } => (2, None),
            ChildState::Stopping { until } => (3, until),
            ChildState::Killing { until } => (4, until),
        };
        self.add(kind);
        self.until(until);
        // Rare enough to be written out.
        let intent = intent.map_or_else(String::new, |intent| format!("{intent:?}"));
        self.word(&intent);
        terminators.iter().for_each(|id| self.add(id.0 + 1));
        self.add(0);
    }

    fn reason(&mut self, reason: &ExitReason) {
        self.word(reason.label());
    }

    fn word(&mut self, word: &str) {
        self.add(word.bytes().fold(7, |word: u64, byte| word.wrapping_mul(31) + u64::from(byte)));
    }

    fn events(&mut self, events: &VecDeque<Event>) {
        for event in events {
            match event {
                Event::Start => self.add(1),
                Event::Stop { kill } => self.add(2 + u64::from(*kill)),
                Event::Started { .. } => self.add(4),
                Event::StartOnTrial => self.add(5),
                Event::Trust => self.add(6),
                Event::Exited { reason, .. } => self.reason(reason),
                other => panic!("{other:?} is not said between supervisors"),
            }
        }
        self.add(0);
    }
}
