//! The whole ad server in one value: started, serving, drained.
//!
//! `serve`, `demo`, `incident` and tests start the same [`System`]; what differs is the configuration
//! and who sends the traffic. Nothing of it outlives the value.
//!
//! ```text
//! root (one_for_one)
//! ├── admin ── listener
//! ├── telemetry ── metrics_aggregator
//! ├── ledger ── event_log                                      runtime: ledger
//! ├── campaigns ── each · loader · index_publisher
//! ├── campaign_book ── book                                     a thread of its own
//! ├── regions ── one subtree a region
//! ├── notices ── listener
//! ├── exchanges ── one subtree an exchange                     runtime: one an exchange
//! ├── sockets ── the listener and connections of each exchange
//! ├── supply ── learner                                        a thread of its own
//! └── drop_reasons ── recorder                                 a thread of its own
//! ```

mod cap_secret;
mod error;
mod parts;
mod ports;
mod runtimes;
mod wiring;

pub use error::SystemError;
pub use ports::{ExchangeAddress, Ports};

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use campaign::{Campaign, CampaignsHandle};
use exchange::ExchangePort;
use ledger::{LedgerMessage, Totals};
use region::RegionPort;
use telemetry::{AlertBoard, Cause, Meters, ServiceLevels};
use tembusu::{Address, CallError, ExitReason, State, SupervisorRef, Tree};

use crate::book::{BookMessage, Change, Orders};
use crate::campaign_alerts;
use crate::config::AdserverConfig;
use crate::phase::{Life, Phase};
use cap_secret::CapSecretFile;
use parts::{Listeners, Parts};
use runtimes::Runtimes;

/// How long a drain may take: every child has a budget of its own, this is for the sum.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How long the ledger's sums are waited for.
const TOTALS_TIMEOUT: Duration = Duration::from_secs(5);

/// A running ad server. Dropping it ends everything at once, without a drain.
#[derive(Debug)]
pub struct System {
    tree: Tree,
    handles: Handles,
    listeners: Listeners,
    cap_secret: CapSecretFile,
    /// Last: tasks of the tree run on these.
    runtimes: Runtimes,
}

/// What is held of a running tree.
#[derive(Debug)]
struct Handles {
    root: SupervisorRef,
    ports: Ports,
    life: Life,
    meters: Arc<Meters>,
    board: Arc<AlertBoard>,
    levels: Arc<ServiceLevels>,
    ledger: Address<LedgerMessage>,
    campaigns: CampaignsHandle,
    book: Address<BookMessage>,
    regions: Vec<RegionPort>,
    exchanges: Vec<ExchangePort>,
}

/// How a drain went.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Why the tree ended; `None` if it had not within the time given.
    pub reason: Option<ExitReason>,
    /// How long it took.
    pub took: Duration,
}

impl System {
    /// Opens the sockets and the ledger, and starts the tree.
    ///
    /// # Errors
    ///
    /// What could not be opened or started; nothing runs then.
    ///
    /// # Panics
    ///
    /// Within an asynchronous task: it waits for the tree on a runtime of its own.
    pub fn start(config: &AdserverConfig, campaigns: Vec<Campaign>) -> Result<System, SystemError> {
        let runtimes = Runtimes::new(config).map_err(SystemError::Runtime)?;
        let cap_secret = CapSecretFile::open(config.ledger.cap_secret_path())?;
        let parts = Parts::open(config, &cap_secret)?;
        let listeners = parts.listeners();
        let (root, handles) = wiring::wire(config, campaigns, parts, &runtimes)?;
        let tree = runtimes.control().block_on(root.start())?;
        handles.life.advance(Phase::Serving);
        Ok(System { tree, handles, listeners, cap_secret, runtimes })
    }

