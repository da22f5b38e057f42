//! The subtree of one exchange: three actors, their fallback, and the port that its sockets hold.
//!
//! It is wiring only. Order of start, which is order of dependency: pool, engine, serializer; a crash restarts what comes after
//! it and nothing before.

use std::sync::Arc;
use std::time::Duration;

use crate::ExchangePort;
use crate::engine::{BidEngine, EngineArgs, EngineSettings, NoBidEngine};
use crate::lane::Lane;
use crate::payload::PayloadKeeper;
use crate::pool::{AdmissionArgs, ConnectionPool, PoolArgs};
use crate::serializer::{ResponseSerializer, Serializer, SerializerArgs};
use crate::trial::Restore;
use tembusu::{Inline, Restart, Supervisor, Table, child, stand_in};

/// Messages that may wait for an engine: it gets one at most at each restart. Requests are no messages.
pub const ENGINE_MAILBOX: usize = 16;

/// How long an actor of the subtree may take to stop: none waits for anything.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// How many restarts the subtree is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts within the period; one more crash exhausts it.
    pub restarts: u32,
    /// The period.
    pub period: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { restarts: 5, period: Duration::from_secs(10) }
    }
}

/// What an exchange's subtree is made from.
#[derive(Clone, Debug)]
pub struct ExchangeArgs {
    /// What the engine looks at; also gives the exchange its name and dialect.
    pub settings: Arc<EngineSettings>,
    /// Scheme and authority of the notice URLs, without a final slash.
    pub notice_base: Arc<str>,
    /// What it lets in.
    pub admission: AdmissionArgs,
    /// Restarts granted before it is degraded.
    pub intensity: Intensity,
    /// How it comes back from there.
    pub restore: Restore,
    /// The exchange's own runtime, on which engine and serializer run. The pool does not: it decides about nothing that comes
    /// from outside, and outlives the loss of that runtime.
    pub lane: Lane,
}

/// The subtree's supervisor, and the port for its sockets.
///
/// After more restarts than `intensity` grants it runs degraded: every request gets a proper no-bid until it is restored, or
/// all but a share of them while it is on trial.
pub fn exchange_supervisor(args: ExchangeArgs) -> (Supervisor, ExchangePort) {
    let ExchangeArgs { settings, notice_base, admission, intensity, restore, lane } = args;
    let name = Arc::clone(&settings.exchange);
    let regions = settings.region_cells();
    let table = Table::new(format!("{name}.admission"));
    let payloads = PayloadKeeper::new();
    let engine_view = Inline::new(format!("{name}.engine"));
    let serializer_view = Inline::new(format!("{name}.serializer"));
    let engine_args =
        EngineArgs { settings: Arc::clone(&settings), view: engine_view.clone(), payloads: payloads.clone() };
    let serializer = Serializer { dialect: Arc::clone(&settings.dialect), notice_base };
    let serializer_args = SerializerArgs { serializer, view: serializer_view.clone() };
    let pool_args = PoolArgs { table: table.clone(), admission };

    let mut exchange =
        Supervisor::rest_for_one(&*name).intensity(intensity.restarts, intensity.period).restart(Restart::Transient);
    let pool = exchange.add(child::<ConnectionPool>("connection_pool", pool_args).shutdown(SHUTDOWN));
    let engine = exchange.add(
        child::<BidEngine>("bid_engine", engine_args.clone())
            .mailbox(ENGINE_MAILBOX)
            .shutdown(SHUTDOWN)
            .on_ground(lane.ground()),
    );
    exchange.add(
        child::<ResponseSerializer>("response_serializer", serializer_args).shutdown(SHUTDOWN).on_ground(lane.ground()),
    );
    let mut no_bid = Supervisor::one_for_one("no_bid");
    no_bid.add(stand_in::<NoBidEngine>(&engine, engine_args).shutdown(SHUTDOWN).on_ground(lane.ground()));
    let (exchange, gate) = restore.apply(exchange.degrade_to(no_bid));
    let port = ExchangePort {
        settings,
        pool,
        admission: table,
        engine: engine_view,
        serializer: serializer_view,
        regions,
        payloads,
        gate,
    };
    (exchange, port)
}
