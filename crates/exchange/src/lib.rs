//! One exchange: its sockets, the actors of its subtree, and its dialect.
//!
//! ```text
//! exchange ─HTTP─▶ sockets: frames, deadline ─▶ port ─▶ bid_engine: parse, decide, hold, seal ─▶ response_serializer ─▶ port: commit ─▶ sockets
//! ```
//!
//! The whole way is run to completion on the connection's thread: engine and serializer publish views, which the port enters by
//! inline calls.
//!
//! - [`sockets`] knows HTTP and time and nothing of bids; it outlives everything behind it.
//! - [`decision`] is the bid itself, as plain functions over snapshots.
//! - [`engine`], [`serializer`] and [`pool`] are state with a life cycle: [`exchange_supervisor`] wires them.
//! - [`drops`] counts, for sampled requests, why campaigns drop out.
//! - [`payload`] keeps what crashed an engine, without ids and addresses.
//!
//! It never uses a float for money, never waits for a disk or another machine, and never turns a business outcome into a crash.

#![warn(clippy::disallowed_methods)]

mod ability;
pub mod chaos;
pub mod decision;
mod dialect;
pub mod drops;
pub mod engine;
mod explain;
pub mod lane;
mod listener;
mod notice_url;
pub mod payload;
pub mod pool;
mod port;
mod reason;
pub mod serializer;
pub mod sockets;
mod subtree;
mod trial;

pub use ability::is_unable;
pub use dialect::Dialect;
pub use explain::Explanation;

pub use listener::{LaneLost, Sockets, SocketsArgs, SocketsCrash, SocketsMessage, sockets_supervisor};
pub use notice_url::{
    BILLING_PATH, CURRENCY_PARAM, LOSS_PARAM, LOSS_PATH, MIN_TO_WIN_PARAM, NoticeUrls, PRICE_PARAM, WIN_PATH,
};
pub use port::ExchangePort;
pub use reason::{NoBid, NoBidReason, unserved};
pub use subtree::{ENGINE_MAILBOX, ExchangeArgs, Intensity, exchange_supervisor};
pub use trial::{Restore, Trials};
