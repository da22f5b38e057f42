//! A running ledger under a root supervisor.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ledger::{
    Clock, LeaseAsk, LeaseGrant, LedgerArgs, LedgerGauge, LedgerMessage, Notice, NoticeAnswer, Subscribers, Totals,
};
use tembusu::{Address, CallError, Supervisor, SupervisorRef, Tree};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{BUDGET, CAMPAIGN, World};

/// Longer than any test takes.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) world: World,
    pub(crate) ledger: Address<LedgerMessage>,
    pub(crate) subscribers: Subscribers,
    pub(crate) now_ms: Arc<AtomicI64>,
    pub(crate) supervisor: SupervisorRef,
    pub(crate) figures: LedgerGauge,
    pub(crate) tree: Tree,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::over(World::new()).await
    }

    pub(crate) async fn over(world: World) -> Self {
        Self::on(world, Handle::current()).await
    }

    /// Runs the ledger on a runtime of its own.
    pub(crate) async fn on(world: World, runtime: Handle) -> Self {
        let now_ms = Arc::new(AtomicI64::new(0));
        let subscribers = Subscribers::new();
        let clock = Arc::clone(&now_ms);
        let args = LedgerArgs {
            store: world.options.clone(),
            budgets: vec![(CAMPAIGN, BUDGET)],
            subscribers: subscribers.clone(),
            clock: Clock::new(move || clock.load(Ordering::SeqCst)),
            ..LedgerArgs::new(world.path(), runtime)
        };
        let figures = args.figures.clone();
        let (supervisor, ledger) = ledger::supervisor(args);
        let mut root = Supervisor::one_for_one("root");
        let supervisor = root.supervisor(supervisor);
        let tree = root.start().await.expect("the ledger starts");
        Self { world, ledger, subscribers, now_ms, supervisor, figures, tree }
    }

    pub(crate) async fn notice(&self, notice: Notice) -> Result<NoticeAnswer, CallError<LedgerMessage>> {
        let notice = Box::new(notice);
        self.ledger.call(|reply| LedgerMessage::Notice { notice, reply }, WITHIN).await
    }

    pub(crate) async fn lease(&self, ask: LeaseAsk) -> LeaseGrant {
        let answer = self.ledger.call(|reply| LedgerMessage::Lease { ask, reply }, WITHIN).await;
        answer.expect("the ledger answers").expect("the budget is there")
    }

    pub(crate) async fn totals(&self) -> Totals {
        self.ledger.call(|reply| LedgerMessage::Totals { reply }, WITHIN).await.expect("the ledger answers")
    }
}

/// The next pushed value; a test that waits for one in vain fails instead of hanging.
pub(crate) async fn next<T>(pushed: &mut UnboundedReceiver<T>) -> T {
    let next = tokio::time::timeout(WITHIN, pushed.recv()).await;
    next.expect("something is pushed in time").expect("the pusher lives")
}
