//! All exchanges of a plan, started together and stopped together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::exchange::Stage;
use super::plan::SimulationPlan;
use crate::Dice;
use crate::load::{Schedule, StopHandle, Tally, TallySheet};
use crate::notice::{NoticeDesk, Record, RecordTotals};
use crate::traffic::Generator;

/// How long after the start the first request is due: the connections are open by then.
const LEAD: Duration = Duration::from_millis(50);

/// A running simulation. Dropping it ends everything at once.
#[derive(Debug)]
pub struct Simulator {
    started_at: Instant,
    stop: StopHandle,
    stages: Vec<(Arc<Stage>, Arc<Schedule>)>,
    lanes: JoinSet<()>,
    desk: NoticeDesk,
}

/// What a simulation found.
#[derive(Clone, Debug)]
pub struct SimulationReport {
    /// From the start to the last answer.
    pub elapsed: Duration,
    /// How the requests ended, by exchange.
    pub exchanges: BTreeMap<Arc<str>, Tally>,
    /// What we were charged.
    pub record: RecordTotals,
    /// Whether every notice was acknowledged or refused.
    pub settled: bool,
    /// The first complaints about answers, in words.
    pub complaints: Vec<String>,
}

impl SimulationReport {
    /// Adds up all exchanges.
    pub fn total(&self) -> Tally {
        let mut total = Tally::new();
        for tally in self.exchanges.values() {
            total.add(tally);
        }
        total
    }
}

impl Simulator {
    /// Opens the connections and starts the schedules.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(plan: SimulationPlan) -> Self {
        let SimulationPlan { seed, rates, exchanges, notices, limit, pace } = plan;
        let desk = NoticeDesk::start(notices, seed);
        let rates = Arc::new(rates);
        let stop = StopHandle::new();
        let started_at = Instant::now();
        let mut lanes = JoinSet::new();
        let mut stages = Vec::new();
        for (number, plan) in exchanges.into_iter().enumerate() {
            let seed = Dice::derive(seed, number as u64).next_u64();
            let schedule = Arc::new(Schedule::new(started_at + LEAD, plan.requests_per_second, limit, pace, &stop));
            let stage = Arc::new(Stage {
                generator: Generator::new(plan.dialect.clone(), plan.mix.clone(), seed),
                plan,
                seed,
                rates: rates.clone(),
                tally: TallySheet::new(),
                inbox: desk.inbox(),
                complaints: Mutex::default(),
            });
            for _ in 0..stage.plan.connections.max(1) {
                let (stage, schedule) = (stage.clone(), schedule.clone());
                lanes.spawn(async move { stage.play(&schedule).await });
            }
            stages.push((stage, schedule));
        }
        Self { started_at, stop, stages, lanes, desk }
    }

    /// Returns the counts of every exchange so far, in the plan's order.
    pub fn live(&self) -> Vec<(Arc<str>, Tally)> {
        self.stages.iter().map(|(stage, _)| (stage.plan.name.clone(), stage.tally.snapshot())).collect()
    }

    /// Returns the counts of one exchange so far.
    pub fn tally(&self, exchange: &str) -> Option<Tally> {
        let (stage, _) = self.stages.iter().find(|(stage, _)| stage.plan.name.as_ref() == exchange)?;
        Some(stage.tally.snapshot())
    }

    /// Returns the record of what we were charged.
    pub fn record(&self) -> Record {
        self.desk.record()
    }

    /// Returns the sender of notices, to repeat what was not acknowledged.
    pub fn desk(&self) -> &NoticeDesk {
        &self.desk
    }

    /// Returns a handle that stops the schedules from elsewhere, for example on Ctrl-C.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Lets no further request be sent; those in flight, and notices, go on.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Waits until the schedules have ended, by their limit or by [`stop`](Self::stop), and the last answer is in.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if this future is dropped.
    pub async fn played(&mut self) {
        while self.lanes.join_next().await.is_some() {}
    }

    /// Waits for the end ([`played`](Self::played)), then up to `settle_within` for the notices, and reports.
    pub async fn finish(&mut self, settle_within: Duration) -> SimulationReport {
        self.played().await;
        let ended_at = Instant::now();
        let in_time = self.desk.settle(settle_within).await;
        let mut complaints = Vec::new();
        let mut exchanges = BTreeMap::new();
        for (stage, schedule) in &self.stages {
            let mut tally = stage.tally.snapshot();
            tally.unsent = schedule.unsent(ended_at);
            tally.scheduled += tally.unsent;
            exchanges.insert(stage.plan.name.clone(), tally);
            complaints.extend(stage.complaints.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        }
        let record = self.desk.record();
        SimulationReport {
            elapsed: ended_at - self.started_at,
            exchanges,
            settled: in_time && record.is_settled(),
            record: record.totals(),
            complaints,
        }
    }
}
