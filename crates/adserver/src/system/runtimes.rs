//! The runtimes: one for control, one for the ledger, one for each exchange.
//!
//! An endless loop in one exchange takes that exchange's threads and nobody else's; its lane then goes on
//! on a fresh runtime. Runtimes are never waited for at the end: a task that does not yield would never let go.

use std::io;

use exchange::lane::Lane;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::config::AdserverConfig;

/// Threads of the control runtime: supervisors, regions, notices and the operators' API.
const CONTROL_THREADS: usize = 2;

/// The runtimes of one process.
#[derive(Debug)]
pub(super) struct Runtimes {
    control: Option<Runtime>,
    ledger: Option<Runtime>,
    exchanges: Vec<Lane>,
}

impl Runtimes {
    pub(super) fn new(config: &AdserverConfig) -> io::Result<Runtimes> {
        Ok(Runtimes {
            control: Some(builder("control", CONTROL_THREADS).build()?),
            // One thread: the ledger is one actor, and it blocks.
            ledger: Some(builder("ledger", 1).build()?),
            exchanges: config
                .exchanges
                .iter()
                .map(|exchange| {
                    let (name, threads) = (exchange.name.clone(), exchange.threads);
                    Lane::start(move |of_lane| {
                        let mut builder = builder(&name, threads);
                        // First come, first served: what overflows a thread's queue is the oldest of it, and would otherwise
                        // stand still while new requests are answered.
                        builder.global_queue_interval(1);
                        of_lane.follow(&mut builder);
                        builder.build()
                    })
                })
                .collect::<io::Result<_>>()?,
        })
    }

    pub(super) fn control(&self) -> &Runtime {
        self.control.as_ref().expect("runtimes are taken only when they are dropped")
    }

    pub(super) fn ledger(&self) -> Handle {
        self.ledger.as_ref().expect("runtimes are taken only when they are dropped").handle().clone()
    }

    /// In the order of the configuration.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &Lane> {
        self.exchanges.iter()
    }
}

fn builder(name: &str, threads: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name(name).enable_all();
    builder
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        // Whoever still has a handle to the tree has its children's arguments, and the lanes among them.
        self.exchanges.drain(..).for_each(|lane| lane.end());
        for runtime in [self.ledger.take(), self.control.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}
