//! Win, billing and loss notices: from an exchange's call to a durable record.
//!
//! A notice is on disk before its 200. One that cannot be made durable gets 503, so that the
//! exchange repeats it; one that was recorded before gets 200 and counts once. A forged one gets
//! 403 and leaves no trace but a count. Nothing here decides what a notice costs: the ledger does.

mod announce;
mod forged;
mod route;
mod service;

pub(crate) use announce::announce;
pub(crate) use forged::ForgeryLimit;
pub(crate) use service::{NoticeDesk, NoticeService};
