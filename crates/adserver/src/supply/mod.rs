//! Learning how supply is spread over the week, and keeping what was learnt.
//!
//! Requests are counted by the exchanges' meters anyway: one actor looks at them every few seconds, hands the differences to
//! the regions' [`SupplyBook`](region::supply::SupplyBook), and writes the book down once an hour and when the process drains.
//! Never on the bid path, and nothing of it is money: while it is down plans go on as they are.

mod file;
mod learner;

pub(crate) use file::SupplyFile;
pub(crate) use learner::{LearnerArgs, SupplyLearner, Territories};
