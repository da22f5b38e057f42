//! Supervision trees and typed actors on Tokio, with the semantics of Erlang/OTP.
//!
//! An [`Actor`] is state that only its `init` makes, and a handler for one message type. A [`Supervisor`] is a
//! list of children in start order with a [`Strategy`] and a restart intensity. When a child crashes, by an
//! error or by a panic, its supervisor restarts what must restart; when that does not help it ends itself, and
//! its parent decides, or runs a fallback in its place.
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, child};
//!
//! struct Counter(u64);
//!
//! enum Message {
//!     Add(u64),
//!     Total(Reply<u64>),
//! }
//!
//! impl Actor for Counter {
//!     type Message = Message;
//!     type Args = u64;
//!     type Crash = Infallible;
//!
//!     async fn init(start: &u64, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
//!         Ok(Init::Ready(Self(*start)))
//!     }
//!
//!     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
//!         match message {
//!             Message::Add(n) => self.0 += n,
//!             Message::Total(reply) => drop(reply.send(self.0)),
//!         }
//!         Ok(Flow::Continue)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut root = Supervisor::one_for_one("root").intensity(5, Duration::from_secs(10));
//! let counter = root.add(child::<Counter>("counter", 40));
//! let tree = root.start().await?;
//! counter.tell(Message::Add(2))?;
//! assert_eq!(counter.call(Message::Total, Duration::from_millis(50)).await?, 42);
//! tree.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What survives a restart
//!
//! The address, the queue behind it, and the arguments. The state and the message at hand do not.
//!
//! # What Rust cannot isolate
//!
//! A panic while another panic unwinds (in a destructor), a stack overflow, running out of memory and
//! `panic = "abort"` end the process; the last is refused when a tree starts. An actor that never yields cannot
//! be killed: its slot is taken away from it and given to the next incarnation, and what it holds leaks.
//!
//! # Where to find what
//!
//! | for | see |
//! |---|---|
//! | what a child is and how it is treated | [`child`](child()), [`ChildSpec`], [`Restart`], [`Shutdown`], [`Backoff`], [`Overflow`] |
//! | children that come and go | [`Supervisor::dynamic`], [`SupervisorRef::start_child`] |
//! | one-shot work; n of a kind by key | [`Supervisor::tasks`]; [`Supervisor::partitioned`] |
//! | when restarts are used up | [`Supervisor::degrade_to`], [`Supervisor::quarantine`], [`stand_in`](stand_in()), [`Probe`] |
//! | sending and calling | [`Address`], [`Address::priority`], [`Recipient`], [`Reply`], [`DeadLetter`] |
//! | finding actors | arguments first; [`Registry`], [`Group`] |
//! | reading without a message | [`Table`], [`Inline`] |
//! | timers, monitors, links, a stash | [`Context`] |
//! | asking and changing what runs | [`SupervisorRef`], [`Change`], [`Inspection`], [`NodeSnapshot`], [`Events`], [`Report`] |
//! | ending | [`Tree::shutdown`], [`Tree::drain`], [`SupervisorRef::drain_child`], [`AutoShutdown`] |
//! | what blocks, gets stuck, or computes for long | [`ChildSpec::on_own_thread`], [`Supervisor::heartbeat`], [`AllStuck`], [`Turn`] |
//!
//! # Map
//!
//! `core` decides and does nothing, `shell` does and decides nothing; `spec` is what users write down, checked
//! before anything starts.

#![warn(clippy::disallowed_methods)]

mod actor;
mod address;
mod admin;
mod called;
mod change;
pub mod chaos;
#[cfg(feature = "macros")]
mod client;
mod context;
mod core;
mod deadline;
mod drain;
mod error;
mod event;
mod event_text;
mod exclusive;
mod exit;
mod extras;
mod group;
#[doc(hidden)]
pub mod held;
#[cfg(feature = "mutations")]
#[doc(hidden)]
pub use crate::core::mutations;
mod ground;
mod inline;
mod inspect;
mod later;
mod link;
mod lives;
mod mailbox;
mod monitor;
mod monitored;
mod panics;
mod patience;
mod poll;
mod recipient;
mod registry;
mod reply;
mod report;
mod scope;
mod shell;
mod snapshot;
mod spec;
mod stash;
mod sync;
mod table;
mod ties;
mod timers;
mod tree;
mod trie;
mod turn;
mod watchdog;

