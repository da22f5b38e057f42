//! The tree, written down: who is started after whom, and who is told of whom.
//!
//! Addresses come before the start, so that everything here is an ordinary argument. Order is start
//! order and dependency order; the end is in reverse.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use campaign::{Campaign, CampaignsHandle, Country, campaigns_supervisor_of};
use exchange::drops::{DropMessage, DropRecorder, DropRecorderArgs, DropSampler};
use exchange::engine::{EngineSettings, Territory};
use exchange::pool::AdmissionArgs;
use exchange::pool::overload::{LoadBoard, OverloadArgs};
use exchange::sockets::{ConnectionTracker, Deadlines, Limits, ServeArgs};
use exchange::{
    ExchangeArgs, ExchangePort, LaneLost, Restore, SocketsArgs, Trials, exchange_supervisor, sockets_supervisor,
};
use hyper_util::service::TowerToHyperService;
use ledger::{Audit, CampaignWord, Clock, LedgerArgs, LedgerFigures, LedgerMessage};
use region::supply::SupplyBook;
use region::{PacingBoard, RegionArgs, RegionPort, region_supervisor};
use telemetry::{
    AlertBoard, Cause, ConnectionMeters, ExchangeMeters, LedgerState, Meters, Objectives, RegionState, ServiceLevels,
    telemetry_supervisor,
};
use tembusu::{Address, Supervisor, child};

use super::Handles;
use super::error::SystemError;
use super::parts::Parts;
use super::runtimes::Runtimes;
use crate::admin;
use crate::book::{BookArgs, BookMessage, CampaignBook, FileWords, Outs, PORTION, start_with};
use crate::config::{
    AdserverConfig, BillingEvent, Dialect, ExchangeConfig, Intensity, ProbeConfig, ServiceLevelsConfig,
};
use crate::http::{HttpListener, ListenerArgs};
use crate::notices::{ForgeryLimit, NoticeDesk, NoticeService, announce};
use crate::phase::Life;
use crate::supply::{History, LearnerArgs, SupplyFile, SupplyLearner, Territories};

/// The supervisor of all exchanges' sockets.
pub(super) const SOCKETS: &str = "sockets";
/// Most connections to the operators' API.
const ADMIN_CONNECTIONS_MAX: usize = 64;
/// Changes of campaigns that wait, each for a flush of the disk.
const BOOK_MAILBOX: usize = 256;
/// Comparing every campaign with what the ledger says of it.
const BOOK_INIT: Duration = Duration::from_secs(60);
/// How long a listener may take to answer what it has in hand when it is stopped.
const LISTENER_SHUTDOWN: Duration = Duration::from_secs(5);
/// The waits before what nobody else depends on is tried again.
const RETRY_BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Writes the tree down and collects what is held of it.
pub(super) fn wire(
    config: &AdserverConfig,
    campaigns: Vec<Campaign>,
    parts: Parts,
    runtimes: &Runtimes,
) -> Result<(Supervisor, Handles), SystemError> {
    let mut root = granting(Supervisor::one_for_one("root"), config.intensity);
    let tree = root.handle();
    let life = Life::new();
    let board = AlertBoard::new();
    let exchange_names: Vec<&str> = config.exchanges.iter().map(|exchange| &*exchange.name).collect();
    let region_names: Vec<&str> = config.regions.iter().map(|region| &*region.name).collect();
    let meters = Meters::new(&exchange_names, &region_names);
    let objectives: Vec<Objectives> = config.exchanges.iter().map(objectives).collect();
    let levels = ServiceLevels::new(&meters, &objectives, exchange::is_unable);

    let mut subtrees = Vec::new();
    let (telemetry, aggregator) = telemetry_supervisor(meters.clone(), board.clone(), levels.clone(), tree.clone());
    subtrees.push(telemetry);
    let names = config.exchanges.iter().map(|exchange| exchange.name.clone());
    let file = FileWords::new(&config.campaigns.file, names, &campaigns);
    let campaigns = start_with(campaigns, said_before(&config.ledger.path));
    let ledger = wire_ledger(config, &campaigns, &meters, runtimes, &mut subtrees);
    let (subtree, campaigns) = campaigns_supervisor_of(campaigns)?;
    subtrees.push(subtree);
    let outs = Outs::default();
    let args = BookArgs {
        ledger: ledger.clone(),
        campaigns: campaigns.clone(),
        file: file.clone(),
        outs: outs.clone(),
        portion: PORTION,
    };
    let book = wire_book(args, &mut subtrees);
    let supply_file = SupplyFile::at(config.ledger.supply_path());
    let supply = supply_file.read();
    let regions = wire_regions(config, &ledger, &supply, &mut subtrees);
    let seen = regions.clone();
    meters.set_region_states(move || seen.iter().map(region_state).collect());
    wire_notices(config, &parts, &ledger, &meters, &regions, &mut subtrees);
    let surroundings =
        Surroundings { parts: &parts, meters: &meters, board: &board, campaigns: &campaigns, regions: &regions };
    let exchanges = wire_exchanges(config, &surroundings, runtimes, &mut subtrees);

    let history = History::default();
    let learner = LearnerArgs {
        book: supply.clone(),
        meters: meters.clone(),
        campaigns: campaigns.clone(),
        territories: territories(config),
        file: supply_file,
        clock: Clock::system(),
        ledger: ledger.clone(),
        history: history.clone(),
    };
    subtrees.push(wire_supply(learner));
    let (drop_reasons, drops) = wire_drop_reasons(&exchanges, &campaigns);
    subtrees.push(drop_reasons);

    let desk = admin::Desk {
        life: life.clone(),
        tree: tree.clone(),
        aggregator,
        board: board.clone(),
        levels: levels.clone(),
        meters: meters.clone(),
        ledger: ledger.clone(),
        campaigns: campaigns.clone(),
        book: book.clone(),
        outs,
        file,
        exchanges: exchanges.clone(),
        regions: regions.clone(),
        supply,
        history,
        drops,
    };
    // First, and so the last to stop: it answers while the others start and drain. It holds handles only.
    root.supervisor(wire_admin(&parts, admin::router(Arc::new(desk))));
    for subtree in subtrees {
        root.supervisor(subtree);
    }

    let handles = Handles {
        root: tree,
        ports: parts.ports,
        life,
        meters,
        board,
        levels,
        ledger,
        campaigns,
        book,
        regions,
        exchanges,
    };
    Ok((root, handles))
}

