//! Giving way: a thread that computes for long beside threads that must answer soon.
//!
//! An operating system lets a thread that has begun to compute go on for some milliseconds before another one that was woken
//! meanwhile gets its processor (on Linux up to the next tick). Where there are fewer processors than busy threads, that is how long a
//! request waits for a loop over ten thousand things. Costs a look at the clock every so many steps where nobody else wants the
//! processor. Never gives away more than half of the time: where others always want the processor, a thread that gave way to all
//! of them at every tenth of a millisecond would hardly get on.

use std::thread;
use std::time::{Duration, Instant};

/// How long a thread goes on before it gives way, at the least.
const LENGTH_MIN: Duration = Duration::from_micros(100);

/// How many steps there are between two looks at the clock.
const STEPS_PER_LOOK: u32 = 32;

/// A loop's turn on its processor: it gives way to the other threads of the process that wait for it when it has gone on for a
/// tenth of a millisecond, and then goes on for as long as they took, if that is longer.
///
/// For loops of small steps, some hundreds of nanoseconds each, whose length grows with what there is, and that no request
/// waits for. Not under a lock that a request takes.
///
/// # Examples
///
/// ```
/// use tembusu::Turn;
///
/// let mut turn = Turn::begin();
/// let sum: u64 = (0..100_000_u64).inspect(|_| turn.step()).sum();
/// assert_eq!(sum, 4_999_950_000);
/// ```
#[derive(Debug)]
pub struct Turn {
    since: Instant,
    length: Duration,
    steps: u32,
}

impl Turn {
    /// Begins a turn.
    #[must_use]
    pub fn begin() -> Self {
        Self { since: Instant::now(), length: LENGTH_MIN, steps: 0 }
    }

    /// A step is done: gives way if it is time to.
    pub fn step(&mut self) {
        self.steps += 1;
        if STEPS_PER_LOOK <= self.steps {
            self.steps = 0;
            self.look();
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        if self.length <= now.saturating_duration_since(self.since) {
            thread::yield_now();
            self.since = Instant::now();
            self.length = LENGTH_MIN.max(self.since.saturating_duration_since(now));
        }
    }
}
