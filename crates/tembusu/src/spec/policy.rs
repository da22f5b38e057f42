//! The words of a specification: strategies, restart types, shutdown budgets.

use std::time::Duration;

/// Which siblings a failure concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Only the child that failed is restarted.
    OneForOne,
    /// All children are stopped, then all are started.
    OneForAll,
    /// The children after the one that failed are stopped, then it and they are started.
    RestForOne,
}

/// When an ended child is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restart {
    /// Always, after a normal end too.
    #[default]
    Permanent,
    /// After an abnormal end only; otherwise its specification stays, and its queue is closed.
    Transient,
    /// Never, and a group restart does not bring it back either.
    Temporary,
}

/// How a running child is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shutdown {
    /// Killed at once (OTP's `brutal_kill`): `stop` does not run.
    Kill,
    /// Asked to stop; killed when it has not ended within this time.
    Within(Duration),
    /// Asked to stop, for as long as it takes. The default of supervisors, whose children have budgets.
    Unlimited,
}

/// A budget: [`Shutdown::Within`].
impl From<Duration> for Shutdown {
    fn from(budget: Duration) -> Self {
        Self::Within(budget)
    }
}

/// Whether the end of significant children ends their supervisor (OTP, `supervisor`, "auto_shutdown").
///
/// What counts is an end that is not followed by a restart: of a transient child a normal one, of a temporary
/// child any. Ends that an operator or the strategy caused never count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AutoShutdown {
    /// A supervisor without children goes on. Significant children are a [`SpecError`](crate::SpecError).
    #[default]
    Never,
    /// The first significant child that ends takes the supervisor with it.
    AnySignificant,
    /// The last significant child that ends takes the supervisor with it. One that is being restarted is alive.
    AllSignificant,
}
