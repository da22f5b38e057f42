//! Regions in a tree with the real ledger, all on one thread and a virtual clock: a wait in it ends when nothing else can
//! happen before.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use campaign::{CampaignId, CapMemory, CapWindow, Caps, CreativeId, Flight, Pacing};
use ledger::{
    CapKey, Clock, EventKind, LeaseId, LedgerArgs, LedgerMessage, Notice, NoticeAnswer, NoticeKind, OpenLease,
    PriceSeen, RegionSnapshot, TokenClaims, TokenId, Totals,
};
use money::{Cpm, Currency, Nanos, Rate};
use region::risk::{BidClass, Format};
use region::{CapUser, Hold, Plan, Refusal, RegionArgs, RegionPort, Want, region_supervisor};
use tembusu::{Address, NodeSnapshot, Supervisor, Tree};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

pub(crate) const START_MS: i64 = 1_790_000_000_000;
pub(crate) const CAMPAIGN: CampaignId = CampaignId(7);
/// What one bid of the tests costs: 1.20 USD per thousand.
pub(crate) const PRICE: Nanos = Nanos(1_200_000);
pub(crate) const TTL: Duration = Duration::from_secs(60);
/// How long a lease of the tests may be bid with, and how long after that it may be billed.
pub(crate) const LEASE_LIFE: Duration = Duration::from_secs(60);
pub(crate) const LEASE_GRACE: Duration = ledger::LEASE_GRACE;
const WITHIN: Duration = Duration::from_secs(1);

/// A bid that is out, and what its notices say.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) token: TokenId,
    pub(crate) claims: TokenClaims,
}

pub(crate) struct World {
    pub(crate) tree: Tree,
    pub(crate) ledger: Address<LedgerMessage>,
    pub(crate) ports: Vec<RegionPort>,
    /// How many were made: the next one is named by the number that follows.
    pub(crate) bids: u32,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) fn clock() -> Clock {
    let origin = Instant::now();
    Clock::new(move || START_MS + i64::try_from(origin.elapsed().as_millis()).unwrap())
}

pub(crate) fn key(user: u8) -> CapKey {
    CapKey([user; CapKey::BYTES]).marked(CapMemory::Day, false)
}

pub(crate) fn plan(pacing: Pacing) -> Plan {
    let flight = Flight { starts_ms: START_MS - 1_000, ends_ms: START_MS + 86_400_000 };
    Plan { budget: Nanos(250_000_000_000), flight, pacing, hours: None, strict: false }
}

pub(crate) fn want() -> Want {
    Want {
        campaign: CAMPAIGN,
        plan: plan(Pacing::Asap),
        price: PRICE,
        user: None,
        caps: Caps::NONE,
        creative: CreativeId(1),
        creative_caps: Caps::NONE,
        class: BidClass::of("google_adx", Format::Web),
        lesson: None,
        ttl: TTL,
        draw: 0,
    }
}

/// The same for a user, in a campaign that may be seen so often a day.
pub(crate) fn capped(user: u8, cap: u32) -> Want {
    Want { user: Some(CapUser::lasting(key(user))), caps: Caps::NONE.with(CapWindow::Day, cap), ..want() }
}

/// Lets everything happen that happens at once, the ledger's group commits included.
pub(crate) async fn settle() {
    sleep(Duration::from_millis(20)).await;
}

/// What stands in the token of a bid with this number.
pub(crate) fn seal(hold: &Hold, region: &Arc<str>, number: u32) -> Sent {
    let mut token = [0; TokenId::BYTES];
    token[12..].copy_from_slice(&number.to_be_bytes());
    let claims = TokenClaims {
        exchange: "google_adx".into(),
        region: Arc::clone(region),
        auction: format!("auction-{number}"),
        imp: "1".into(),
        bid: number.to_string(),
        campaign: hold.campaign(),
        definition: Some(1),
        creative: CreativeId(1),
        lease: hold.lease(),
        bid_price: Cpm(hold.price().0),
        currency: Currency::USD,
        rate: Rate::ONE,
        cap_key: hold.cap_key(),
        issued_ms: START_MS,
        test: false,
    };
    Sent { token: TokenId(token), claims }
}

impl World {
    /// One region, `sg`, and a campaign with a budget.
    pub(crate) async fn one(budget: Nanos) -> Self {
        Self::start(&["sg"], budget, |args| args).await
    }

    pub(crate) async fn start(regions: &[&str], budget: Nanos, adjust: impl Fn(RegionArgs) -> RegionArgs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self::start_in(folder.path(), regions, budget, adjust).await;
        Self { _folder: Some(folder), ..world }
    }

