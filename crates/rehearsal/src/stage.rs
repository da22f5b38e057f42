//! The bidder itself: its real parts in their tree, on the virtual clock, without sockets.
//!
//! Promises ledger with its store on a disk, campaigns, index, regions and exchanges as in production, all on one thread.
//! Never in the way: what comes in by a socket in production comes in by [`Stage::ask`] and the [`Mailroom`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use campaign::Country as Code;
use exchange::drops::DropSampler;
use exchange::engine::{EngineSettings, Territory};
use exchange::lane::Lane;
use exchange::pool::AdmissionArgs;
use exchange::pool::overload::{LoadBoard, OverloadArgs};
use exchange::sockets::{Answer, Framed, Handler};
use exchange::{Dialect, ExchangeArgs, ExchangePort, Intensity, exchange_supervisor};
use ledger::{Clock, LedgerArgs, LedgerBank, LedgerMessage, TokenKeys, Totals};
use money::{Nanos, Rates};
use region::{PacingBoard, RegionArgs, RegionPort, Timings, region_supervisor};
use telemetry::ExchangeMeters;
use tembusu::{Address, NodeSnapshot, Supervisor, Tree};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::backstage::Backstage;
use crate::mailroom::{Mailroom, NOTICE_BASE, RECORD_WITHIN};
use crate::world::{COUNTRIES, EXCHANGES, Part};

/// How long an exchange waits for a bid.
const TMAX: Duration = Duration::from_millis(300);
/// More than is ever in flight here.
const IN_FLIGHT_MAX: usize = 10_000;
/// No beat is measured on a virtual clock, so that nothing is shed.
const LAG_TARGET: Duration = Duration::from_millis(5);

/// One life of the process.
#[derive(Debug)]
pub struct Stage {
    tree: Tree,
    ledger: Address<LedgerMessage>,
    regions: Vec<RegionPort>,
    exchanges: Vec<ExchangePort>,
    meters: Vec<Arc<ExchangeMeters>>,
    token_keys: Arc<TokenKeys>,
    clock: Clock,
}

impl Stage {
    /// Starts the process, while the clock runs; it is paused again when this returns.
    pub async fn start(backstage: &Backstage, cast: &[Part]) -> anyhow::Result<Self> {
        let clock = backstage.clock().clone();
        let definitions = || {
            cast.iter().map(|part| {
                let mut definition = part.definition();
                if let Some(fault) = backstage.fault {
                    fault.spoil(&mut definition);
                }
                definition
            })
        };
        let mut root = Supervisor::one_for_one("root");
        let regions_count = u32::try_from(COUNTRIES.len()).expect("three");

        let mut args = LedgerArgs::new(backstage.database(), Handle::current());
        args.budgets = cast.iter().map(|part| (part.definition().id, Nanos(part.budget))).collect();
        args.store.regions = regions_count;
        args.clock = clock.clone();
        let (subtree, ledger) = ledger::supervisor(args);
        root.supervisor(subtree);

        let (subtree, campaigns) = campaign::campaigns_supervisor(definitions())?;
        root.supervisor(subtree);

        let mut supervisor = Supervisor::one_for_one("regions");
        let mut regions = Vec::new();
        let pacing = PacingBoard::new();
        for country in &COUNTRIES {
            let mut args = RegionArgs::new(ledger.clone(), regions_count);
            args.clock = clock.clone();
            args.pacing = pacing.clone();
            args.timings = Timings { renewal: Duration::from_millis(500), ..Timings::STANDARD };
            if let Some(fault) = backstage.fault {
                fault.bribe(&mut args.bank, LedgerBank::new(ledger.clone(), RECORD_WITHIN));
            }
            let (subtree, port) = region_supervisor(country.region, args);
            supervisor.supervisor(subtree);
            regions.push(port);
        }
        root.supervisor(supervisor);

        let mut supervisor = Supervisor::one_for_one("exchanges");
        let (mut exchanges, mut meters) = (Vec::new(), Vec::new());
        let names: Vec<_> = COUNTRIES.iter().map(|country| country.region).collect();
        for exchange in &EXCHANGES {
            let metered = ExchangeMeters::new(exchange.name, &names);
            let territories = COUNTRIES.iter().zip(&regions).map(|(country, port)| Territory {
                countries: vec![Code::parse(country.alpha2).expect("a country")],
                port: port.clone(),
            });
            let dialect = match exchange.price_step {
                1 => Dialect::google_adx("seat"),
                100 => Dialect::xandr("seat"),
                _ => Dialect::index("seat"),
            };
            assert_eq!(dialect.price_step(), exchange.price_step, "{}: the world and the dialect agree", exchange.name);
            let settings = EngineSettings {
                exchange: exchange.name.into(),
                dialect: Arc::new(dialect),
                index: campaigns.index().clone(),
                rates: Arc::new(Rates::usd_only("2026-09-01".parse()?)),
                territories: territories.collect(),
                default_territory: None,
                cap_keys: backstage.cap_keys.clone(),
                token_keys: Arc::clone(&backstage.token_keys),
                clock: clock.clone(),
                meters: Arc::clone(&metered),
                samples: DropSampler::new(1_000),
            };
            let (subtree, port) = exchange_supervisor(ExchangeArgs {
                settings: Arc::new(settings),
                notice_base: NOTICE_BASE.into(),
                admission: AdmissionArgs {
                    in_flight_max: IN_FLIGHT_MAX,
                    quota: None,
                    overload: OverloadArgs { target: LAG_TARGET, board: Arc::new(LoadBoard::new([100])), place: 0 },
                },
                intensity: Intensity::default(),
                restore: exchange::Restore::Operator,
                lane: Lane::given(Handle::current()),
            });
            supervisor.supervisor(subtree);
            exchanges.push(port);
            meters.push(metered);
        }
        root.supervisor(supervisor);

        // The index is built on a thread of its own, for which a paused clock does not wait.
        tokio::time::resume();
        let started = root.start().await;
        tokio::time::pause();
        let tree = started.map_err(|error| anyhow::anyhow!("the tree does not start: {error}"))?;
        Ok(Self { tree, ledger, regions, exchanges, meters, token_keys: Arc::clone(&backstage.token_keys), clock })
    }

