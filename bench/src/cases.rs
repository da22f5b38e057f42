//! What is measured: the rows of the published table, who takes part in each, and what Tembusu must reach.

use std::time::Duration;

/// A system under measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    /// This library.
    Tembusu,
    /// Erlang/OTP, `supervisor` and `gen_server`.
    Otp,
    /// ractor with ractor-supervisor.
    Ractor,
    /// kameo.
    Kameo,
    /// Bare Tokio: an exit message to a supervising task, which spawns anew; `tokio::spawn` and `mpsc`.
    TokioSpawn,
    /// Bare Tokio: a loop in one task.
    TokioInPlace,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tembusu => "tembusu",
            Self::Otp => "otp",
            Self::Ractor => "ractor",
            Self::Kameo => "kameo",
            Self::TokioSpawn => "tokio-spawn",
            Self::TokioInPlace => "tokio-in-place",
        }
    }
}

/// How the measured child crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Error,
    Panic,
}

/// Which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Alone,
    RestForOne(usize),
    OneForAll(usize),
    /// The sixth crash of "5 in 10 s": the supervisor ends and its parent restarts it.
    Escalation,
}

/// One run of crashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) shape: Shape,
    pub(crate) how: How,
    /// 1 ms of nothing before each crash.
    pub(crate) idle: bool,
    /// Every crash is reported in full, to the null device.
    pub(crate) reports: bool,
    /// All crashes lie within the period of the restart intensity.
    pub(crate) one_period: bool,
    pub(crate) crashes: usize,
}

impl Plan {
    /// How many children come back after a crash.
    pub(crate) fn members(&self) -> usize {
        match self.shape {
            Shape::Alone | Shape::Escalation => 1,
            Shape::RestForOne(members) | Shape::OneForAll(members) => members,
        }
    }

    /// Whether figures are given for one member of the group.
    pub(crate) fn per_member(&self) -> bool {
        self.members() > 100
    }

    /// How many restarts within which period the measured supervisor grants.
    pub(crate) fn intensity(&self) -> (u32, Duration) {
        if self.shape == Shape::Escalation {
            (5, Duration::from_secs(10))
        } else if self.one_period {
            (1_000_000, Duration::from_secs(3_600))
        } else {
            ENDLESS
        }
    }
}

/// As many restarts as it takes, without a record that grows.
pub(crate) const ENDLESS: (u32, Duration) = (1_000_000, Duration::from_micros(1));

/// What a sample does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Restart(Plan),
    /// Crashes in a one_for_one with 10, 10,000 and 1,000,000 siblings.
    Siblings {
        crashes: usize,
    },
    Call {
        calls: usize,
    },
    Tell {
        senders: usize,
        messages: usize,
    },
    /// Starts children that idle: the time and the memory of each.
    Spawn {
        children: usize,
    },
    /// A synchronous call into a published view, beside one through a trait object.
    Inline {
        calls: usize,
    },
}

/// A figure of Tembusu's, against a peer's in the same round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) figure: &'static str,
    pub(crate) against: Against,
    pub(crate) limit: Limit,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Against {
    /// The ratio to the peer's figure.
    Ratio(Peer),
    /// The figure itself.
    Itself,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) bench: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) work: Work,
    pub(crate) peers: &'static [Peer],
    pub(crate) targets: &'static [Target],
}

const fn at_most(figure: &'static str, limit: f64, peer: Peer) -> Target {
    Target { figure, against: Against::Ratio(peer), limit: Limit::AtMost(limit) }
}

const fn at_least(figure: &'static str, limit: f64, peer: Peer) -> Target {
    Target { figure, against: Against::Ratio(peer), limit: Limit::AtLeast(limit) }
}

const fn itself(figure: &'static str, limit: f64) -> Target {
    Target { figure, against: Against::Itself, limit: Limit::AtMost(limit) }
}

use Peer::{Kameo, Otp, Ractor, Tembusu, TokioInPlace, TokioSpawn};

const PANIC: Plan =
    Plan { shape: Shape::Alone, how: How::Panic, idle: false, reports: false, one_period: false, crashes: 10_000 };

const fn restart(
    name: &'static str,
    about: &'static str,
    plan: Plan,
    peers: &'static [Peer],
    targets: &'static [Target],
) -> Case {
    Case { bench: "restart", name, about, work: Work::Restart(plan), peers, targets }
}

const fn messages(
    name: &'static str,
    about: &'static str,
    work: Work,
    peers: &'static [Peer],
    targets: &'static [Target],
) -> Case {
    Case { bench: "messages", name, about, work, peers, targets }
}

/// As many messages as a bare channel, nearly, and more than every supervised peer.
const TELLS: [Target; 4] = [
    at_least("million_per_s", 0.9, TokioSpawn),
    at_least("million_per_s", 1.0, Otp),
    at_least("million_per_s", 1.0, Ractor),
    at_least("million_per_s", 1.0, Kameo),
];

