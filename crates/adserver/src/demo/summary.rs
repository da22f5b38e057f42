//! The end of a demonstration: two records of the same money, compared.

use std::fmt;
use std::time::Duration;

use ledger::{Audit, EventKind, Totals};
use money::Nanos;
use simulator::{RecordTotals, SimulationReport, Tally};

use super::scene::Scene;
use super::show::Ending;
use crate::system::Drained;

/// What the demonstration came to.
#[derive(Debug)]
pub(crate) struct Summary {
    elapsed: Duration,
    traffic: Tally,
    record: RecordTotals,
    settled: bool,
    complaints: Vec<String>,
    ledger: Totals,
    /// Spent before this run: the folder may be an old one.
    spent_before: Nanos,
    drained: Drained,
    needs_wins: bool,
    exhausted: Option<String>,
}

impl Summary {
    /// Reads the ledger from disk, after it was closed, and checks that it balances.
    pub(crate) fn new(
        scene: &Scene,
        spent_before: Nanos,
        report: &SimulationReport,
        drained: &Drained,
        ending: &Ending,
    ) -> anyhow::Result<Summary> {
        let ledger = Audit::open(&scene.config.ledger.path)?.verify()?;
        Ok(Summary {
            elapsed: report.elapsed,
            traffic: report.total(),
            record: report.record.clone(),
            settled: report.settled,
            complaints: report.complaints.clone(),
            ledger,
            spent_before,
            drained: drained.clone(),
            // Who stops at once has seen no auction.
            needs_wins: matches!(ending, Ending::Elapsed),
            exhausted: match ending {
                Ending::Exhausted(reason) => Some(reason.to_string()),
                Ending::Elapsed | Ending::Signal => None,
            },
        })
    }

    fn spent(&self) -> Nanos {
        Nanos(self.ledger.spent.0 - self.spent_before.0)
    }

    /// Whether the money agrees to the nano, and nothing was lost on the way.
    pub(crate) fn is_whole(&self) -> bool {
        self.failures().is_empty()
    }

    fn failures(&self) -> Vec<String> {
        let traffic = &self.traffic;
        let mut failures = Vec::new();
        let mut fail_if = |is_wrong: bool, what: String| {
            if is_wrong {
                failures.push(what);
            }
        };
        fail_if(!self.settled, "some notices were never acknowledged".to_owned());
        fail_if(
            self.spent() != self.record.acknowledged,
            format!("the ledger recorded {} USD, the exchanges billed {} USD", self.spent(), self.record.acknowledged),
        );
        fail_if(self.needs_wins && self.record.wins.recorded == 0, "no bid was won".to_owned());
        fail_if(0 < traffic.lost(), format!("{} requests got no valid answer", traffic.lost()));
        fail_if(0 < traffic.closed_by_server(), format!("{} connections were closed", traffic.closed_by_server()));
        fail_if(0 < traffic.violations_total(), format!("{} bids break a rule", traffic.violations_total()));
        fail_if(
            self.exhausted.is_some(),
            format!("the root ended by itself: {}", self.exhausted.as_deref().unwrap_or("")),
        );
        fail_if(self.drained.reason.is_none(), "the drain did not end in time".to_owned());
        failures
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let traffic = &self.traffic;
        let mut row = |what: &str, value: String| writeln!(f, "  {what:<22} {value}");
        row("time", format!("{:.1} s, drained in {} ms", self.elapsed.as_secs_f64(), self.drained.took.as_millis()))?;
        row(
            "requests",
            format!(
                "{} sent, {} with a bid, {} without (204), {} malformed (400), {} late",
                traffic.sent, traffic.ok, traffic.no_content, traffic.bad_request, traffic.late
            ),
        )?;
        row(
            "latency",
            format!("p50 {} µs, p99 {} µs", traffic.service(0.5).as_micros(), traffic.service(0.99).as_micros()),
        )?;
        row("bids", format!("{} valid, {} won, {} lost", traffic.bids, traffic.wins, traffic.losses))?;
        row(
            "notices",
            format!(
                "{} wins, {} billings, {} losses acknowledged; {} repeated",
                self.record.wins.acknowledged,
                self.record.billings.acknowledged,
                self.record.losses.acknowledged,
                self.record.wins.repeats + self.record.billings.repeats + self.record.losses.repeats
            ),
        )?;
        row(
            "ledger",
            format!(
                "{} wins, {} billings; spent {} USD; {} more of tests and audits, recorded and not billed",
                self.ledger.count(EventKind::Win),
                self.ledger.count(EventKind::Billing),
                self.spent(),
                self.ledger.count(EventKind::WinObserved) + self.ledger.count(EventKind::BillingObserved)
            ),
        )?;
        row("exchanges' own record", format!("billed {} USD", self.record.acknowledged))?;
        for complaint in &self.complaints {
            row("complaint", complaint.clone())?;
        }
        let failures = self.failures();
        for failure in &failures {
            row("NOT WHOLE", failure.clone())?;
        }
        if failures.is_empty() {
            row("result", "ledger and exchanges agree to the nano-dollar".to_owned())?;
        }
        Ok(())
    }
}
