//! Bare Tokio: the floor. It has none of a supervisor's duties but the least that each case needs.

mod groups;
mod messages;
mod restart;

use crate::cases::{Shape, Work};
use crate::figures::Figures;
use crate::peers::no_part;

pub(crate) async fn sample(work: Work, spawns: bool) -> anyhow::Result<Figures> {
    match work {
        Work::Restart(plan) if plan.shape == Shape::Alone => restart::run(plan, spawns).await,
        Work::Restart(plan) => groups::run(plan).await,
        Work::Call { calls } => messages::call(calls).await,
        Work::Tell { senders, messages } => messages::tell(senders, messages).await,
        Work::Spawn { children } => messages::spawn(children).await,
        Work::Siblings { .. } | Work::Inline { .. } => Err(no_part()),
    }
}
