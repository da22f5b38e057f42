//! The peers. Each runs one case in this process and gives its figures; how the rounds are made is no business of theirs.

mod catch;
mod kameo;
mod ractor;
mod tembusu;
mod tokio;

use ::tokio::runtime::Builder;

use crate::cases::{Peer, Work};
use crate::erlang;
use crate::figures::Figures;

/// Runs one sample.
pub(crate) fn sample(peer: Peer, work: Work, threads: usize) -> anyhow::Result<Figures> {
    // The peers' panics are silenced; Tembusu's hook delegates what is not its own to this one.
    std::panic::set_hook(Box::new(|_| {}));
    if peer == Peer::Otp {
        return erlang::sample(work, threads);
    }
    let runtime = if threads == 1 {
        Builder::new_current_thread().enable_all().build()?
    } else {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build()?
    };
    let figures = runtime.block_on(async {
        match peer {
            Peer::Tembusu => tembusu::sample(work).await,
            Peer::Ractor => ractor::sample(work).await,
            Peer::Kameo => kameo::sample(work).await,
            Peer::TokioSpawn => tokio::sample(work, true).await,
            Peer::TokioInPlace => tokio::sample(work, false).await,
            Peer::Otp => unreachable!("handled above"),
        }
    });
    // What still runs is of no interest.
    runtime.shutdown_background();
    figures
}

/// For a case that a peer has no part in.
pub(crate) fn no_part() -> anyhow::Error {
    anyhow::anyhow!("this peer takes no part in this case")
}
