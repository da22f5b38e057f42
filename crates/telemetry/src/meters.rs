//! The meters of one process: made once at wiring, shared by `Arc`, resolved before traffic.
//!
//! Holders keep the handle of their exchange, never the whole; counting is one relaxed atomic
//! operation. Meters outlive every crash of those who count and of the aggregator who reads.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::counter::{Counter, Gauge, Labelled};
use crate::histogram::Histogram;
use crate::ledger_state::{LedgerState, LedgerStates};
use crate::runtime::RuntimeMeters;

/// A region at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionState {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it bids.
    pub open: bool,
    /// (Campaign or creative, user) pairs that are counted for frequency caps.
    pub cap_keys: u64,
    /// Places in caps that bids hold whose outcome is open.
    pub cap_provisional: u64,
    /// How many pairs there may be.
    pub cap_keys_max: u64,
    /// Bids that were refused since their user had no count yet and there was no room for one, since the region last started.
    pub cap_refused: u64,
    /// How often it has counted its users anew.
    pub recoveries: u64,
    /// How long that took the last time, in microseconds.
    pub recovery_micros: u64,
}

struct RegionStates(Box<dyn Fn() -> Vec<RegionState> + Send + Sync>);

impl fmt::Debug for RegionStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegionStates")
    }
}

/// All meters of the process.
#[derive(Debug)]
pub struct Meters {
    exchanges: Vec<Arc<ExchangeMeters>>,
    notices: Arc<NoticeMeters>,
    region_states: OnceLock<RegionStates>,
    ledger_state: OnceLock<LedgerStates>,
}

impl Meters {
    /// Makes meters for the configured exchanges, each with a cell for every region.
    pub fn new<E: AsRef<str>, R: AsRef<str>>(exchanges: &[E], regions: &[R]) -> Arc<Meters> {
        let exchanges = exchanges.iter().map(|name| ExchangeMeters::new(name.as_ref(), regions)).collect();
        Arc::new(Meters {
            exchanges,
            notices: Arc::default(),
            region_states: OnceLock::new(),
            ledger_state: OnceLock::new(),
        })
    }

    /// Returns the meters of one exchange.
    pub fn exchange(&self, name: &str) -> Option<&Arc<ExchangeMeters>> {
        self.exchanges.iter().find(|meters| meters.name() == name)
    }

    /// Goes over the exchanges in the order of the configuration.
    pub fn exchanges(&self) -> impl Iterator<Item = &Arc<ExchangeMeters>> {
        self.exchanges.iter()
    }

    /// Says who tells the state of the regions whenever it is to be shown. The first one counts.
    pub fn set_region_states(&self, tell: impl Fn() -> Vec<RegionState> + Send + Sync + 'static) {
        let _ = self.region_states.set(RegionStates(Box::new(tell)));
    }

    /// The state of the regions, as far as somebody tells it.
    pub fn region_states(&self) -> Vec<RegionState> {
        self.region_states.get().map_or_else(Vec::new, |tell| (tell.0)())
    }

    /// Says who tells the state of the ledger whenever it is to be shown. The first one counts.
    pub fn set_ledger_state(&self, tell: impl Fn() -> LedgerState + Send + Sync + 'static) {
        let _ = self.ledger_state.set(LedgerStates(Box::new(tell)));
    }

    /// The state of the ledger, if somebody tells it.
    pub fn ledger_state(&self) -> Option<LedgerState> {
        self.ledger_state.get().map(|tell| (tell.0)())
    }

    /// Returns the meters of the notices listener.
    pub fn notices(&self) -> &Arc<NoticeMeters> {
        &self.notices
    }
}

/// What is counted about one exchange.
#[derive(Debug)]
pub struct ExchangeMeters {
    name: String,
    /// Requests answered, with whatever status.
    pub requests: Counter,
    /// Bids sent: one for each imp that was bid on.
    pub bids: Counter,
    /// Requests answered without a bid, by reason.
    pub no_bids: Labelled,
    /// Requests answered 4xx, by why: a kind of malformation, or what HTTP forbids.
    pub malformed: Labelled,
    /// What was told of earlier bids within requests, by what became of it.
    pub feedback: Labelled,
    /// Answers by HTTP status.
    pub statuses: Statuses,
    /// Requests answered 204 at once because they could not be served within their deadline.
    pub shed: Counter,
    /// Answers that were ready only after their deadline; they went out as 204.
    pub late: Counter,
    /// Requests whose head was read and that got no answer: their connection ended first.
    pub unanswered: Counter,
    /// The exchange's connections.
    pub connections: ConnectionMeters,
    /// From the first byte of the head to the answer's hand-over to the connection, which writes it.
    pub latency: Histogram,
    /// The exchange's runtime.
    pub runtime: RuntimeMeters,
    regions: Vec<Arc<RegionMeters>>,
}

