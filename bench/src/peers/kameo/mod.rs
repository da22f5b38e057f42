//! kameo.

mod messages;
mod restart;

use crate::cases::Work;
use crate::figures::Figures;
use crate::peers::no_part;

pub(super) async fn sample(work: Work) -> anyhow::Result<Figures> {
    match work {
        Work::Restart(plan) => restart::run(plan).await,
        Work::Call { calls } => messages::call(calls).await,
        Work::Tell { senders, messages } => messages::tell(senders, messages).await,
        Work::Spawn { children } => messages::spawn(children).await,
        Work::Siblings { .. } | Work::Inline { .. } => Err(no_part()),
    }
}
