//! A scenario: a tree, and what is done to it. Plain data with a text of one line (see [`std::fmt::Display`] and
//! [`std::str::FromStr`]).
//!
//! Names are unique in the tree. The text of a tree: `s0:o3p{w0:p w1:t*D+fo d1:d2p{w9:t}}` is a permanent
//! one_for_one supervisor `s0` of intensity 3 with a permanent worker, a transient, significant, deaf worker whose
//! first start fails, and a dynamic supervisor with its template. A script is a list of steps, parted by `;`: `! s0 w0 e`
//! is a crash, `!! s0 w0 e w1 k` two at once, `!* s1 s0 = s1 w0 e s0 w1 k` two at once under two supervisors, which see
//! them one after the other, `!? s0 w0 e = - s0 w1` a crash and a request while the restart is in flight, `+ - ^ x ? #` are
//! the requests, and `~ s0 s0:a1p{w1:t w0:p}` changes the code of a supervisor.

/// A tree and a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it was generated from; 0 for one that was written by hand.
    pub seed: u64,
    /// The root.
    pub root: Sup,
    /// What is done to it, one after the other, each when the one before has had its effect.
    pub steps: Vec<Step>,
}

/// A supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sup {
    /// Unique in the tree.
    pub name: String,
    /// Which siblings a failure concerns.
    pub strategy: Strategy,
    /// How many failures are granted within the period.
    pub limit: u32,
    /// The period in seconds, when it matters; otherwise everything is inside.
    pub period_s: Option<u32>,
    /// When its parent restarts it.
    pub restart: Restart,
    /// Whether its own end ends its parent.
    pub significant: bool,
    /// Whether the end of significant children ends it.
    pub auto: Auto,
    /// In start order. A dynamic supervisor has none; its first entry is the template.
    pub children: Vec<Node>,
}

/// A child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A worker.
    Worker(Worker),
    /// A supervisor.
    Sup(Sup),
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Unique in the tree, over its life.
    pub name: String,
    /// When it is restarted.
    pub restart: Restart,
    /// Whether its end ends its supervisor.
    pub significant: bool,
    /// How it takes being stopped.
    pub stop: Stop,
    /// What the first, second, … start does; later ones succeed.
    pub plan: Vec<Fate>,
}

/// OTP's strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `one_for_one`
    OneForOne,
    /// `one_for_all`
    OneForAll,
    /// `rest_for_one`
    RestForOne,
    /// `simple_one_for_one`
    Dynamic,
}

/// OTP's restart types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// After an abnormal end.
    Transient,
    /// Never.
    Temporary,
}

/// OTP's `auto_shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auto {
    /// `never`
    Never,
    /// `any_significant`
    Any,
    /// `all_significant`
    All,
}

/// How a worker takes being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It ends at once.
    Prompt,
    /// Its specification says `brutal_kill`.
    Kill,
    /// It does not react, and is killed when its budget is used up.
    Deaf,
    /// It crashes instead.
    Bang,
}

/// What a start does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It succeeds.
    Ok,
    /// It fails.
    Fail,
    /// It says that there is nothing to run.
    Ignore,
    /// It succeeds after a while.
    Slow,
}

/// How a worker ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `Err`, `exit(boom)`
    Error,
    /// A panic, `error(boom)`
    Panic,
    /// `exit(Pid, kill)`
    Kill,
    /// A normal end.
    Normal,
    /// An end as if it had been asked for, `exit({shutdown, told})`
    Shutdown,
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A worker ends by itself, if it runs.
    Crash {
        /// Its supervisor.
        sup: String,
        /// The worker.
        name: String,
        /// How.
        how: How,
    },
    /// Workers of one supervisor end while it is suspended; it sees all deaths at once, in this order.
    Burst {
        /// The supervisor.
        sup: String,
        /// Who, and how.
        hits: Vec<(String, How)>,
    },
    /// Workers of several supervisors end while those are suspended; then each in turn sees all that has come to it.
    Bursts {
        /// The supervisors, in the order in which they go on; whoever is above another comes later.
        sups: Vec<String>,
        /// Under whom, who, and how.
        hits: Vec<(String, String, How)>,
    },
    /// A worker ends by itself, and something is asked of its supervisor while its next start is in flight.
    Meanwhile {
        /// Its supervisor.
        sup: String,
        /// The worker.
        name: String,
        /// How.
        how: How,
        /// What is asked.
        ask: Box<Step>,
    },
    /// The code of a running supervisor is changed: what its `init/1` returns is another specification.
    Change {
        /// The supervisor.
        sup: String,
        /// What it is then. Its children are all those that were specified before, and maybe new ones.
        to: Sup,
    },
    /// `start_child/2`
    Start {
        /// The supervisor.
        sup: String,
        /// The new child; under a dynamic supervisor it is a worker that the template makes.
        child: Node,
    },
    /// `terminate_child/2`
    Terminate {
        /// The supervisor.
        sup: String,
        /// The child.
        name: String,
    },
    /// `restart_child/2`
    Restart {
        /// The supervisor.
        sup: String,
        /// The child.
        name: String,
    },
    /// `delete_child/2`
    Delete {
        /// The supervisor.
        sup: String,
        /// The child.
        name: String,
    },
    /// `which_children/1`
    Which {
        /// The supervisor.
        sup: String,
    },
    /// `count_children/1`
    Count {
        /// The supervisor.
        sup: String,
    },
    /// Real time passes, in milliseconds.
    Wait {
        /// How much.
        ms: u64,
    },
}

impl Scenario {
    /// Whether real time matters in it.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.root.all().iter().any(|sup| sup.period_s.is_some())
    }
}

impl Sup {
    /// This supervisor and all below, parents first.
    #[must_use]
    pub fn all(&self) -> Vec<&Sup> {
        let mut all = vec![self];
        for child in &self.children {
            if let Node::Sup(sup) = child {
                all.extend(sup.all());
            }
        }
        all
    }

    /// The supervisor of that name, here or below.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Sup> {
        self.all().into_iter().find(|sup| sup.name == name)
    }

    /// Whether the child belongs to this one's subtree as specified.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.children.iter().any(|child| match child {
            Node::Worker(worker) => worker.name == name,
            Node::Sup(sup) => sup.name == name || sup.contains(name),
        })
    }
}

impl Node {
    /// The child's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Worker(worker) => &worker.name,
            Self::Sup(sup) => &sup.name,
        }
    }
}
