//! What is shed when an exchange's runtime cannot keep up.
//!
//! ```text
//! lag of each beat ─▶ Control: how much ─▶ shares(): who, at the head or by the body ─▶ Plan: which, by value ─▶ port and sockets
//! ```
//!
//! [`Control`], [`shares`] and [`plan`] are decisions without clock, lock or socket. What is shed is always answered 204, and
//! always counted by its reason.

mod class;
mod control;
mod plan;
mod share;
mod shedder;
mod values;

pub use class::{CLASSES, Class};
pub use control::Control;
pub use plan::{Sight, plan};
pub use share::{LoadBoard, Shares, shares};
pub use shedder::{Overload, OverloadArgs};
