//! A ledger that takes its time, as one that reads a busy day's users does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ledger::{CapAnswer, CapCount, CapReader, CapStore, CapStoreError, LedgerMessage, RegionSnapshot};
use region::{RegionArgs, region_supervisor};
use tembusu::{Actor, Context, Flow, Init, Supervisor, child};
use tokio::time::{Instant, sleep};

/// How long it reads before it answers.
const READS_FOR: Duration = Duration::from_secs(2);

struct SlowLedger;

impl Actor for SlowLedger {
    type Message = LedgerMessage;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, message: LedgerMessage, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        if let LedgerMessage::Snapshot { region, reply, .. } = message {
            sleep(READS_FOR).await;
            let _ = reply.send(RegionSnapshot { region, region_seq: 0, leases: Vec::new(), billed: Vec::new() });
        }
        Ok(Flow::Continue)
    }
}

/// Counts of nobody, after a while.
#[derive(Debug)]
struct SlowCounts;

impl CapStore for SlowCounts {
    fn open(&self, _: Arc<str>) -> CapAnswer<'_> {
        Box::pin(async {
            sleep(READS_FOR).await;
            Ok(Box::new(NoCounts) as Box<dyn CapReader>)
        })
    }
}

struct NoCounts;

impl CapReader for NoCounts {
    fn begin(&mut self) -> Result<u64, CapStoreError> {
        Ok(0)
    }

    fn read(&mut self, _: i64, _: &mut dyn FnMut(CapCount) -> bool) -> Result<(), CapStoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_waits_for_its_snapshot_and_does_not_crash_for_want_of_it() {
    let mut root = Supervisor::one_for_one("root");
    let ledger = root.add(child::<SlowLedger>("ledger", ()));
    let (region, port) =
        region_supervisor("sg", RegionArgs { caps: Arc::new(SlowCounts), ..RegionArgs::new(ledger, 1) });
    root.supervisor(region);
    let begin = Instant::now();
    let tree = root.start().await.expect("the region starts");
    assert!(READS_FOR * 3 <= begin.elapsed(), "one snapshot for each actor");
    assert!(port.is_open());
    let snapshot = tree.handle().snapshot();
    let region = snapshot.find("root/sg").expect("the region");
    assert_eq!(region.children.iter().map(|child| child.incarnation).collect::<Vec<_>>(), [1, 1, 1]);
}
