//! Ledger and regions as they run in the ad server, for an engine that is called without one.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use campaign::{CompiledCampaign, Country, Index, compile};
use exchange::Dialect;
use exchange::engine::{EngineSettings, Territory};
use ledger::{Clock, LedgerArgs, TokenKeys};
use money::Rates;
use region::{CapKeys, CapSecret, RegionArgs, day_of, region_supervisor};
use telemetry::ExchangeMeters;
use tembusu::{Actor, Context, Flow, Init, Supervisor, Table, Tree, child};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::campaigns;

const REGIONS: [&str; 3] = ["sg", "id", "th"];

/// A running tree and what an engine needs of it.
pub(super) struct Running {
    pub(super) settings: Arc<EngineSettings>,
    tree: Tree,
    control: Runtime,
    _ledger: Runtime,
    _folder: TempDir,
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

impl Running {
    pub(super) fn start() -> anyhow::Result<Running> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let runtime = |threads| Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let (control, ledger_runtime) = (runtime(2)?, runtime(1)?);
        let definitions = campaigns::parsed()?;
        let regions = u32::try_from(REGIONS.len())?;

        let mut args = LedgerArgs::new(folder.path().join("ledger.db"), ledger_runtime.handle().clone());
        args.budgets = definitions.iter().map(|campaign| (campaign.id, campaign.budget)).collect();
        args.store.regions = regions;
        let mut root = Supervisor::one_for_one("root");
        let (supervisor, ledger) = ledger::supervisor(args);
        root.supervisor(supervisor);
        let index = Table::new("index");
        let compiled = definitions.iter().map(|campaign| compile(campaign).map(Arc::new)).collect::<Result<_, _>>()?;
        root.add(child::<Publisher>("index_publisher", (index.clone(), compiled)));
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
            index,
            rates: Arc::new(rates()?),
            territories,
            default_territory: None,
            cap_keys: CapKeys::new(CapSecret::new(day_of(clock.now_ms()), [1; 32])),
            token_keys: Arc::new(TokenKeys::ephemeral()?),
            clock,
            meters: ExchangeMeters::new("xandr", &REGIONS),
        };
        let tree = control.block_on(root.start())?;
        Ok(Running { settings: Arc::new(settings), tree, control, _ledger: ledger_runtime, _folder: folder })
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