pub use actor::{Actor, Flow, Init};
pub use address::Address;
pub use admin::{ChildCounts, ChildInfo, SpecInfo};
pub use change::{Change, ChildChange};
#[cfg(feature = "macros")]
pub use client::{Call, macro_support};
pub use context::Context;
pub use deadline::without_deadline;
pub use drain::Drained;
pub use error::{AdminError, CallError, SpecError, StartError, TellError};
pub use event::{Event, EventKind, Events, EventsError, Latency};
pub use exit::{Charge, ExitReason, Failure, Report, StartFailure};
pub use ground::Ground;
pub use group::Group;
pub use inline::{Inline, InlineError};
pub use inspect::Inspection;
pub use link::Exit;
pub use mailbox::{DeadLetter, Overflow, WhyDead};
pub use monitor::{Down, Ended, MonitorId};
pub use monitored::Monitored;
pub use recipient::Recipient;
pub use registry::{Registry, Taken};
pub use reply::Reply;
pub use snapshot::{Kind, NodeSnapshot, State};
pub use spec::{
    AutoShutdown, Backoff, CancelOnDrop, ChildSpec, Declared, Dynamic, DynamicSupervisor, IntoChild,
    PartitionedSupervisor, Partitions, Probe, Restart, Shutdown, Strategy, Supervisor, TaskHandle, TaskSupervisor,
    Tasks, child, stand_in,
};
pub use table::Table;
/// Turns an `impl` block into an actor: the message enum, `impl Actor`, and a client with a function for each
/// message. Needs the feature `macros`.
///
/// A function marked `#[call]` is answered with what it returns; one marked `#[tell]` is not. Both return a
/// `Result` whose error is the actor's [`Crash`](Actor::Crash): `?` on anything else does not compile. A business
/// outcome is a value: `Result<Result<Bid, NoBid>, Crash>`. Functions may be `async`, and may take
/// `cx: &mut Context<Self>` after `&mut self`. `init` makes the state and `stop`, if there is one, ends it;
/// functions without a mark are ordinary ones.
///
/// For `Pacer` the enum is `PacerMessage` and the client, a trait of its addresses, `PacerClient`. The attribute
/// takes their visibility and other names: `#[actor(pub, message = Order, client = Orders)]`.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use tembusu::{Supervisor, actor, child};
///
/// struct Pacer(i64);
///
/// #[actor]
/// impl Pacer {
///     fn init(budget: &i64) -> Result<Self, Infallible> {
///         Ok(Self(*budget))
///     }
///
///     #[tell]
///     fn add(&mut self, amount: i64) -> Result<(), Infallible> {
///         self.0 += amount;
///         Ok(())
///     }
///
///     #[call]
///     fn take(&mut self, amount: i64) -> Result<bool, Infallible> {
///         let granted = amount <= self.0;
///         self.0 -= if granted { amount } else { 0 };
///         Ok(granted)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut root = Supervisor::one_for_one("root");
/// let pacer = root.add(child::<Pacer>("pacer", 40));
/// let tree = root.start().await?;
/// pacer.add(2)?;
/// assert!(pacer.take(42).within(Duration::from_millis(50)).await?);
/// assert!(!pacer.take(1).within(Duration::from_millis(50)).await?);
/// # tree.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "macros")]
pub use tembusu_macros::actor;
pub use timers::{Missed, TimerId};
pub use tree::{SupervisorRef, Tree};
pub use turn::Turn;
pub use watchdog::AllStuck;