impl ExchangeMeters {
    /// Makes the meters of one exchange with a cell for every region.
    pub fn new<R: AsRef<str>>(name: &str, regions: &[R]) -> Arc<ExchangeMeters> {
        let cell = |region: &R| Arc::new(RegionMeters::new(region.as_ref()));
        Arc::new(ExchangeMeters {
            name: name.to_owned(),
            requests: Counter::new(),
            bids: Counter::new(),
            no_bids: Labelled::new(),
            malformed: Labelled::new(),
            feedback: Labelled::new(),
            statuses: Statuses::default(),
            shed: Counter::new(),
            late: Counter::new(),
            unanswered: Counter::new(),
            connections: ConnectionMeters::default(),
            latency: Histogram::new(),
            runtime: RuntimeMeters::default(),
            regions: regions.iter().map(cell).collect(),
        })
    }

    /// Returns the exchange's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns this exchange's cell for one region.
    pub fn region(&self, name: &str) -> Option<&Arc<RegionMeters>> {
        self.regions.iter().find(|meters| meters.name() == name)
    }

    /// Goes over this exchange's regions in the order of the configuration.
    pub fn regions(&self) -> impl Iterator<Item = &Arc<RegionMeters>> {
        self.regions.iter()
    }
}

/// What is counted about one exchange's requests in one region, once the region is known.
#[derive(Debug)]
pub struct RegionMeters {
    name: String,
    /// Requests that belong to the region.
    pub requests: Counter,
    /// Bids sent.
    pub bids: Counter,
    /// Requests answered without a bid, by reason.
    pub no_bids: Labelled,
    /// From the first byte of the head to the decision.
    pub latency: Histogram,
    /// Win notices that counted.
    pub wins: Counter,
    /// Loss notices that counted, by OpenRTB's reason.
    pub losses: Labelled,
    /// Billing notices that counted.
    pub billings: Counter,
    /// What they cost, in nano-USD, since the process started; the ledger has the whole.
    pub spend_nanos: Counter,
}

impl RegionMeters {
    fn new(name: &str) -> RegionMeters {
        RegionMeters {
            name: name.to_owned(),
            requests: Counter::new(),
            bids: Counter::new(),
            no_bids: Labelled::new(),
            latency: Histogram::new(),
            wins: Counter::new(),
            losses: Labelled::new(),
            billings: Counter::new(),
            spend_nanos: Counter::new(),
        }
    }

    /// Returns the region's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Connections of one listener.
#[derive(Debug, Default)]
pub struct ConnectionMeters {
    /// Connections that are open now.
    pub open: Gauge,
    /// Connections accepted.
    pub accepted: Counter,
    /// Accepts that failed; whoever connects waits in the kernel's queue, as over the cap.
    pub refused: Counter,
    /// Polls that asked whether we are ready; they are no requests.
    pub ready_polls: Counter,
    /// Connections that this side closed although the exchange could have gone on, by why.
    pub closed_by_us: Labelled,
}

/// Answers by HTTP status. Statuses that the bid path does not send are summed.
#[derive(Debug, Default)]
pub struct Statuses {
    ok: Counter,
    no_content: Counter,
    bad_request: Counter,
    client_error: Counter,
    server_error: Counter,
    other: Counter,
}

impl Statuses {
    /// Counts one answer.
    pub fn inc(&self, status: u16) {
        let counter = match status {
            200 => &self.ok,
            204 => &self.no_content,
            400 => &self.bad_request,
            401..=499 => &self.client_error,
            500..=599 => &self.server_error,
            _ => &self.other,
        };
        counter.inc();
    }

    /// Goes over the classes with their label: an exact status, or a class such as `4xx`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("200", self.ok.get()),
            ("204", self.no_content.get()),
            ("400", self.bad_request.get()),
            ("4xx", self.client_error.get()),
            ("5xx", self.server_error.get()),
            ("other", self.other.get()),
        ]
        .into_iter()
    }

    /// Returns the count under one label of [`Statuses::iter`].
    pub fn get(&self, label: &str) -> u64 {
        self.iter().find(|(held, _)| *held == label).map_or(0, |(_, count)| count)
    }
}

/// What is counted about the notices listener.
#[derive(Debug, Default)]
pub struct NoticeMeters {
    /// Notices whose head was read, by kind: `win`, `billing`, `loss`. The kind is what the URL says.
    pub received: Labelled,
    /// What became of them: `counted`, `observed`, `duplicate`, `not_durable`, `forged`, `expired`, ...
    pub outcomes: Labelled,
    /// What was remarkable about those that were recorded, each once: `late`, `clamped`, `contradicts`, ...
    pub flags: Labelled,
    /// Answers by HTTP status.
    pub statuses: Statuses,
    /// The listener's connections.
    pub connections: Arc<ConnectionMeters>,
    /// From the head to the answer, durability included.
    pub latency: Histogram,
}
