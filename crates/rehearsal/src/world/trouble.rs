//! What goes wrong in a day, and when.
//!
//! Promises that a judge can tell the times in which a plan cannot be kept. Never decides what should happen then.

/// An actor of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// `bidding_state`.
    BiddingState,
    /// `budget_pacer`.
    BudgetPacer,
    /// `frequency_capper`.
    FrequencyCapper,
}

impl Actor {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BiddingState, Self::BudgetPacer, Self::FrequencyCapper];
}

/// Something that goes wrong. Times are unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// So many times the usual traffic.
    Surge {
        /// From when.
        from_ms: i64,
        /// Until when.
        to_ms: i64,
        /// How many times.
        factor: f64,
    },
    /// An exchange sends neither requests nor notices; its notices come when it is back.
    ExchangeGone {
        /// Place among the exchanges.
        exchange: usize,
        /// From when.
        from_ms: i64,
        /// Until when.
        to_ms: i64,
    },
    /// Nothing can be made durable.
    DiskGone {
        /// From when.
        from_ms: i64,
        /// Until when.
        to_ms: i64,
    },
    /// An actor of a region crashes at the first event of its region after this.
    Crash {
        /// When.
        at_ms: i64,
        /// Place among the countries.
        region: usize,
        /// Which.
        actor: Actor,
    },
    /// The whole process is stopped, and started again on the same disk.
    Restart {
        /// When it is stopped.
        from_ms: i64,
        /// When it starts.
        to_ms: i64,
    },
    /// The whole process is gone from one moment to the next, with all that it has not made durable, and started again.
    Kill {
        /// When it is killed.
        from_ms: i64,
        /// When it starts.
        to_ms: i64,
    },
}

impl Trouble {
    /// When it begins.
    pub fn begins_ms(&self) -> i64 {
        match self {
            Self::Surge { from_ms, .. }
            | Self::ExchangeGone { from_ms, .. }
            | Self::DiskGone { from_ms, .. }
            | Self::Restart { from_ms, .. }
            | Self::Kill { from_ms, .. } => *from_ms,
            Self::Crash { at_ms, .. } => *at_ms,
        }
    }

    /// The time in which no bidder could keep a plan: supply or money is away. A crash and a surge are no such times.
    pub fn outage(&self) -> Option<(i64, i64)> {
        match self {
            Self::ExchangeGone { from_ms, to_ms, .. }
            | Self::DiskGone { from_ms, to_ms }
            | Self::Restart { from_ms, to_ms }
            | Self::Kill { from_ms, to_ms } => Some((*from_ms, *to_ms)),
            Self::Surge { .. } | Self::Crash { .. } => None,
        }
    }

    pub(super) fn as_surge(&self) -> Option<(i64, i64, f64)> {
        match self {
            Self::Surge { from_ms, to_ms, factor } => Some((*from_ms, *to_ms, *factor)),
            _ => None,
        }
    }

    pub(super) fn as_gone(&self) -> Option<(usize, i64, i64)> {
        match self {
            Self::ExchangeGone { exchange, from_ms, to_ms } => Some((*exchange, *from_ms, *to_ms)),
            _ => None,
        }
    }
}
