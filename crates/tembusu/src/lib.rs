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
//! # Map
//!
//! `core` decides and does nothing, `shell` does and decides nothing; `spec` is what users write down, checked
//! before anything starts.

#![warn(clippy::disallowed_methods)]

mod actor;
mod address;
pub mod chaos;
mod context;
mod core;
mod error;
mod event;
mod exit;
mod mailbox;
mod panics;
mod reply;
mod scope;
mod shell;
mod snapshot;
mod spec;
mod table;
mod tree;

pub use actor::{Actor, Flow, Init};
pub use address::Address;
pub use context::Context;
pub use error::{AdminError, CallError, SpecError, StartError, TellError};
pub use event::{Event, EventKind, Events, EventsError, Latency};
pub use exit::{Charge, ExitReason, Report};
pub use reply::Reply;
pub use snapshot::{Kind, NodeSnapshot, State};
pub use spec::{
    ChildSpec, Declared, Dynamic, DynamicSupervisor, IntoChild, Restart, Shutdown, Strategy, Supervisor, child,
    stand_in,
};
pub use table::Table;
pub use tree::{SupervisorRef, Tree};
