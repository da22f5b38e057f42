//! How much is to be shed: from lateness to a share of the requests.
//!
//! As CoDel does (RFC 8289), it looks at the *least* lateness of a window: a burst that drains within it is none of its business,
//! a queue that stands is. It goes up in steps that grow with the lateness, in windows that grow shorter while nothing helps, and
//! down slowly; between half of what is borne and all of it it stays where it is.
//!
//! **What is borne grows with what is shed already.** To refuse a request costs more than half of what it costs to decide it, for
//! the kernel's part is the same. A server that is asked for twice what it can decide cannot refuse half of it either: if it
//! sheds until nobody waits, it sheds everything, and still all wait. So a short wait is worth a few requests, and only one that
//! comes near the exchange's own limit is worth most of them; in between a wait stands that costs nobody his answer, while as many
//! as there is time for are decided. What cannot even be refused waits in its connection, whose number is limited.

use std::time::Duration;

use tokio::time::Instant;

/// How long a queue must stand: several times what an ordinary burst or a pause of the thread lasts.
const WINDOW: Duration = Duration::from_millis(100);

/// The shortest window: a few beats.
const WINDOW_MIN: Duration = Duration::from_millis(30);

/// The least step upwards, in thousandths, and by how much a great lateness multiplies it: a fifth at once when four times too
/// many wait, so that the deadline is not reached before the share is.
const STEP_UP: u32 = 50;
const STEEPER_MAX: u32 = 4;

/// The step downwards of each window that was on time. From all to none it takes two seconds.
const STEP_DOWN: u16 = 50;

/// The wait that is worth all requests, in targets: of five milliseconds it makes eighty, which leaves time for an answer where an
/// exchange waits for a hundred.
const BORNE_AT_MOST: u32 = 16;

/// After so long without a beat, what was seen before says nothing.
const SILENCE: Duration = Duration::from_secs(1);

/// All requests.
pub(super) const WHOLE: u16 = 1_000;

/// The share that one exchange has to shed, in thousandths.
///
/// ```
/// use std::time::Duration;
/// use exchange::pool::overload::Control;
/// use tokio::time::Instant;
///
/// let (mut control, start) = (Control::new(Duration::from_millis(5)), Instant::now());
/// let mut beat = |ms: u64, lag| control.observe(start + Duration::from_millis(ms), Duration::from_millis(lag));
/// assert!((0..50).all(|n| beat(n * 10, if n % 5 == 0 { 80 } else { 0 }) == 0), "bursts that drain");
/// assert!((50..100).map(|n| beat(n * 10, 20)).max() > Some(0), "a queue that stands");
/// ```
#[derive(Clone, Debug)]
pub struct Control {
    target: Duration,
    /// When the window began, and the least lateness in it.
    window: Option<(Instant, Duration)>,
    beaten: Option<Instant>,
    /// Windows in a row that were too late.
    late: u32,
    pressure: u16,
}

impl Control {
    /// Nothing is shed until requests wait longer than `target`; the more is shed, the longer they may, up to 16 times that.
    #[must_use]
    pub fn new(target: Duration) -> Self {
        Self { target, window: None, beaten: None, late: 0, pressure: 0 }
    }

    /// The share to shed, in thousandths.
    #[must_use]
    pub fn pressure(&self) -> u16 {
        self.pressure
    }

    /// A beat came so late; returns the share to shed.
    pub fn observe(&mut self, now: Instant, lag: Duration) -> u16 {
        let silent =
            self.beaten.replace(now).is_some_and(|beaten| now.saturating_duration_since(beaten) > SILENCE + lag);
        let Some((began, least)) = self.window.filter(|_| !silent) else {
            self.window = Some((now, lag));
            return self.pressure;
        };
        let least = least.min(lag);
        if now.saturating_duration_since(began) < self.length() {
            self.window = Some((began, least));
            return self.pressure;
        }
        self.window = None;
        let borne = self.borne();
        if least > borne {
            self.late = self.late.saturating_add(1);
            let times = least.as_nanos() / borne.as_nanos().max(1);
            let steeper = u32::try_from(times).unwrap_or(STEEPER_MAX).clamp(1, STEEPER_MAX);
            let step = u16::try_from(STEP_UP * steeper).unwrap_or(WHOLE);
            self.pressure = (self.pressure + step).min(WHOLE);
        } else {
            self.late = 0;
            if least < borne / 2 {
                self.pressure = self.pressure.saturating_sub(STEP_DOWN);
            }
        }
        assert!(self.pressure <= WHOLE, "a share is no more than all");
        self.pressure
    }

    /// The wait that is borne while so much is shed.
    fn borne(&self) -> Duration {
        let more = self.target * (BORNE_AT_MOST - 1);
        self.target + more * u32::from(self.pressure) / u32::from(WHOLE)
    }

    fn length(&self) -> Duration {
        let shorter = f64::from(self.late.max(1)).sqrt();
        WINDOW.div_f64(shorter).max(WINDOW_MIN)
    }
}