fn wire_ledger(
    config: &AdserverConfig,
    campaigns: &[(Campaign, u32)],
    meters: &Meters,
    runtimes: &Runtimes,
    subtrees: &mut Vec<Supervisor>,
) -> Address<LedgerMessage> {
    let mut args = LedgerArgs::new(&config.ledger.path, runtimes.ledger());
    args.budgets = campaigns.iter().map(|(campaign, _)| (campaign.id, campaign.budget)).collect();
    args.store.lease_life = config.ledger.lease_life;
    args.store.lease_grace = config.ledger.lease_grace;
    args.store.regions = count(config.regions.len());
    args.store.retention = config.retention();
    let (figures, events_max) = (args.figures.clone(), config.ledger.keep_events_max);
    meters.set_ledger_state(move || ledger_state(&figures.read(), events_max));
    let (ledger, address) = ledger::supervisor(args);
    subtrees.push(granting(ledger, config.ledger.intensity));
    address
}

/// What operators have said of campaigns up to now. A ledger that cannot be read says nothing here: it refuses the start by
/// itself, or the book finds what is different when it is open.
fn said_before(ledger: &Path) -> Vec<(CampaignWord, Option<String>)> {
    let has_content = ledger.metadata().is_ok_and(|metadata| metadata.len() > 0);
    if !has_content {
        return Vec::new();
    }
    let said = Audit::open(ledger).and_then(|audit| audit.campaign_words());
    said.unwrap_or_else(|error| {
        tracing::warn!(%error, "what was said of campaigns is not read before the ledger is open");
        Vec::new()
    })
}

/// The book of campaigns: when it cannot be kept up nothing is changed, and it is retried; nobody else is concerned.
fn wire_book(args: BookArgs, subtrees: &mut Vec<Supervisor>) -> Address<BookMessage> {
    let (first, max) = RETRY_BACKOFF;
    let mut supervisor =
        granting(Supervisor::one_for_one("campaign_book"), Intensity::default()).quarantine().restore_after(first, max);
    // It reads a file and compiles what is in it: on a thread of its own nobody waits for that.
    let book = child::<CampaignBook>("book", args).on_own_thread();
    let address = supervisor.add(book.mailbox(BOOK_MAILBOX).init_timeout(BOOK_INIT).heartbeat(Duration::MAX));
    subtrees.push(supervisor);
    address
}

