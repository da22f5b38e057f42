//! Leases come from whatever grants them: a region takes no other money, and does without while it gets no answer.

mod common;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use common::{PRICE, World, settle, want};
use ledger::{BankAnswer, BankError, LeaseAsk, LeaseBank, LeaseGrant, LeaseId, LeaseRefusal, Totals};
use money::Nanos;
use region::Refusal;

/// A bank that several nodes could share, in front of a ledger: it grants what is within its own limit, and counts.
#[derive(Debug)]
struct Shared {
    ledger: Arc<dyn LeaseBank>,
    limit: AtomicI64,
    granted: AtomicI64,
    silent: AtomicBool,
}

impl LeaseBank for Shared {
    fn lease(&self, ask: LeaseAsk) -> BankAnswer<'_, Result<LeaseGrant, LeaseRefusal>> {
        Box::pin(async move {
            if self.silent.load(Relaxed) {
                return Err(BankError::new("the other node is away"));
            }
            let free = Nanos(self.limit.load(Relaxed));
            if free < ask.least {
                return Ok(Err(LeaseRefusal::BudgetExhausted { free }));
            }
            let want = ask.want.min(free);
            // Taken before the ledger is asked: another node may ask meanwhile.
            self.limit.fetch_sub(want.0, Relaxed);
            let answer = self.ledger.lease(LeaseAsk { want, ..ask }).await?;
            let granted = answer.as_ref().map_or(0, |grant| grant.amount.0);
            self.limit.fetch_add(want.0 - granted, Relaxed);
            self.granted.fetch_add(granted, Relaxed);
            Ok(answer)
        })
    }

    fn give_back(&self, lease: LeaseId, keep: Nanos) -> BankAnswer<'_, Nanos> {
        self.ledger.give_back(lease, keep)
    }

    fn totals(&self) -> BankAnswer<'_, Totals> {
        self.ledger.totals()
    }
}

impl Shared {
    /// Regions that share a bank with so much to grant, and the bank.
    async fn world(regions: &[&str], limit: Nanos) -> (World, Arc<Shared>) {
        let shared = OnceLock::new();
        let world = World::start(regions, Nanos(PRICE.0 * 1_000), |mut args| {
            let ledger = Arc::clone(&args.bank);
            let (granted, silent) = (AtomicI64::new(0), AtomicBool::new(false));
            let bank = shared.get_or_init(|| Arc::new(Shared { ledger, limit: limit.0.into(), granted, silent }));
            args.bank = Arc::<Shared>::clone(bank);
            args
        });
        let world = world.await;
        (world, shared.into_inner().expect("a region asked for it"))
    }
}

#[tokio::test(start_paused = true)]
async fn regions_that_share_a_bank_never_hold_more_than_it_has_granted() {
    let (world, bank) = Shared::world(&["sg", "id"], Nanos(PRICE.0 * 40)).await;
    let mut holds = Vec::new();
    for _ in 0..100 {
        for port in &world.ports {
            holds.extend(port.open().unwrap().try_hold(want()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let held: i64 = holds.iter().map(|hold| hold.price().0).sum();
    let granted = bank.granted.load(Relaxed);
    assert!(0 < held && held <= granted && granted <= PRICE.0 * 40, "{held} of {granted}");
    for port in &world.ports {
        let refused = port.open().unwrap().try_hold(want()).map(drop);
        assert_eq!(refused, Err(Refusal::BudgetExhausted), "the ledger has more, and the bank does not grant it");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_bank_is_silent_bids_go_on_from_what_was_granted_and_then_wait_for_it() {
    let (world, bank) = Shared::world(&["sg"], Nanos(i64::MAX)).await;
    world.fund().await;
    bank.silent.store(true, Relaxed);
    let mut holds = Vec::new();
    while let Ok(hold) = world.hold(want()) {
        holds.push(hold);
        settle().await;
    }
    assert!(!holds.is_empty(), "there was a lease");
    assert_eq!(world.hold(want()).map(drop), Err(Refusal::Unfunded), "no answer is no verdict on the budget");
    bank.silent.store(false, Relaxed);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(world.hold(want()).is_ok(), "it is asked again");
}
