//! Learning how supply is spread over the week, and keeping what was learnt.
//!
//! Requests are counted by the exchanges' meters anyway: one actor looks at them every few seconds, hands the differences to
//! the regions' [`SupplyBook`](region::supply::SupplyBook), and writes the book down once an hour and when the process drains.
//! Never on the bid path, and nothing of it is money: while it is down plans go on as they are.

mod file;
mod history;
mod learner;

use campaign::{CampaignView, Pacing};
use region::supply::SupplyBook;
use region::{Course, Plan};

pub(crate) use file::SupplyFile;
pub(crate) use history::{History, Point};
pub(crate) use learner::{LearnerArgs, SupplyLearner, Territories};

/// The plan of a campaign under way; `None` of one that does not bid.
pub(crate) fn course_of(book: &SupplyBook, view: &CampaignView) -> Option<Course> {
    let compiled = view.bidding.as_ref()?;
    let learnt = (compiled.pacing() == Pacing::Supply).then(|| book.course(compiled.id())).flatten();
    Some(learnt.unwrap_or_else(|| Course::of(Plan::of(compiled))))
}
