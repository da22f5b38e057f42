//! The runtimes: one for control, one for the ledger, one for each exchange.
//!
//! An endless loop in one exchange takes that exchange's threads and nobody else's. Runtimes are
//! never waited for at the end: a task that does not yield would never let go.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::config::AdserverConfig;

/// Threads of the control runtime: supervisors, regions, notices and the operators' API.
const CONTROL_THREADS: usize = 2;

/// The runtimes of one process.
#[derive(Debug)]
pub(super) struct Runtimes {
    control: Option<Runtime>,
    ledger: Option<Runtime>,
    exchanges: Vec<Runtime>,
}

impl Runtimes {
    pub(super) fn new(config: &AdserverConfig) -> io::Result<Runtimes> {
        let start = |name: &str, threads: usize| {
            Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
        };
        Ok(Runtimes {
            control: Some(start("control", CONTROL_THREADS)?),
            // One thread: the ledger is one actor, and it blocks.
            ledger: Some(start("ledger", 1)?),
            exchanges: config
                .exchanges
                .iter()
                .map(|exchange| start(&exchange.name, exchange.threads))
                .collect::<io::Result<_>>()?,
        })
    }

    pub(super) fn control(&self) -> &Runtime {
        self.control.as_ref().expect("runtimes are taken only when they are dropped")
    }

    pub(super) fn ledger(&self) -> Handle {
        self.ledger.as_ref().expect("runtimes are taken only when they are dropped").handle().clone()
    }

    /// Handles in the order of the configuration.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = Handle> {
        self.exchanges.iter().map(|runtime| runtime.handle().clone())
    }
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        let rest = [self.ledger.take(), self.control.take()].into_iter().flatten();
        for runtime in self.exchanges.drain(..).chain(rest) {
            runtime.shutdown_background();
        }
    }
}
