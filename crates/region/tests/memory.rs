//! A campaign that bids in three regions takes little more memory than one at rest.
//!
//! How: a counting allocator, and so many campaigns and more than twice as many that have an account, a lease and some ticks of
//! pacing in each of three regions of one process; the difference is what a campaign takes of the regions, of what they share,
//! and of the ledger's books. Alone in its file, since the allocator counts for the whole process.

mod common;

use std::alloc::System;
use std::time::Duration;

use campaign::{CampaignId, Pacing};
use cap::Cap;
use common::{LEASE_LIFE, START_MS, want};
use ledger::{Clock, LedgerArgs};
use money::Nanos;
use region::supply::SupplyBook;
use region::{PacingBoard, Plan, RegionArgs, RegionPort, Want, region_supervisor};
use tembusu::{Supervisor, Tree};
use tokio::runtime::Handle;
use tokio::time::sleep;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Tables double: with so many and so many the step between them is the mean of all steps.
const FEW: u32 = 1_000;
const MANY: u32 = 2_400;
const REGIONS: [&str; 3] = ["sg", "id", "th"];

/// What a campaign that bids in three regions may take in bytes asked of the allocator, beside its definition: in each region an
/// account, what the pacer knows, and a lease there and in the ledger; and once what is learnt of its supply.
const BIDDING_MAX: usize = 4_608;

/// Three regions that share what regions of one process share.
struct World {
    tree: Tree,
    ports: Vec<RegionPort>,
    _folder: tempfile::TempDir,
}

fn plan(ends_in: Duration) -> Plan {
    let ends_ms = START_MS + i64::try_from(ends_in.as_millis()).unwrap();
    let plan = common::plan(Pacing::Supply);
    Plan { flight: campaign::Flight { ends_ms, ..plan.flight }, ..plan }
}

impl World {
    async fn start(campaigns: u32) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock: Clock = common::clock();
        let mut args = LedgerArgs::new(folder.path().join("ledger.db"), Handle::current());
        args.store.lease_life = LEASE_LIFE;
        args.store.regions = u32::try_from(REGIONS.len()).unwrap();
        args.budgets = (1..=campaigns).map(|id| (CampaignId(id), Nanos(250_000_000_000))).collect();
        args.clock = clock.clone();
        let (supervisor, ledger) = ledger::supervisor(args);
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(supervisor);
        let (pacing, supply) = (PacingBoard::new(), SupplyBook::new());
        let mut ports = Vec::new();
        for name in REGIONS {
            let mut args = RegionArgs::new(ledger.clone(), u32::try_from(REGIONS.len()).unwrap());
            (args.clock, args.pacing, args.supply) = (clock.clone(), pacing.clone(), supply.clone());
            let (supervisor, port) = region_supervisor(name, args);
            root.supervisor(supervisor);
            ports.push(port);
        }
        let tree = root.start().await.unwrap();
        World { tree, ports, _folder: folder }
    }

    /// Asks for all campaigns in all regions until each of them has money there, and lets the regions pace them for a while.
    async fn bid(&self, campaigns: u32, plan: &Plan) {
        for port in &self.ports {
            while !(1..=campaigns).all(|id| is_funded(port, CampaignId(id))) {
                let view = port.open().expect("the region is open");
                for id in (1..=campaigns).filter(|id| !is_funded(port, CampaignId(*id))) {
                    drop(view.try_hold(Want { campaign: CampaignId(id), plan: plan.clone(), ..want() }));
                }
                drop(view);
                sleep(Duration::from_millis(100)).await;
            }
        }
        sleep(Duration::from_secs(5)).await;
    }
}

fn is_funded(port: &RegionPort, campaign: CampaignId) -> bool {
    port.open().expect("the region is open").funds(campaign).is_some_and(|funds| Nanos(0) < funds.available)
}

/// A world of so many campaigns that bid, and the bytes that this takes.
async fn bidding(campaigns: u32, plan: &Plan) -> (World, usize) {
    let world = World::start(campaigns).await;
    let before = ALLOCATOR.allocated();
    world.bid(campaigns, plan).await;
    let bytes = ALLOCATOR.allocated() - before;
    (world, bytes)
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_bids_in_three_regions_takes_four_kilobytes_more() {
    let day = plan(Duration::from_secs(86_400));
    // What is made once is there; nothing is given back while others are counted.
    let (once, _) = bidding(10, &day).await;
    let (few, with_few) = bidding(FEW, &day).await;
    let (many, with_many) = bidding(MANY, &day).await;
    let each = (with_many - with_few) / (MANY - FEW) as usize;
    println!("{each} bytes more a campaign that bids in three regions");
    assert!(each <= BIDDING_MAX, "a campaign takes {each} bytes");
    assert!(each >= 400, "{each} bytes cannot be all");
    for world in [once, few, many] {
        world.tree.shutdown().await;
    }
}
