//! A whole exchange: ledger, one region, one exchange with its sockets, each on the thread that it has in production.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use campaign::{CompiledCampaign, Country, Index, compile, parse_campaigns};
use exchange::drops::DropSampler;
use exchange::engine::{EngineSettings, Territory};
use exchange::lane::Lane;
use exchange::pool::AdmissionArgs;
use exchange::pool::overload::{LoadBoard, OverloadArgs};
use exchange::sockets::{ConnectionTracker, Deadlines, Limits, ServeArgs, bind};
use exchange::{
    Dialect, ExchangeArgs, ExchangePort, Intensity, Restore, SocketsArgs, exchange_supervisor, sockets_supervisor,
};
use ledger::{Clock, LedgerArgs, TokenKeys};
use money::Rates;
use region::{CapKeys, CapSecret, RegionArgs, day_of, region_supervisor};
use telemetry::ExchangeMeters;
use tembusu::{Actor, Context, Flow, Init, NodeSnapshot, Supervisor, Table, Tree, child};
use tokio::runtime::{Builder, Handle};

use super::{Client, PATIENCE, post};

const CAMPAIGNS: &str = r#"
[[campaign]]
id = 1
name = "Kopi"
advertiser_domain = "kopi.example"
advertised_app = "com.kopi.app"
language = "en"
budget = "1000.00"
bid_cpm = "0.001"
pacing = "asap"
starts = 2020-01-01
ends = 2090-12-31
countries = ["SG"]

[[campaign.creative]]
id = 101
w = 300
h = 250
markup = "<a href=\"https://kopi.example\">kopi</a>"
"#;

/// A thread with a runtime of its own, as each exchange has.
pub(crate) fn thread(name: &str) -> Handle {
    let (ready, handle) = mpsc::channel();
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        ready.send(runtime.handle().clone()).expect("the test waits");
        runtime.block_on(std::future::pending::<()>());
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).expect("a thread");
    handle.recv().expect("a handle")
}

/// Publishes the campaigns once.
struct Publisher;

impl Actor for Publisher {
    type Message = ();
    type Args = (Table<Index>, Vec<Arc<CompiledCampaign>>);
    type Crash = Infallible;

    async fn init((table, campaigns): &Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        cx.publish(table, Index::of(campaigns.iter().cloned()));
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

/// A running tree with one exchange `xandr` and one region `sg`.
pub(crate) struct Running {
    pub(crate) tree: Tree,
    pub(crate) port: ExchangePort,
    pub(crate) address: SocketAddr,
    pub(crate) tracker: ConnectionTracker,
    pub(crate) meters: Arc<ExchangeMeters>,
    pub(crate) keys: Arc<TokenKeys>,
    pub(crate) runtime: Handle,
    /// It stands at 0; at 1 nobody, of higher priority.
    pub(crate) board: Arc<LoadBoard>,
    _folder: tempfile::TempDir,
}

pub(crate) const EXCHANGE: &str = "root/xandr";

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(None, 1_000).await
    }

    pub(crate) async fn start_speaking(dialect: Dialect) -> Self {
        Self::start_as(dialect, None, 1_000, Restore::Operator).await
    }

    pub(crate) async fn start_restored_by(restore: Restore) -> Self {
        Self::start_as(Dialect::openrtb("seat-1"), None, 1_000, restore).await
    }

    pub(crate) async fn start_with(default_territory: Option<usize>, in_flight_max: usize) -> Self {
        Self::start_as(Dialect::openrtb("seat-1"), default_territory, in_flight_max, Restore::Operator).await
    }

    /// Takes so many requests a second, and at once.
    pub(crate) async fn start_under_contract(max_qps: u32, burst: u32) -> Self {
        let dialect = Dialect::openrtb("seat-1");
        Self::start_with_all(dialect, None, 1_000, Restore::Operator, Some((max_qps, burst))).await
    }

    async fn start_as(
        dialect: Dialect,
        default_territory: Option<usize>,
        in_flight_max: usize,
        restore: Restore,
    ) -> Self {
        Self::start_with_all(dialect, default_territory, in_flight_max, restore, None).await
    }