/// All rows.
pub(crate) const CASES: [Case; 16] = [
    restart(
        "error",
        "crash by `Err` → ready",
        Plan { how: How::Error, ..PANIC },
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn, TokioInPlace],
        &[at_most("init_us", 0.1, Otp), at_most("init_us", 1.3, TokioSpawn)],
    ),
    restart(
        "panic",
        "crash by panic → ready",
        PANIC,
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn, TokioInPlace],
        &[at_most("init_us", 0.8, Otp), at_most("init_us", 0.7, Kameo), at_most("init_p99_us", 1.0, Otp)],
    ),
    restart(
        "panic_reported",
        "the same with full crash reports on",
        Plan { reports: true, crashes: 2_000, ..PANIC },
        &[Tembusu, Otp],
        &[at_most("init_us", 1.0 / 30.0, Otp)],
    ),
    restart(
        "panic_rare",
        "rare crash (1 ms idle before each)",
        Plan { idle: true, crashes: 500, ..PANIC },
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn, TokioInPlace],
        &[at_most("init_us", 0.45, Otp)],
    ),
    restart(
        "rest_for_one_3",
        "rest_for_one of 3, by panic",
        Plan { shape: Shape::RestForOne(3), crashes: 3_000, ..PANIC },
        &[Tembusu, Otp, Kameo, TokioSpawn],
        &[at_most("init_us", 0.4, Otp)],
    ),
    restart(
        "one_for_all_3",
        "one_for_all of 3, by panic",
        Plan { shape: Shape::OneForAll(3), crashes: 3_000, ..PANIC },
        &[Tembusu, Otp, Kameo, TokioSpawn],
        &[at_most("init_us", 0.4, Otp)],
    ),
    restart(
        "group_3_ractor",
        "one_for_all of 3 in ractor-supervisor (it sleeps 10 ms in each)",
        Plan { shape: Shape::OneForAll(3), crashes: 20, ..PANIC },
        &[Tembusu, Ractor],
        &[],
    ),
    restart(
        "escalation",
        "sixth crash of \"5 in 10 s\" → subtree ready",
        Plan { shape: Shape::Escalation, crashes: 1_000, ..PANIC },
        &[Tembusu, Otp, Ractor, Kameo],
        &[at_most("init_us", 0.6, Otp)],
    ),
    restart(
        "one_period",
        "20,000 crashes inside one period (growth: the last tenth over the first)",
        Plan { one_period: true, crashes: 20_000, ..PANIC },
        &[Tembusu, Otp],
        &[itself("growth", 1.0)],
    ),
    Case {
        bench: "restart",
        name: "siblings",
        about: "one_for_one with 10, 10^4, 10^6 siblings, crash by `Err` (flat: the slowest over the fastest)",
        work: Work::Siblings { crashes: 2_000 },
        peers: &[Tembusu],
        targets: &[itself("flat", 1.5)],
    },
    restart(
        "one_for_all_1000",
        "one_for_all of 1,000, ordered, per child",
        Plan { shape: Shape::OneForAll(1_000), crashes: 20, ..PANIC },
        &[Tembusu, Otp, TokioSpawn],
        &[at_most("init_us", 0.25, Otp)],
    ),
    messages(
        "call",
        "call round trip",
        Work::Call { calls: 100_000 },
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn],
        &[at_most("call_us", 0.65, Ractor)],
    ),
    messages(
        "tell_1_1",
        "tell, one sender, million messages a second",
        Work::Tell { senders: 1, messages: 1_000_000 },
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn],
        &TELLS,
    ),
    messages(
        "tell_4_1",
        "tell, four senders, million messages a second",
        Work::Tell { senders: 4, messages: 1_000_000 },
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn],
        &TELLS,
    ),
    messages(
        "spawn",
        "spawn under a supervisor, and the memory of an idle actor",
        Work::Spawn { children: 100_000 },
        &[Tembusu, Otp, Ractor, Kameo, TokioSpawn],
        &[at_most("spawn_us", 1.3, TokioSpawn), itself("bytes", 800.0)],
    ),
    messages(
        "inline",
        "inline call, no crash, over a direct call through a trait object",
        Work::Inline { calls: 2_000_000 },
        &[Tembusu],
        &[itself("over_direct_ns", 25.0)],
    ),
];

/// A case by its name.
pub(crate) fn find(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

impl Work {
    /// The same with so many crashes: for profiles.
    pub(crate) fn with_crashes(self, crashes: usize) -> Self {
        match self {
            Self::Restart(plan) => Self::Restart(Plan { crashes, ..plan }),
            Self::Siblings { .. } => Self::Siblings { crashes },
            other => other,
        }
    }

    /// The same with a tenth of the samples.
    pub(crate) fn quick(self) -> Self {
        match self {
            Self::Restart(plan) => Self::Restart(Plan { crashes: (plan.crashes / 10).max(10), ..plan }),
            Self::Siblings { crashes } => Self::Siblings { crashes: crashes / 10 },
            Self::Call { calls } => Self::Call { calls: calls / 10 },
            Self::Tell { senders, messages } => Self::Tell { senders, messages: messages / 10 },
            Self::Spawn { children } => Self::Spawn { children: children / 10 },
            Self::Inline { calls } => Self::Inline { calls: calls / 10 },
        }
    }
}
