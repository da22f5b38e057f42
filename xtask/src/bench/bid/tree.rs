//! Ledger, campaigns, regions and one exchange's subtree as they run in the ad server, without its sockets.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use campaign::{Country, campaigns_supervisor};
use exchange::drops::DropSampler;
use exchange::engine::{EngineSettings, Territory};
use exchange::lane::Lane;
use exchange::pool::AdmissionArgs;
use exchange::pool::overload::{LoadBoard, OverloadArgs};
use exchange::{Dialect, ExchangeArgs, ExchangePort, Intensity, Restore, exchange_supervisor};
use ledger::{Clock, LedgerArgs, TokenKeys};
use money::Rates;
use region::{CapKeys, CapSecret, RegionArgs, day_of, region_supervisor};
use telemetry::ExchangeMeters;
use tembusu::{Supervisor, Tree};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::campaigns;

/// Where notices would go.
pub(super) const NOTICE_BASE: &str = "http://127.0.0.1:9";
/// More than is ever in flight here.
pub(super) const IN_FLIGHT_MAX: usize = 4_096;

/// The share of requests that are set aside to tell why campaigns drop out, as the ad server has it.
const DROP_REASONS_ONE_IN: u32 = 10_000;

/// No beat is measured here, so that nothing is shed.
const LAG_TARGET: Duration = Duration::from_millis(5);

const REGIONS: [&str; 3] = ["sg", "id", "th"];

/// A running tree and what an engine needs of it.
pub(super) struct Running {
    pub(super) settings: Arc<EngineSettings>,
    pub(super) port: ExchangePort,
    tree: Tree,
    control: Runtime,
    _ledger: Runtime,
    _folder: TempDir,
}

impl Running {
    pub(super) fn start(campaigns: u32) -> anyhow::Result<Running> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let runtime = |threads| Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let (control, ledger_runtime) = (runtime(2)?, runtime(1)?);
        let definitions = campaigns::parsed(campaigns)?;
        let regions = u32::try_from(REGIONS.len())?;

        let mut args = LedgerArgs::new(folder.path().join("ledger.db"), ledger_runtime.handle().clone());
        args.budgets = definitions.iter().map(|campaign| (campaign.id, campaign.budget)).collect();
        args.store.regions = regions;
        let mut root = Supervisor::one_for_one("root");
        let (supervisor, ledger) = ledger::supervisor(args);
        root.supervisor(supervisor);
        let (supervisor, campaigns) = campaigns_supervisor(definitions)?;
        root.supervisor(supervisor);
        let mut territories = Vec::new();
        for name in REGIONS {
            let (supervisor, port) = region_supervisor(name, RegionArgs::new(ledger.clone(), regions));
            root.supervisor(supervisor);
            let country = Country::parse(name).context("a region is named by its country")?;
            territories.push(Territory { countries: vec![country], port });
        }
        let clock = Clock::system();
        let settings = EngineSettings {
            exchange: "xandr".into(),
            dialect: Arc::new(Dialect::xandr("958")),
            index: campaigns.index().clone(),
            rates: Arc::new(rates()?),
            territories,
            default_territory: None,
            cap_keys: CapKeys::new(CapSecret::new(day_of(clock.now_ms()), [1; 32])),
            token_keys: Arc::new(TokenKeys::ephemeral()?),
            clock,
            meters: ExchangeMeters::new("xandr", &REGIONS),
            samples: DropSampler::new(DROP_REASONS_ONE_IN),
        };
        let settings = Arc::new(settings);
        let (supervisor, port) = exchange_supervisor(ExchangeArgs {
            settings: Arc::clone(&settings),
            notice_base: NOTICE_BASE.into(),
            admission: AdmissionArgs {
                in_flight_max: IN_FLIGHT_MAX,
                quota: None,
                overload: OverloadArgs { target: LAG_TARGET, board: Arc::new(LoadBoard::new([100])), place: 0 },
            },
            intensity: Intensity::default(),
            restore: Restore::Operator,
            lane: Lane::given(control.handle().clone()),
        });
        root.supervisor(supervisor);
        let tree = control.block_on(root.start())?;
        Ok(Running { settings, port, tree, control, _ledger: ledger_runtime, _folder: folder })
    }

    pub(super) fn end(self) {
        self.control.block_on(self.tree.shutdown());
    }
}

/// The rates of the demonstration.
fn rates() -> anyhow::Result<Rates> {
    Ok(serde_json::from_str(
        r#"{"as_of":"2026-11-20","usd_per_unit":{"SGD":"0.7712","IDR":"0.0000612","THB":"0.0308"}}"#,
    )?)
}
