//! What a user writes down: supervisor flags and child specifications, and which of them are refused.
//!
//! Never holds anything of a running process.

use std::collections::BTreeSet;

/// The name of a child, unique in its whole tree.
///
/// OTP asks for uniqueness within one supervisor only; one number a child keeps traces readable.
pub type Id = u32;

/// Milliseconds, since the tree was started or as a length.
pub type Millis = u64;

/// Principles, *Restart Strategy*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strategy {
    /// "If a child process terminates, only that process is restarted."
    OneForOne,
    /// "If a child process terminates, all other child processes are terminated, and then all child processes,
    /// including the terminated one, are restarted."
    OneForAll,
    /// "... the child processes after the terminated process in start order are terminated. Then the terminated
    /// child process and the rest of the child processes are restarted."
    RestForOne,
    /// "A simplified `one_for_one` supervisor, where all child processes are dynamically added instances of the
    /// same process."
    SimpleOneForOne,
}

/// Principles, *Child Specification*, `restart`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Restart {
    /// "Always restarted."
    Permanent,
    /// "Restarted only if it terminates abnormally, that is, with an exit reason other than `normal`, `shutdown`, or
    /// `{shutdown,Term}`."
    Transient,
    /// "Never restarted (not even when the supervisor restart strategy is `rest_for_one` or `one_for_all` and a
    /// sibling death causes the temporary process to be terminated)."
    Temporary,
}

/// Principles, *Child Specification*, `shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shutdown {
    /// "The child process is unconditionally terminated using `exit(Child, kill)`."
    BrutalKill,
    /// Told to terminate; "if no exit signal is received within the specified time, the child process is
    /// unconditionally terminated". How long that takes is not the model's business.
    Within,
    /// As long as it takes; the default of supervisors.
    Infinity,
}

/// Principles, *Automatic Shutdown*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AutoShutdown {
    /// "Automatic shutdown is disabled. In this mode, significant children are not accepted."
    Never,
    /// "... when any significant child terminates, that is, when a transient significant child terminates normally
    /// or when a temporary significant child terminates normally or abnormally."
    AnySignificant,
    /// "... when the last active significant child terminates."
    AllSignificant,
}

/// A child specification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChildSpec {
    /// Its name.
    pub id: Id,
    /// When it is restarted.
    pub restart: Restart,
    /// Whether its end may shut its supervisor down.
    pub significant: bool,
    /// How it is terminated.
    pub shutdown: Shutdown,
    /// A worker, or a supervisor with children of its own.
    pub kind: Kind,
}

/// Manual, `type`: "specifies if the child process is a supervisor or a worker."
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Does the work.
    Worker,
    /// Has children.
    Supervisor(Box<SupervisorSpec>),
}

/// What a supervisor's `init` returns: flags and children.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SupervisorSpec {
    /// Whom a failure concerns.
    pub strategy: Strategy,
    /// How many restarts within `period` are granted.
    pub intensity: usize,
    /// The period; the window is inclusive (case 46).
    pub period: Millis,
    /// Whether ends of significant children end the supervisor.
    pub auto_shutdown: AutoShutdown,
    /// Elixir's `DynamicSupervisor` only: how many instances there may be.
    pub max_children: Option<usize>,
    /// In start order; of a `simple_one_for_one` exactly one, the template.
    pub children: Vec<ChildSpec>,
}

impl ChildSpec {
    /// A worker that obeys within its time.
    pub fn worker(id: Id, restart: Restart) -> Self {
        Self { id, restart, significant: false, shutdown: Shutdown::Within, kind: Kind::Worker }
    }

    /// A child supervisor; its shutdown is `infinity` (case 13).
    pub fn supervisor(id: Id, restart: Restart, spec: SupervisorSpec) -> Self {
        Self { id, restart, significant: false, shutdown: Shutdown::Infinity, kind: Kind::Supervisor(Box::new(spec)) }
    }

    /// The same, significant.
    pub fn significant(self) -> Self {
        Self { significant: true, ..self }
    }

    /// The same, terminated so.
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }
}

impl SupervisorSpec {
    /// A supervisor without children; period 5 s, no automatic shutdown.
    pub fn new(strategy: Strategy, intensity: usize) -> Self {
        Self {
            strategy,
            intensity,
            period: 5_000,
            auto_shutdown: AutoShutdown::Never,
            max_children: None,
            children: Vec::new(),
        }
    }

    /// The same with another period.
    pub fn period(self, period: Millis) -> Self {
        Self { period, ..self }
    }

    /// The same with automatic shutdown.
    pub fn auto_shutdown(self, auto_shutdown: AutoShutdown) -> Self {
        Self { auto_shutdown, ..self }
    }

    /// The same with a bound on its instances.
    pub fn max_children(self, max: usize) -> Self {
        Self { max_children: Some(max), ..self }
    }

    /// The same with these children.
    pub fn children(self, children: impl IntoIterator<Item = ChildSpec>) -> Self {
        Self { children: children.into_iter().collect(), ..self }
    }

    /// Checks flags and children, those of child supervisors included.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BadSpec> {
        let simple = self.strategy == Strategy::SimpleOneForOne;
        // Case 30: the period must be greater than zero; an intensity of zero is legal.
        if self.period == 0 {
            return Err(BadSpec::InvalidPeriod);
        }
        // Case 28: "simple_one_for_one needs exactly one" specification.
        if simple && self.children.len() != 1 {
            return Err(BadSpec::BadStartSpec);
        }
        // Case 81.
        if simple && self.auto_shutdown != AutoShutdown::Never {
            return Err(BadSpec::BadCombination);
        }
        let mut seen = BTreeSet::new();
        for child in &self.children {
            if !seen.insert(child.id) {
                return Err(BadSpec::Duplicate(child.id));
            }
            self.check_child(child)?;
        }
        Ok(())
    }

    /// Checks one child that is to be added.
    pub(crate) fn check_child(&self, child: &ChildSpec) -> Result<(), BadSpec> {
        // Principles, `significant`: "It is invalid to set this option to true for a child with restart type
        // permanent or in a supervisor with auto_shutdown set to never."
        let permanent = child.restart == Restart::Permanent;
        if child.significant && (permanent || self.auto_shutdown == AutoShutdown::Never) {
            return Err(BadSpec::BadCombination);
        }
        match &child.kind {
            Kind::Worker => Ok(()),
            Kind::Supervisor(below) => below.check(),
        }
    }
}

/// Why a specification is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSpec {
    /// `{duplicate_child_name,Id}`.
    Duplicate(Id),
    /// `{bad_combination,_}`: significant and permanent, or significant and never.
    BadCombination,
    /// `{invalid_period,_}`.
    InvalidPeriod,
    /// `{bad_start_spec,_}`: a template too many or too few.
    BadStartSpec,
}
