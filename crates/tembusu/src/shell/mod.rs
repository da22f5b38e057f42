//! The shell: carries the effects of the core out on Tokio, and brings it its events. It holds no decision.
//!
//! A supervisor has no task. Whoever brings an event runs the core, unless another thread is at it already and
//! takes the event along; so a crash is decided and its restart begun on the thread of the dying child, and
//! nothing of a user is ever waited for. Effects are carried out in order, without a lock that another needs.

pub(crate) mod incarnation;
pub(crate) mod member;
pub(crate) mod node;
mod own_thread;
mod parking;
pub(crate) mod slot;
mod snapshots;
pub(crate) mod stuck;
pub(crate) mod task;
#[cfg(test)]
mod tests;
pub(crate) mod timer;
pub(crate) mod tree;
