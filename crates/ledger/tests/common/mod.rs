//! A ledger in a temporary folder, and notices to feed it.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod history;
pub(crate) mod tree;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use campaign::{CampaignId, CreativeId};
use ledger::{
    CapKey, LeaseAsk, LeaseGrant, LeaseId, Notice, NoticeKind, PriceSeen, Store, StoreOptions, TokenClaims, TokenId,
};
use money::{Cpm, Currency, Nanos, Rate};
use tempfile::TempDir;

pub(crate) const CAMPAIGN: CampaignId = CampaignId(7);
pub(crate) const BUDGET: Nanos = Nanos(10_000_000);
pub(crate) const BID: Cpm = Cpm(1_000);
pub(crate) const LIFE_MS: i64 = 60_000;
pub(crate) const GRACE_MS: i64 = 900_000;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) options: StoreOptions,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = StoreOptions {
            lease_life: Duration::from_millis(LIFE_MS.cast_unsigned()),
            lease_grace: Duration::from_millis(GRACE_MS.cast_unsigned()),
            regions: 1,
            ..StoreOptions::new(folder.path().join("ledger.db"))
        };
        Self { folder, options }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.options.path.clone()
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.options.clone()).expect("the ledger opens")
    }

    /// A ledger with one funded campaign, committed.
    pub(crate) fn funded(&self) -> Store {
        let mut store = self.open();
        store.set_budget(CAMPAIGN, BUDGET, 0).expect("a budget");
        store.commit().expect("a commit");
        store
    }
}

pub(crate) fn ask(region: &str, want: i64) -> LeaseAsk {
    LeaseAsk { region: region.into(), campaign: CAMPAIGN, want: Nanos(want), least: Nanos(BID.0) }
}

/// A committed lease.
pub(crate) fn lease(store: &mut Store, region: &str, want: i64) -> LeaseGrant {
    let grant = store.grant(&ask(region, want), 0).expect("the store works").expect("the budget is there");
    store.commit().expect("a commit");
    grant
}

pub(crate) fn token(number: u64) -> TokenId {
    let mut id = [0; TokenId::BYTES];
    id[..8].copy_from_slice(&number.to_be_bytes());
    TokenId(id)
}

pub(crate) fn claims(lease: LeaseId, region: &str) -> TokenClaims {
    TokenClaims {
        exchange: "google_adx".into(),
        region: Arc::from(region),
        auction: "auction-1".into(),
        imp: "1".into(),
        bid: "bid-1".into(),
        campaign: CAMPAIGN,
        definition: Some(3),
        creative: CreativeId(70),
        lease,
        bid_price: BID,
        currency: Currency::USD,
        rate: Rate::ONE,
        cap_key: Some(CapKey([9; CapKey::BYTES])),
        issued_ms: 1_700_000_000_000,
        test: false,
    }
}

pub(crate) fn notice(kind: NoticeKind, number: u64, lease: LeaseId, price: i64) -> Notice {
    Notice { kind, token: token(number), claims: claims(lease, "sg"), price: PriceSeen::Price(Cpm(price)) }
}

pub(crate) fn billing(number: u64, lease: LeaseId, price: i64) -> Notice {
    notice(NoticeKind::Billing, number, lease, price)
}
