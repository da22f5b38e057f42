//! The ad server: configuration, the tree's wiring, the operators' API and the command line.
//!
//! - [`config`] reads and checks what operators write.
//! - [`system`] wires the whole tree and starts, serves and drains it: the same for `serve`, `demo`,
//!   `incident` and tests.
//! - Notices and the operators' API are children of that tree; exchanges bring their own sockets.
//!
//! It is wiring: nothing here decides about a bid, about money, or about a restart.

#![warn(clippy::disallowed_methods)]

pub mod cli;
pub mod config;
pub mod demo;
pub mod incident;
pub mod journal;
pub mod logging;
pub mod serve;
pub mod system;

mod admin;
mod book;
mod campaign_alerts;
mod http;
mod notices;
mod phase;
mod secret_file;
mod service;
mod supply;

pub use phase::{Life, Phase};
