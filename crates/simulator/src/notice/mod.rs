//! Win, billing and loss notices, and our own record of what we were charged.
//!
//! Promises: every notice is in the [`Record`] before it is sent, with the exact amount that it bills; it is repeated
//! until it is acknowledged or refused, within limits; duplicates and lost acknowledgements are made on purpose when
//! asked for. The record never asks the ad server what it thinks.

mod desk;
mod entry;
mod policy;
mod record;
mod spool;

pub(crate) use desk::Inbox;
pub use desk::NoticeDesk;
pub use entry::{BidKey, Destination, DestinationError, Notice, NoticeKind, NoticeMethod, NoticeState, RecordedNotice};
pub use policy::NoticePolicy;
pub use record::{CampaignTotals, DETAIL_MAX, KindTotals, Record, RecordTotals};
