//! The reference model of supervision: what Erlang/OTP's documentation says, as a program.
//!
//! It promises to be plainly right rather than fast or complete in time: a tree is a value, a failure is a function
//! that walks it, and what it returns is a list of [`Step`]s in the order in which a bystander sees them. It never
//! waits, never runs two things at once, keeps no state machine and shares no code with `tembusu`, which is compared
//! with it.
//!
//! Rules are cited where they stand. *Manual* is OTP's `supervisor(3)`, *Principles* the chapter "Supervisor
//! Behaviour" of OTP Design Principles, and *case n* a test of OTP's `supervisor_SUITE`, numbered in the order of
//! its groups.
//!
//! # Examples
//!
//! Three workers in a `rest_for_one`; the second crashes:
//!
//! ```
//! use tembusu_model::{ChildSpec, Reason, Restart, Step, Strategy, SupervisorSpec, Tree, World};
//!
//! let workers = [1, 2, 3].map(|id| ChildSpec::worker(id, Restart::Permanent));
//! let spec = SupervisorSpec::new(Strategy::RestForOne, 1).children(workers);
//! let mut tree = Tree::start(ChildSpec::supervisor(0, Restart::Permanent, spec), World::default());
//! tree.steps();
//! tree.crash(2, Reason::Error);
//! assert_eq!(
//!     tree.steps(),
//!     [
//!         Step::Ended(2, Reason::Error),
//!         Step::Charged(0),
//!         Step::Ended(3, Reason::Shutdown),
//!         Step::Started(2),
//!         Step::Started(3),
//!     ],
//! );
//! ```

mod admin;
mod change;
mod exits;
mod intensity;
mod process;
mod spec;
mod start;
mod stop;
mod tree;
mod world;

pub use admin::{Counts, Life, Refused, Up};
pub use spec::{AutoShutdown, BadSpec, ChildSpec, Id, Kind, Millis, Restart, Shutdown, Strategy, SupervisorSpec};
pub use tree::Tree;
pub use world::{Reason, Start, Step, World};
