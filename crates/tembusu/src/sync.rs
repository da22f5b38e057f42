//! The locks and atomics of the parts whose schedules are explored: the mailbox, the scope, and replies.
//!
//! They are the standard library's. The test `tests/schedules.rs` compiles the same sources with a scheduler's own
//! in their place; nothing here has a behaviour of its own.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread_local;

// To wake a task, or to put that off to the end of the poll of a child that the thread is in.
pub(crate) use crate::poll::{deferring_for_room, press, wake};
