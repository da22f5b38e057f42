//! The book of campaigns: what is defined, in which version, who says so, and whether it may bid.
//!
//! # Contract
//!
//! - **Durable before the answer.** A change, a pause or a kill is confirmed when the ledger has it on disk; then it survives
//!   a crash of any subtree and of the process. A pause and a kill act at once, before that, and hold in this process also
//!   where the ledger never confirms them.
//! - **One after the other.** Every change goes through one actor, so that the last one on disk is the last one in memory.
//! - **As a whole.** A set of changes with one flaw changes nothing. One that is large is recorded in portions (`record`): when
//!   the disk fails midway, what is recorded counts.
//!
//! # File and API
//!
//! What the API has changed is the API's: the file is not asked for that campaign any more, at a start or at a reload, until
//! an operator takes the file's word again (`POST /campaigns/reload?take=7`). All others follow the file: its changes count
//! when it is reloaded and at the next start. `GET /campaigns` says for each who keeps it (`source`), and whether the file
//! says the same, something else, or nothing (`file`). A reload that would take out more than half of what the file keeps is
//! refused: so looks a file that is cut off. At a start the file counts as it is.
//!
//! # Never
//!
//! On the bid path. In the way of a notice: what an old version has bid is billed whatever becomes of the campaign.

mod actor;
mod agree;
mod change;
mod entry;
mod error;
mod file;
mod outs;
#[cfg(test)]
mod portions;
mod record;
mod reload;
mod start;

pub(crate) use actor::{BookArgs, BookMessage, CampaignBook, Words};
pub(crate) use change::{Change, Done, Expected};
pub(crate) use error::BookError;
pub(crate) use file::{FileWords, read_campaigns_text};
pub(crate) use outs::{Outs, Said};
pub(crate) use record::PORTION;
pub(crate) use reload::{Orders, Reloaded, Take, Took};
pub(crate) use start::start_with;
