//! The judge: what was promised, computed from the record alone.
//!
//! Promises to share no code with the ledger and the regions: budgets, windows, plans and caps are understood anew here.
//! Never looks into the bidder.

mod books;
mod caps;
mod delivery;
mod deviation;
mod overspend;
mod plan;
mod supply;
mod verdict;

pub use caps::beyond_cap;
pub use delivery::{bids_left, delivery_percent, supply_allowed};
pub use deviation::{Deviation, deviation, is_ample};
pub use overspend::{Billed, billed, is_in_window, overspend_percent};
pub use plan::Schedule;
pub use supply::{SLOT_MS, SupplyBook};
pub use verdict::{CampaignFigures, Limits, Verdict, judge};
