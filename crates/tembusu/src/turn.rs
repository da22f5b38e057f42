//! Giving way: a thread that computes for long beside threads that must answer soon.
//!
//! An operating system lets a thread that has begun to compute go on for some milliseconds before another one that was woken
//! meanwhile gets its processor (on Linux up to the next tick). Where there are fewer processors than busy threads, that is how long a
//! request waits for a loop over ten thousand things. Never waits, and costs a look at the clock every
//! so many steps where nobody else wants the processor.

use std::thread;
use std::time::{Duration, Instant};

/// How long a thread goes on before it gives way.
const LENGTH: Duration = Duration::from_micros(100);

/// A loop's turn on its processor: it gives way to the other threads of the process that wait for it whenever it has gone on for a
/// tenth of a millisecond.
///
/// For loops whose length grows with what there is, and that no request waits for. Not under a lock that a request takes.
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
    steps: u32,
    steps_per_look: u32,
}

impl Turn {
    /// Begins a turn of small steps, some hundreds of nanoseconds each: it looks at the clock at every 32nd.
    #[must_use]
    pub fn begin() -> Self {
        Self { since: Instant::now(), steps: 0, steps_per_look: 32 }
    }

    /// Begins a turn of steps of many microseconds: it looks at the clock at each.
    #[must_use]
    pub fn of_large_steps() -> Self {
        Self { steps_per_look: 1, ..Self::begin() }
    }

    /// A step is done: gives way if it is time to.
    pub fn step(&mut self) {
        self.steps += 1;
        if self.steps_per_look <= self.steps {
            self.steps = 0;
            self.look();
        }
    }

    fn look(&mut self) {
        if LENGTH <= self.since.elapsed() {
            thread::yield_now();
            self.since = Instant::now();
        }
    }
}