fn wire_regions(
    config: &AdserverConfig,
    ledger: &Address<LedgerMessage>,
    supply: &SupplyBook,
    subtrees: &mut Vec<Supervisor>,
) -> Vec<RegionPort> {
    let mut regions = granting(Supervisor::one_for_one("regions"), config.intensity);
    let pacing = PacingBoard::new();
    let ports = config
        .regions
        .iter()
        .map(|region| {
            let mut args = RegionArgs::new(ledger.clone(), count(config.regions.len()));
            args.pacing = pacing.clone();
            args.supply = supply.clone();
            args.intensity = (region.intensity.restarts, region.intensity.within);
            args.cap_pairs_max = region.cap_pairs_max;
            args.cap_journal = Some(config.ledger.cap_journal_path(&region.name));
            let (subtree, port) = region_supervisor(&region.name, args);
            regions.supervisor(subtree);
            port
        })
        .collect();
    subtrees.push(regions);
    ports
}

/// The ledger as meters show it.
fn ledger_state(figures: &LedgerFigures, events_max: u64) -> LedgerState {
    LedgerState {
        bytes: figures.size.bytes,
        free_bytes: figures.size.free_bytes,
        log_bytes: figures.size.log_bytes,
        events: figures.events,
        events_max,
        folded: figures.folded,
        folded_ms: figures.folded_ms,
        fold_step_micros_max: figures.step_micros_max,
    }
}

/// A region as pages and meters show it.
fn region_state(port: &RegionPort) -> RegionState {
    let caps = port.open().ok().map(|view| view.caps().figures());
    let recovery = port.recovery();
    RegionState {
        name: port.name().to_string(),
        open: caps.is_some(),
        cap_keys: caps.map_or(0, |caps| caps.entries as u64),
        cap_provisional: caps.map_or(0, |caps| caps.open as u64),
        cap_keys_max: caps.map_or(0, |caps| caps.entries_max as u64),
        cap_refused: caps.map_or(0, |caps| caps.refused),
        recoveries: recovery.starts,
        recovery_micros: u64::try_from(recovery.took.as_micros()).unwrap_or(u64::MAX),
    }
}

fn wire_notices(
    config: &AdserverConfig,
    parts: &Parts,
    ledger: &Address<LedgerMessage>,
    meters: &Arc<Meters>,
    regions: &[RegionPort],
    subtrees: &mut Vec<Supervisor>,
) {
    announce(meters.notices());
    let bills_on_win = |exchange: &&ExchangeConfig| exchange.billing_event == BillingEvent::Nurl;
    let desk = NoticeDesk {
        ledger: ledger.clone(),
        keys: parts.token_keys.clone(),
        price_codecs: parts.price_codecs.clone(),
        regions: regions.iter().map(|port| (port.name().to_string(), port.clone())).collect(),
        bills_on_win: config.exchanges.iter().filter(bills_on_win).map(|exchange| exchange.name.clone()).collect(),
        meters: meters.clone(),
        forgeries: ForgeryLimit::new(config.notices.forged_per_second_max),
    };
    let args = ListenerArgs {
        socket: parts.notices.clone(),
        service: NoticeService(Arc::new(desk)),
        connections_max: config.notices.connections_max,
        meters: meters.notices().connections.clone(),
    };
    let mut notices = granting(Supervisor::one_for_one("notices"), config.notices.intensity);
    notices.add(child::<HttpListener<NoticeService>>("listener", args).shutdown(LISTENER_SHUTDOWN));
    subtrees.push(notices);
}

/// What every exchange is made from.
struct Surroundings<'a> {
    parts: &'a Parts,
    meters: &'a Arc<Meters>,
    board: &'a Arc<AlertBoard>,
    campaigns: &'a CampaignsHandle,
    regions: &'a [RegionPort],
}