    /// Has an exchange send a request; the response's body if there is a bid.
    pub async fn ask(&self, exchange: usize, body: String) -> Option<Bytes> {
        let now = Instant::now();
        let framed = Framed { body: body.into(), first_byte: now, deadline: now + TMAX };
        match self.exchanges[exchange].answer(framed).await {
            Answer::Content(body) => Some(body),
            Answer::NoBid(reason) => {
                self.meters[exchange].no_bids.inc(reason);
                None
            }
            Answer::Malformed(reason) => panic!("the world sends sound requests, and one was malformed: {reason}"),
        }
    }

    /// What brings notices in.
    pub fn mailroom(&self) -> Mailroom {
        Mailroom { ledger: self.ledger.clone(), token_keys: Arc::clone(&self.token_keys), clock: self.clock.clone() }
    }

    /// The ledger's sums; `None` while it does not answer.
    pub async fn totals(&self) -> Option<Totals> {
        self.ledger.call(|reply| LedgerMessage::Totals { reply }, RECORD_WITHIN).await.ok()
    }

    /// A region.
    pub fn region(&self, place: usize) -> &RegionPort {
        &self.regions[place]
    }

    /// How often each actor of a region was started.
    pub fn incarnations(&self, place: usize) -> Vec<u64> {
        let snapshot = self.tree.handle().snapshot();
        let path = format!("root/regions/{}", COUNTRIES[place].region);
        let node: &NodeSnapshot = snapshot.find(&path).expect("the region is in the tree");
        node.children.iter().map(|child| child.incarnation).collect()
    }

    /// Why there was no bid, over all exchanges, the commonest first.
    pub fn no_bids(&self) -> Vec<(&'static str, u64)> {
        let mut sums: Vec<(&'static str, u64)> = Vec::new();
        for (reason, count) in self.meters.iter().flat_map(|meters| meters.no_bids.iter()) {
            match sums.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sum)) => *sum += count,
                None => sums.push((reason, count)),
            }
        }
        sums.retain(|(_, count)| 0 < *count);
        sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sums
    }

    /// Ends the process as `kill -9` does, as far as that can be had within one: no actor of it does anything more.
    pub async fn kill(self) {
        let Self { tree, .. } = self;
        let handle = tree.handle();
        drop(tree);
        // Gone when it has let go of its children, the ledger's lock with them.
        while !handle.snapshot().children.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the process in good order.
    pub async fn stop(self) {
        self.tree.shutdown().await;
    }
}
