//! What happened when, from the tree's own events.
//!
//! It measures and prints; it judges nothing.

use std::time::{Duration, Instant};

use tembusu::{Event, EventKind, Latency};

/// The events of one replay, and the instants that only the client sees.
#[derive(Debug)]
pub(super) struct Timeline {
    exchange: String,
    events: Vec<Event>,
    /// When the degraded exchange gave its first proper no-bid.
    pub(super) stable_at: Instant,
    /// When the operator asked for the exchange back, and when it was.
    pub(super) restored: Option<(Instant, Instant)>,
}

impl Timeline {
    pub(super) fn new(exchange: String, events: Vec<Event>, stable_at: Instant) -> Self {
        Self { exchange, events, stable_at, restored: None }
    }

    /// The crashes of the exchange's engine.
    pub(super) fn crashes(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| {
            matches!(event.kind, EventKind::Crashed { .. }) && *event.path == *format!("{}/bid_engine", self.exchange)
        })
    }

    /// The restarts after a crash.
    pub(super) fn restarts(&self) -> impl Iterator<Item = Latency> {
        self.events.iter().filter_map(|event| match event.kind {
            EventKind::Restarted { latency } => Some(latency),
            _ => None,
        })
    }

    pub(super) fn has(&self, what: impl Fn(&EventKind) -> bool) -> bool {
        self.events.iter().any(|event| *event.path == *self.exchange && what(&event.kind))
    }

    /// Events of subtrees that have nothing to do with the incident.
    pub(super) fn elsewhere(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| {
            !event.path.starts_with(&self.exchange) && !matches!(event.kind, EventKind::Started | EventKind::Ignored)
        })
    }

    fn first_crash(&self) -> Option<Instant> {
        self.crashes().map(|event| event.instant).min()
    }

    pub(super) fn first_crash_to_stable(&self) -> Duration {
        self.first_crash().map_or(Duration::ZERO, |crash| self.stable_at.saturating_duration_since(crash))
    }

    /// The time between a restart and the next bad payload's crash: the client's share of the whole.
    pub(super) fn waiting_for_payloads(&self) -> Duration {
        let mut ready: Option<Instant> = None;
        let mut waited = Duration::ZERO;
        for event in self.events.iter().filter(|event| event.path.starts_with(&self.exchange)) {
            match event.kind {
                EventKind::Restarted { .. } => ready = Some(event.instant),
                EventKind::Crashed { .. } => {
                    waited +=
                        ready.take().map_or(Duration::ZERO, |ready| event.instant.saturating_duration_since(ready));
                }
                _ => {}
            }
        }
        waited
    }

    pub(super) fn print(&self) {
        let Some(zero) = self.first_crash() else {
            println!("nothing crashed");
            return;
        };
        println!("time since the first crash");
        for event in self.events.iter().filter(|event| event.path.starts_with(&self.exchange)) {
            let name = event.path.strip_prefix("root/exchanges/").unwrap_or(&event.path);
            println!("  {:>10}  {name} #{}: {}", since(zero, event.instant), event.incarnation, describe(&event.kind));
        }
        println!("  {:>10}  stable: the first proper no-bid of the degraded exchange", since(zero, self.stable_at));
        if let Some((asked, back)) = self.restored {
            println!("  {:>10}  an operator asks for it back", since(zero, asked));
            println!("  {:>10}  it bids again, {:?} later", since(zero, back), back.saturating_duration_since(asked));
        }
        println!(
            "\nfirst crash to stable: {:?} wall time, of which {:?} passed waiting for the next bad payload",
            self.first_crash_to_stable(),
            self.waiting_for_payloads()
        );
    }
}

fn since(zero: Instant, instant: Instant) -> String {
    match instant.checked_duration_since(zero) {
        Some(after) => format!("+{:.3} ms", after.as_secs_f64() * 1_000.0),
        None => format!("-{:.3} ms", zero.saturating_duration_since(instant).as_secs_f64() * 1_000.0),
    }
}

fn describe(kind: &EventKind) -> String {
    match kind {
        EventKind::Crashed { reason, charge: Some(charge) } => {
            format!("crashed, restart {} of {} in {:?}: {reason}", charge.k, charge.limit, charge.period)
        }
        EventKind::Crashed { reason, charge: None } => format!("crashed, one time too many: {reason}"),
        EventKind::Restarted { latency: Latency { crash_to_caught: Some(unwind), caught_to_ready } } => {
            format!("restarted {caught_to_ready:?} after the panic was caught (crash point to caught: {unwind:?})")
        }
        EventKind::Restarted { latency } => format!("restarted {:?} after the error", latency.caught_to_ready),
        EventKind::Started => "started".to_owned(),
        EventKind::Stopped { reason } => format!("stopped: {reason}"),
        EventKind::Escalated { .. } => "supervisor down: its restart intensity is used up".to_owned(),
        EventKind::Degraded { .. } => "degraded: the fallback takes over its addresses".to_owned(),
        EventKind::Restored => "restored".to_owned(),
        other => format!("{other:?}"),
    }
}