    async fn start_with_all(
        dialect: Dialect,
        default_territory: Option<usize>,
        in_flight_max: usize,
        restore: Restore,
        quota: Option<(u32, u32)>,
    ) -> Self {
        // In memory where there is such a place: these tests are not about the disk, which others may keep busy.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let campaigns = parse_campaigns(CAMPAIGNS).expect("campaigns");
        let mut args = LedgerArgs::new(folder.path().join("ledger.db"), thread("ledger"));
        args.budgets = campaigns.iter().map(|campaign| (campaign.id, campaign.budget)).collect();
        args.store.regions = 1;
        let (ledger_supervisor, ledger) = ledger::supervisor(args);
        let (region, region_port) = region_supervisor("sg", RegionArgs::new(ledger, 1));

        let index = Table::new("index");
        let compiled = campaigns.iter().map(|campaign| Arc::new(compile(campaign).expect("compiles"))).collect();
        let runtime = thread("xandr");
        let (target, board) = (Duration::from_millis(5), Arc::new(LoadBoard::new([100, 200])));
        let meters = ExchangeMeters::new("xandr", &["sg"]);
        let keys = Arc::new(TokenKeys::ephemeral().expect("keys"));
        let clock = Clock::system();
        let settings = EngineSettings {
            exchange: "xandr".into(),
            dialect: Arc::new(dialect),
            index: index.clone(),
            rates: Arc::new(Rates::usd_only("2026-11-01".parse().expect("a date"))),
            territories: vec![Territory { countries: vec![Country::SG], port: region_port }],
            default_territory,
            cap_keys: CapKeys::new(CapSecret::new(day_of(clock.now_ms()), [1; 32])),
            token_keys: Arc::clone(&keys),
            clock,
            meters: Arc::clone(&meters),
            samples: DropSampler::new(1),
        };
        let (exchange, port) = exchange_supervisor(ExchangeArgs {
            settings: Arc::new(settings),
            notice_base: "http://127.0.0.1:9".into(),
            admission: AdmissionArgs {
                in_flight_max,
                quota,
                overload: OverloadArgs { target, board: Arc::clone(&board), place: 0 },
            },
            intensity: Intensity::default(),
            restore,
            lane: Lane::given(runtime.clone()),
        });
        let (serve, address) = serve_args(&port);
        let tracker = serve.tracker.clone();
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(ledger_supervisor);
        root.add(child::<Publisher>("index_publisher", (index, compiled)));
        root.supervisor(region);
        root.supervisor(exchange);
        root.supervisor(sockets_supervisor("xandr_sockets", sockets_args(serve, &runtime)));
        let tree = root.start().await.expect("the tree starts");
        Self { tree, port, address, tracker, meters, keys, runtime, board, _folder: folder }
    }

    /// A connection that has got its first bid: money is there.
    pub(crate) async fn warm_client(&self) -> Client {
        let mut client = Client::connect(self.address).await;
        let started = std::time::Instant::now();
        while client.ask(post(good(0))).await.status != 200 {
            assert!(
                started.elapsed() < PATIENCE,
                "no bid in time: {}\n{:#?}",
                self.no_bids(),
                self.tree.handle().snapshot()
            );
        }
        client
    }

    /// What a second listener of the exchange would be made from.
    pub(crate) fn another_listener(&self) -> (SocketsArgs, SocketAddr) {
        let (serve, address) = serve_args(&self.port);
        (sockets_args(serve, &self.runtime), address)
    }

    fn no_bids(&self) -> String {
        self.meters.no_bids.iter().map(|(reason, count)| format!("{reason} {count} ")).collect()
    }

    /// Keeps the exchange's thread busy until the sender is used or dropped.
    pub(crate) fn hold_thread(&self) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel();
        let (holding, held) = mpsc::channel();
        self.runtime.spawn(async move {
            holding.send(()).expect("the test waits");
            let _ = released.recv_timeout(PATIENCE);
        });
        held.recv().expect("held");
        release
    }

    pub(crate) fn node(&self, path: &str) -> NodeSnapshot {
        let snapshot = self.tree.handle().snapshot();
        snapshot.find(path).unwrap_or_else(|| panic!("{path} is not in {snapshot:?}")).clone()
    }

    pub(crate) fn incarnations(&self) -> [u64; 3] {
        ["connection_pool", "bid_engine", "response_serializer"]
            .map(|name| self.node(&format!("{EXCHANGE}/{name}")).incarnation)
    }
}

/// Its connections run there, for good.
fn sockets_args(serve: ServeArgs<ExchangePort>, runtime: &Handle) -> SocketsArgs {
    let lane = Lane::given(runtime.clone());
    SocketsArgs { serve, lane, lost_after: PATIENCE, on_lost: Arc::new(|_| {}) }
}

/// A listener for the port, with a tracker of its own.
fn serve_args(port: &ExchangePort) -> (ServeArgs<ExchangePort>, SocketAddr) {
    let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("bind");
    let address = listener.local_addr().expect("bound");
    let limits = Limits::default();
    let args = ServeArgs {
        listener: Arc::new(listener),
        tracker: ConnectionTracker::new(limits.connections_max),
        bid_path: "/bid".into(),
        ready_path: None,
        limits,
        deadlines: Deadlines { tmax_default: Duration::from_secs(2), ..Deadlines::default() },
        handler: Arc::new(port.clone()),
    };
    (args, address)
}

/// A request that gets a bid.
pub(crate) fn good(number: usize) -> String {
    format!(
        r#"{{"id":"good-{number}","at":1,"tmax":1500,"imp":[{{"id":"1","banner":{{"w":300,"h":250}}}}],"device":{{"geo":{{"country":"sgp"}}}}}}"#
    )
}

/// The incident's request.
pub(crate) fn bad() -> String {
    good(0).replace(r#""id":"1","#, r#""id":"1","bidfloor":-1.5,"#)
}
