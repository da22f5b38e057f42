//! The listener that notices and the operators' API share: accept, bounds, drain.
//!
//! Exchanges have listeners of their own (`exchange::sockets`), outside every crash domain. These
//! here are children like any other: a crash closes their connections, never their socket, so that
//! whoever connects meanwhile waits in the accept queue.

mod listener;
mod patient_stream;

pub(crate) use listener::{HttpListener, ListenerArgs, Peer};