    /// Runs `future` on the control runtime and waits for it.
    ///
    /// # Panics
    ///
    /// Within an asynchronous task.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtimes.control().block_on(future)
    }

    /// Returns the addresses that it listens on.
    pub fn ports(&self) -> &Ports {
        &self.handles.ports
    }

    /// Returns a handle to the root of the tree.
    pub fn tree(&self) -> &SupervisorRef {
        &self.handles.root
    }

    /// Returns where the process stands in its life.
    pub fn phase(&self) -> Phase {
        self.handles.life.phase()
    }

    /// Returns the process's meters.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.handles.meters
    }

    /// Returns the alerts.
    pub fn board(&self) -> &Arc<AlertBoard> {
        &self.handles.board
    }

    /// Returns the ledger's address.
    pub fn ledger(&self) -> &Address<LedgerMessage> {
        &self.handles.ledger
    }

    /// Returns the campaigns.
    pub fn campaigns(&self) -> &CampaignsHandle {
        &self.handles.campaigns
    }

    /// Returns the regions, in the order of the configuration.
    pub fn regions(&self) -> &[RegionPort] {
        &self.handles.regions
    }

    /// Returns the exchanges, in the order of the configuration.
    pub fn exchanges(&self) -> &[ExchangePort] {
        &self.handles.exchanges
    }

    /// Has the campaigns file read anew and followed, as `POST /campaigns/reload` does; what comes of it is logged.
    pub fn reload_campaigns(&self) {
        let (orders, by) = (Orders::default(), Change { who: "signal".to_owned(), why: String::new() });
        if let Err(error) = self.handles.book.tell(BookMessage::Reload { orders, by, reply: None }) {
            tracing::error!(%error, "campaigns are not reloaded");
        }
    }

    /// Finds the supervisor of one exchange.
    pub fn exchange_tree(&self, name: &str) -> Option<SupervisorRef> {
        self.tree().find(&format!("{}/exchanges/{name}", self.tree().path()))
    }

    /// Asks the ledger for its sums.
    ///
    /// # Errors
    ///
    /// The ledger does not answer: it is down or restarting.
    pub async fn totals(&self) -> Result<Totals, CallError<LedgerMessage>> {
        self.ledger().call(|reply| LedgerMessage::Totals { reply }, TOTALS_TIMEOUT).await
    }

    /// Waits until the tree ends by itself; an exhausted root raises its alert.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait changes nothing.
    pub async fn ended(&self) -> ExitReason {
        let reason = self.tree.wait().await;
        if let ExitReason::Exhausted(report) = &reason {
            self.board().raise(Cause::RootExhausted, self.tree().path(), report.to_string(), SystemTime::now());
        }
        reason
    }

    /// Does what is due from time to time, outside of the tree: brings the alerts in line with it and with the
    /// service levels while telemetry does not, and stores the secret of cap keys when its day has changed.
    pub fn upkeep(&self) {
        if !self.telemetry_follows() {
            self.board().reconcile(&self.tree().snapshot());
            self.handles.levels.watch(self.board());
        }
        campaign_alerts::follow(self.board(), self.campaigns());
        self.store_cap_secret();
    }

    /// Whether telemetry is there to follow the tree's events. A look at the whole tree, with a subtree for each campaign,
    /// would cost more than a thousand bids.
    fn telemetry_follows(&self) -> bool {
        let telemetry = self.tree().find(&format!("{}/telemetry", self.tree().path()));
        telemetry.is_some_and(|telemetry| telemetry.snapshot().walk().all(|node| node.state == State::Running))
    }

    fn store_cap_secret(&self) {
        if let Err(error) = self.cap_secret.keep_up() {
            tracing::warn!(%error, "the secret of cap keys was not stored; today's counts may begin anew");
        }
    }

    /// Drains, then stops in reverse start order.
    ///
    /// First the exchanges' connections are asked to finish and every request in hand is answered; notices are
    /// still taken meanwhile, and `/readyz` says 503. Then the tree is stopped: notices in hand are made durable,
    /// then the ledger closes. Takes a bounded time, whatever the state of the tree.
    ///
    /// # Panics
    ///
    /// Within an asynchronous task.
    pub fn drain(self) -> Drained {
        let started = Instant::now();
        self.handles.life.advance(Phase::Draining);
        let stop = async {
            // First nobody is taken any more: a connect is to be refused, not to wait for an answer that never comes.
            self.listeners.close_exchanges();
            // A tree that has ended by itself has no sockets any more.
            let _ = self.handles.root.terminate_child(wiring::SOCKETS).await;
            self.tree.shutdown().await
        };
        let ended = self.block_on(async { tokio::time::timeout(DRAIN_MAX, stop).await });
        self.store_cap_secret();
        Drained { reason: ended.ok(), took: started.elapsed() }
    }
}
