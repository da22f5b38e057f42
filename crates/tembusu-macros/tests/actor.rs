//! What the attribute writes behaves as what one would write by hand.

use std::time::Duration;

use tembusu::{Address, CallError, Context, ExitReason, Flow, Init, Reply, Supervisor, actor, child};
use tembusu_testkit::{Journal, virtual_time};

const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
#[error("the ledger is lost")]
struct LedgerLost;

#[derive(Debug, PartialEq)]
struct BelowFloor;

/// An actor that uses everything the attribute knows.
struct Pacer {
    budget: i64,
    journal: Journal,
    late: Option<Reply<i64>>,
}

#[actor(message = Order, client = Orders)]
impl Pacer {
    async fn init(args: &(i64, Journal), cx: &mut Context<Self>) -> Result<Init<Self>, LedgerLost> {
        let (budget, journal) = args.clone();
        journal.note(format!("init {}", cx.incarnation()));
        if budget < 0 {
            return Ok(Init::Ignore);
        }
        Ok(Init::Ready(Self { budget, journal, late: None }))
    }

    /// Adds to the budget.
    #[tell]
    fn add(&mut self, amount: i64) -> Result<(), LedgerLost> {
        self.budget += amount;
        Ok(())
    }

    #[call]
    async fn take(&mut self, amount: i64, floor: i64) -> Result<Result<i64, BelowFloor>, LedgerLost> {
        tokio::task::yield_now().await;
        Ok(self.take_at(amount, floor))
    }

    #[call]
    fn incarnation(&self, cx: &mut Context<Self>) -> Result<u64, LedgerLost> {
        Ok(cx.incarnation())
    }

    #[call]
    fn r#try(&mut self, fail: bool) -> Result<(), LedgerLost> {
        if fail { Err(LedgerLost) } else { Ok(()) }
    }

    /// Answered later: the reply is an argument like any other.
    #[tell]
    fn ask_later(&mut self, reply: Reply<i64>) -> Result<(), LedgerLost> {
        self.late = Some(reply);
        Ok(())
    }

    #[tell]
    fn answer(&mut self) -> Result<Flow, LedgerLost> {
        match self.late.take() {
            Some(reply) => drop(reply.send(self.budget)),
            None => return Ok(Flow::Stop),
        }
        Ok(Flow::Continue)
    }

    async fn stop(self, reason: &ExitReason) {
        self.journal.note(format!("stop {reason}"));
    }

    fn take_at(&mut self, amount: i64, floor: i64) -> Result<i64, BelowFloor> {
        if amount < floor {
            return Err(BelowFloor);
        }
        self.budget -= amount;
        Ok(self.budget)
    }
}

async fn started(budget: i64) -> (tembusu::Tree, Address<Order>, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(3, Duration::from_secs(10));
    let pacer = root.add(child::<Pacer>("pacer", (budget, journal.clone())));
    (root.start().await.expect("it starts"), pacer, journal)
}

#[test]
fn calls_are_answered_and_tells_are_handled_in_order() {
    virtual_time(async {
        let (_tree, pacer, _) = started(10).await;
        pacer.add(5).expect("there is room");
        assert_eq!(pacer.take(12, 1).within(PATIENCE).await.expect("an answer"), Ok(3));
        assert_eq!(pacer.take(1, 2).within(PATIENCE).await.expect("an answer"), Err(BelowFloor));
        let (answer, ()) = tokio::join!(pacer.call(|reply| Order::AskLater { reply }, PATIENCE), async {
            pacer.answer().expect("there is room");
        });
        assert_eq!(answer.expect("an answer"), 3);
    });
}

#[test]
fn an_error_is_a_crash_and_the_address_works_after_it() {
    virtual_time(async {
        let (_tree, pacer, journal) = started(10).await;
        let crashed = pacer.r#try(true).within(PATIENCE).await;
        assert!(matches!(crashed, Err(CallError::Died(ExitReason::Error(_)))), "{crashed:?}");
        assert_eq!(pacer.incarnation().within(PATIENCE).await.expect("an answer"), 2);
        assert_eq!(journal.take(), ["init 1", "init 2"], "stop does not run after a crash");
    });
}

#[test]
fn flow_and_stop_are_the_actors_own() {
    virtual_time(async {
        let (tree, pacer, journal) = started(10).await;
        pacer.answer().expect("there is room");
        assert_eq!(pacer.incarnation().within(PATIENCE).await.expect("an answer"), 2, "it ended and is permanent");
        tree.shutdown().await;
        assert_eq!(journal.take(), ["init 1", "stop normal", "init 2", "stop shutdown"]);
    });
}

#[test]
fn init_may_ignore() {
    virtual_time(async {
        let (_tree, pacer, journal) = started(-1).await;
        assert!(pacer.add(1).is_err());
        assert_eq!(journal.take(), ["init 1"]);
    });
}

#[test]
fn misuse_does_not_compile_and_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