/// The exchanges, and after them their sockets, so that these are closed first.
fn wire_exchanges(
    config: &AdserverConfig,
    around: &Surroundings<'_>,
    runtimes: &Runtimes,
    subtrees: &mut Vec<Supervisor>,
) -> Vec<ExchangePort> {
    let mut exchanges = granting(Supervisor::one_for_one("exchanges"), config.intensity);
    let mut sockets = granting(Supervisor::one_for_one(SOCKETS), config.intensity);
    let mut ports = Vec::new();
    let notice_base: Arc<str> = match &config.notices.public_url {
        Some(url) => url.trim_end_matches('/').into(),
        None => format!("http://{}", around.parts.ports.notices).into(),
    };
    let with_parts = config.exchanges.iter().zip(runtimes.exchanges()).zip(&around.parts.exchanges);
    let load = Arc::new(LoadBoard::new(config.exchanges.iter().map(|exchange| exchange.load.priority)));
    for (place, ((exchange, lane), listener)) in with_parts.enumerate() {
        let (subtree, port) = exchange_supervisor(ExchangeArgs {
            settings: Arc::new(engine_settings(config, exchange, around)),
            notice_base: notice_base.clone(),
            admission: AdmissionArgs {
                in_flight_max: exchange.limits.in_flight_max,
                quota: exchange.load.quota(),
                overload: OverloadArgs { target: exchange.load.delay, board: load.clone(), place },
            },
            intensity: exchange::Intensity { restarts: exchange.intensity.restarts, period: exchange.intensity.within },
            restore: restore(exchange),
            lane: lane.clone(),
        });
        exchanges.supervisor(subtree);
        let serve = ServeArgs {
            listener: listener.clone(),
            tracker: ConnectionTracker::new(exchange.limits.connections_max),
            bid_path: (*exchange.path).into(),
            ready_path: exchange.ready_path().map(Arc::from),
            limits: limits(exchange),
            deadlines: Deadlines { tmax_default: exchange.tmax, margin: exchange.margin, ..Deadlines::default() },
            handler: Arc::new(port.clone()),
        };
        let meters = around.meters.exchange(&exchange.name).expect("meters are made for every configured exchange");
        let beaten = port.clone();
        lane.beat(move |lag| beaten.beaten(tokio::time::Instant::now(), lag));
        let args = SocketsArgs {
            serve,
            lane: lane.clone(),
            lost_after: exchange.load.lost_after,
            on_lost: on_lost(&exchange.name, meters, around.board),
        };
        sockets.supervisor(granting(sockets_supervisor(&exchange.name, args), exchange.intensity));
        ports.push(port);
    }
    subtrees.extend([exchanges, sockets]);
    ports
}

fn objectives(exchange: &ExchangeConfig) -> Objectives {
    let ServiceLevelsConfig { answered_in_time, able_to_bid } = exchange.service_levels;
    Objectives { answered_in_time, able_to_bid }
}

/// Counts a lost runtime, and raises the alert that stands until the process ends: nobody gets its processor back.
fn on_lost(
    exchange: &str,
    meters: &Arc<ExchangeMeters>,
    board: &Arc<AlertBoard>,
) -> Arc<dyn Fn(&LaneLost) + Send + Sync> {
    let (exchange, subtree) = (exchange.to_owned(), format!("root/{SOCKETS}/{exchange}"));
    let (meters, board) = (meters.clone(), board.clone());
    Arc::new(move |lane: &LaneLost| {
        let detail = match (&lane.problem, lane.connections) {
            (None, Some(connections)) => {
                meters.runtime.lost.inc();
                meters.runtime.connections_moved.add(connections.moved as u64);
                format!(
                    "{} lost so far; {} connections went on, {} were lost with a request in hand",
                    lane.lost, connections.moved, connections.lost
                )
            }
            (problem, _) => {
                let problem = problem.as_deref().unwrap_or("no fresh runtime");
                format!("{} lost so far; nobody answers {exchange} any more: {problem}", lane.lost)
            }
        };
        // It says more each time.
        board.clear(&subtree, SystemTime::now());
        board.raise(Cause::RuntimeLost, &subtree, detail, SystemTime::now());
    })
}

fn restore(exchange: &ExchangeConfig) -> Restore {
    match exchange.trials() {
        None => Restore::Operator,
        Some(ProbeConfig { one_in, first, max, intervals, interval }) => {
            Restore::Probe(Trials { one_in, first, max, intervals, interval })
        }
    }
}