    /// The same in a folder that may have a ledger.
    pub(crate) async fn start_in(
        folder: &Path,
        regions: &[&str],
        budget: Nanos,
        adjust: impl Fn(RegionArgs) -> RegionArgs,
    ) -> Self {
        let mut args = LedgerArgs::new(folder.join("ledger.db"), Handle::current());
        args.store.lease_life = LEASE_LIFE;
        args.store.lease_grace = LEASE_GRACE;
        args.store.regions = u32::try_from(regions.len()).unwrap();
        args.budgets.push((CAMPAIGN, budget));
        let clock = clock();
        args.clock = clock.clone();
        let (ledger_supervisor, ledger) = ledger::supervisor(args);

        let mut root = Supervisor::one_for_one("root");
        root.supervisor(ledger_supervisor);
        let mut ports = Vec::new();
        for name in regions {
            let mut args = RegionArgs::new(ledger.clone(), u32::try_from(regions.len()).unwrap());
            args.clock = clock.clone();
            let (supervisor, port) = region_supervisor(name, adjust(args));
            root.supervisor(supervisor);
            ports.push(port);
        }
        let tree = root.start().await.unwrap();
        Self { tree, ledger, ports, bids: 0, _folder: None }
    }

    pub(crate) fn port(&self) -> &RegionPort {
        &self.ports[0]
    }

    pub(crate) fn hold(&self, want: Want) -> Result<Hold, Refusal> {
        self.port().open().expect("the region is open").try_hold(want)
    }

    /// Asks once, so that the pacer takes a lease.
    pub(crate) async fn fund(&self) {
        drop(self.hold(want()));
        settle().await;
    }

    /// Commits a hold as the bid path does before it sends the bid.
    pub(crate) fn send(&mut self, hold: Hold) -> Sent {
        self.bids += 1;
        let sent = seal(&hold, self.port().name(), self.bids);
        hold.commit(sent.token).expect("the region tracks the bid");
        sent
    }

    /// Holds and sends.
    pub(crate) fn bid(&mut self, want: Want) -> Sent {
        let hold = self.hold(want).expect("the campaign may bid");
        self.send(hold)
    }

    /// Sends a notice and waits until the ledger has it on disk; what the region does about it comes later.
    pub(crate) async fn notice(&self, kind: NoticeKind, sent: &Sent, price: Nanos) -> NoticeAnswer {
        let notice =
            Notice { kind, token: sent.token, claims: sent.claims.clone(), price: PriceSeen::Price(Cpm(price.0)) };
        let notice = Box::new(notice);
        self.ledger.call(|reply| LedgerMessage::Notice { notice, reply }, WITHIN).await.unwrap()
    }

    pub(crate) async fn totals(&self) -> Totals {
        self.ledger.call(|reply| LedgerMessage::Totals { reply }, WITHIN).await.unwrap()
    }

    /// The region as the ledger has it.
    pub(crate) async fn on_disk(&self) -> RegionSnapshot {
        let region = self.port().name().clone();
        self.ledger.call(|reply| LedgerMessage::Snapshot { region, since_ms: 0, reply }, WITHIN).await.unwrap()
    }

    pub(crate) async fn leases(&self) -> Vec<OpenLease> {
        self.on_disk().await.leases
    }

    pub(crate) async fn count(&self, kind: EventKind) -> u64 {
        self.totals().await.count(kind)
    }

    /// How often the ledger has billed a user, and how often the region thinks so.
    pub(crate) async fn billed(&self, user: u8) -> (u32, u32) {
        let on_disk = self.on_disk().await;
        let disk = on_disk.billed.iter().filter(|count| count.cap_key == key(user)).map(|count| count.count).sum();
        let region = self.port().open().unwrap().caps().counts(CAMPAIGN, key(user)).billed;
        (disk, region)
    }

    /// For each lease that the running incarnation bids with, what the ledger and the region think was spent.
    pub(crate) async fn spent_by_lease(&self) -> Vec<(LeaseId, Nanos, Nanos)> {
        let on_disk = self.leases().await;
        let view = self.port().open().unwrap();
        let Some(account) = view.pacer().account(CAMPAIGN) else { return Vec::new() };
        let spent = |cell: &region::LeaseCell| {
            let disk = on_disk.iter().find(|lease| lease.lease == cell.id()).expect("the ledger knows the lease");
            (cell.id(), disk.spent, cell.figures().spent)
        };
        account.leases().iter().map(|cell| spent(cell)).collect()
    }

    pub(crate) fn node(&self, path: &str) -> NodeSnapshot {
        self.tree.handle().snapshot().find(path).unwrap_or_else(|| panic!("no node {path}")).clone()
    }

    /// The incarnations of a region's three actors.
    pub(crate) fn incarnations(&self, region: &str) -> Vec<u64> {
        self.node(&format!("root/{region}")).children.iter().map(|child| child.incarnation).collect()
    }

    pub(crate) async fn figures(&self) -> region::BiddingFigures {
        self.port().figures(WITHIN).await.unwrap()
    }
}
