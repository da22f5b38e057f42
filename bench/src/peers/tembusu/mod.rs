//! Tembusu.

mod inline;
mod messages;
mod restart;
mod siblings;

use crate::cases::Work;
use crate::figures::Figures;

pub(crate) async fn sample(work: Work) -> anyhow::Result<Figures> {
    match work {
        Work::Restart(plan) => restart::run(plan).await,
        Work::Siblings { crashes } => siblings::run(crashes).await,
        Work::Call { calls } => messages::call(calls).await,
        Work::Tell { senders, messages } => messages::tell(senders, messages).await,
        Work::Spawn { children } => messages::spawn(children).await,
        Work::Inline { calls } => inline::run(calls).await,
    }
}