fn engine_settings(config: &AdserverConfig, exchange: &ExchangeConfig, around: &Surroundings<'_>) -> EngineSettings {
    let territory = |(region, port): (&crate::config::RegionConfig, &RegionPort)| Territory {
        // The check of the configuration has refused what is no country.
        countries: region.countries.iter().filter_map(|country| Country::parse(country)).collect(),
        port: port.clone(),
    };
    let meters = around.meters.exchange(&exchange.name).expect("meters are made for every configured exchange");
    EngineSettings {
        exchange: (*exchange.name).into(),
        dialect: Arc::new(dialect(exchange)),
        index: around.campaigns.index().clone(),
        rates: Arc::new(config.rates.clone()),
        territories: config.regions.iter().zip(around.regions).map(territory).collect(),
        default_territory: exchange
            .default_region
            .as_ref()
            .and_then(|name| config.regions.iter().position(|region| region.name == *name)),
        cap_keys: around.parts.cap_keys.clone(),
        token_keys: Arc::new(around.parts.token_keys.clone()),
        clock: Clock::system(),
        meters: meters.clone(),
        samples: DropSampler::new(config.telemetry.drop_reasons_one_in),
    }
}

fn dialect(exchange: &ExchangeConfig) -> exchange::Dialect {
    let seat = exchange.seat.clone();
    let dialect = match exchange.dialect {
        Dialect::Openrtb => exchange::Dialect::openrtb(seat),
        Dialect::GoogleAdx => exchange::Dialect::google_adx(seat),
        Dialect::Xandr => exchange::Dialect::xandr(seat),
        Dialect::Index => exchange::Dialect::index(seat),
    };
    let bills_on_impression = exchange.billing_event == BillingEvent::Impression;
    exchange::Dialect { currency: exchange.currency, bills_on_impression, shades: exchange.shading, ..dialect }
}

fn limits(exchange: &ExchangeConfig) -> Limits {
    Limits {
        connections_max: exchange.limits.connections_max,
        head_bytes_max: exchange.limits.head_bytes_max,
        body_bytes_max: exchange.limits.body_bytes_max,
        inflated_bytes_max: exchange.limits.inflated_bytes_max,
        head_timeout: exchange.limits.head_timeout,
        idle_timeout: exchange.limits.idle_timeout,
        ..Limits::default()
    }
}

/// Who asks why campaigns drop out: off when it cannot be kept up, and retried; nobody else is concerned.
fn wire_drop_reasons(exchanges: &[ExchangePort], campaigns: &CampaignsHandle) -> (Supervisor, Address<DropMessage>) {
    let args = DropRecorderArgs { exchanges: exchanges.to_vec(), campaigns: campaigns.clone() };
    let (first, max) = RETRY_BACKOFF;
    let mut drop_reasons =
        granting(Supervisor::one_for_one("drop_reasons"), Intensity::default()).quarantine().restore_after(first, max);
    let recorder = drop_reasons.add(child::<DropRecorder>("recorder", args).on_own_thread());
    (drop_reasons, recorder)
}

/// Who learns how supply is spread over the week: off when it cannot be kept up, and retried; plans go on as they are.
fn wire_supply(args: LearnerArgs) -> Supervisor {
    let (first, max) = RETRY_BACKOFF;
    let mut supply =
        granting(Supervisor::one_for_one("supply"), Intensity::default()).quarantine().restore_after(first, max);
    supply.add(child::<SupplyLearner>("learner", args).on_own_thread().shutdown(LISTENER_SHUTDOWN));
    supply
}

fn territories(config: &AdserverConfig) -> Territories {
    let countries = |names: &[String]| names.iter().filter_map(|country| Country::parse(country)).collect();
    Arc::new(config.regions.iter().map(|region| (region.name.clone(), countries(&region.countries))).collect())
}

/// The operators' API: when it cannot be kept up it is off, and retried; nobody else is concerned.
fn wire_admin(parts: &Parts, router: Router) -> Supervisor {
    let args = ListenerArgs {
        socket: parts.admin.clone(),
        service: TowerToHyperService::new(router),
        connections_max: ADMIN_CONNECTIONS_MAX,
        meters: Arc::new(ConnectionMeters::default()),
    };
    let (first, max) = RETRY_BACKOFF;
    let mut admin =
        granting(Supervisor::one_for_one("admin"), Intensity::default()).quarantine().restore_after(first, max);
    admin.add(child::<HttpListener<TowerToHyperService<Router>>>("listener", args).shutdown(LISTENER_SHUTDOWN));
    admin
}

fn granting(supervisor: Supervisor, intensity: Intensity) -> Supervisor {
    supervisor.intensity(intensity.restarts, intensity.within)
}

/// The configuration's limits keep it far below.
fn count(regions: usize) -> u32 {
    u32::try_from(regions).unwrap_or(u32::MAX)
}
