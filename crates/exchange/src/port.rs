//! What the sockets hold of an exchange: the way from framed bytes to an answer, through actors that may be away.
//!
//! Engine and serializer are entered by inline calls: a request runs to completion on its connection's thread, and waits only
//! while one of the two is being restarted. Whatever happens behind it, the caller gets an answer with a reason. Money is
//! committed here, last before the bytes leave.

use std::sync::Arc;
use std::time::Duration;

use region::{Hold, NotTracked};
use tembusu::{Address, Inline, InlineError, Table};
use tokio::time::Instant;

use crate::NoBidReason;
use crate::decision::ImpBid;
use crate::drops::DropSampler;
use crate::engine::{Decide, EngineAnswer, EngineSettings, Offer, RegionCells, no_bid};
use crate::payload::PayloadKeeper;
use crate::pool::{Admission, InFlight, PoolMessage};
use crate::reason::unserved;
use crate::serializer::Serializer;
use crate::sockets::{Answer, Framed, Handler, Outcome, TIMER_SLACK};
use crate::trial::Gate;

/// One exchange as its sockets see it. Cheap to clone; the same for all incarnations.
#[derive(Clone, Debug)]
pub struct ExchangePort {
    pub(crate) settings: Arc<EngineSettings>,
    pub(crate) pool: Address<PoolMessage>,
    pub(crate) admission: Table<Admission>,
    pub(crate) engine: Inline<dyn Decide>,
    pub(crate) serializer: Inline<Serializer>,
    /// By place in the exchange's territories.
    pub(crate) regions: RegionCells,
    pub(crate) payloads: PayloadKeeper,
    /// Which requests meet an engine on trial; absent where an operator alone restores.
    pub(crate) gate: Option<Gate>,
}

impl ExchangePort {
    /// The exchange's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.exchange
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.settings.exchange
    }

    /// The requests that were set aside to be asked about.
    #[must_use]
    pub fn samples(&self) -> &DropSampler {
        &self.settings.samples
    }

    /// The payloads that crashed its engine.
    #[must_use]
    pub fn payloads(&self) -> &PayloadKeeper {
        &self.payloads
    }

    /// The requests in flight; absent while the pool is away.
    #[must_use]
    pub fn in_flight(&self) -> Option<Arc<InFlight>> {
        self.admission.read().map(|admission| Arc::clone(admission.in_flight()))
    }

    /// The exchange's runtime has beaten, so late: what follows is the pool's to decide. For who lets the lane beat.
    pub fn beaten(&self, now: Instant, lag: Duration) {
        let meters = &self.settings.meters.runtime;
        meters.lag_nanos.set(i64::try_from(lag.as_nanos()).unwrap_or(i64::MAX));
        // While the pool is away there is nothing to decide.
        let pressure = self.admission.read().map_or(0, |admission| admission.beaten(now, lag));
        meters.pressure_permille.set(pressure.into());
    }

    /// How many requests it has answered, whatever with.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.settings.meters.requests.get()
    }

    /// The pool's address.
    #[must_use]
    pub fn pool(&self) -> &Address<PoolMessage> {
        &self.pool
    }

    /// Inside of the engine's view: what an engine on trial does not meet gets the stand-in's answer.
    fn decide(&self, engine: &dyn Decide, request: &Framed) -> EngineAnswer {
        match &self.gate {
            Some(gate) if !gate.admits() => no_bid::DEGRADED,
            _ => engine.decide(request),
        }
    }

    async fn bid(&self, offer: Box<Offer>, deadline: Instant) -> Answer {
        let region = self.regions[offer.bid.region].as_deref();
        let bids = offer.bid.imps.len() as u64;
        let written = self.serializer.call_until(|serializer| serializer.write(&offer), deadline).await;
        let sent = match written {
            // The money goes back: the sockets would not send it any more.
            Ok(_) if Instant::now() >= deadline => Err(unserved::DEADLINE),
            Ok(body) => self.commit(*offer).map(|()| body),
            Err(error) => {
                let_successor_start(&error).await;
                Err(reason_of(&error, unserved::SERIALIZER_CRASHED))
            }
        };
        match sent {
            Ok(body) => {
                self.settings.meters.bids.add(bids);
                region.inspect(|meters| meters.bids.add(bids));
                Answer::Content(body)
            }
            Err(reason) => {
                region.inspect(|meters| meters.no_bids.inc(reason));
                Answer::NoBid(reason)
            }
        }
    }

    /// Hands the money over to the region, so that it is tracked before the exchange can report on it: all of it or nothing.
    fn commit(&self, offer: Offer) -> Result<(), &'static str> {
        let Offer { bid, seals } = offer;
        for (at, imp) in bid.imps.into_iter().enumerate() {
            let Some(hold) = imp.hold else { continue };
            let Err(not_tracked) = hold.commit(seals[at].token_id) else { continue };
            let region = &self.settings.territories[bid.region].port;
            seals[..at].iter().for_each(|earlier| region.withdraw(earlier.token_id));
            return Err(match not_tracked {
                NotTracked::RegionDown => NoBidReason::RegionDown.as_str(),
                _ => NoBidReason::ReservationsFull.as_str(),
            });
        }
        Ok(())
    }
}

impl Handler for ExchangePort {
    async fn answer(&self, request: Framed) -> Answer {
        let deadline = request.deadline - TIMER_SLACK;
        // Without a table the pool is away: the number of connections is the limit then, and a stand-in may answer.
        let admission = self.admission.read();
        let admitted = match &admission {
            Some(admission) => match admission.enter(&request.body, request.first_byte) {
                Ok((ticket, class)) => Some((ticket, class.map(|class| (admission, class)))),
                Err(reason) => return Answer::NoBid(reason),
            },
            None => None,
        };
        let decided = self.engine.call_until(|engine| self.decide(engine, &request), deadline).await;
        if let (Some((_, Some((admission, class)))), Ok(answer)) = (&admitted, &decided) {
            admission.learn(*class, worth(answer));
        }
        match decided {
            Ok(EngineAnswer::Bid(offer)) => self.bid(offer, deadline).await,
            Ok(EngineAnswer::NoBid(no_bid)) => Answer::NoBid(no_bid.reason.as_str()),
            Ok(EngineAnswer::Malformed(kind)) => Answer::Malformed(kind),
            Err(error) => {
                let_successor_start(&error).await;
                Answer::NoBid(reason_of(&error, unserved::ENGINE_CRASHED))
            }
        }
    }

    fn admit(&self, first_byte: Instant) -> Result<(), &'static str> {
        self.admission.read().map_or(Ok(()), |admission| admission.admit(first_byte))
    }

    fn record(&self, outcome: Outcome) {
        let meters = &self.settings.meters;
        meters.requests.inc();
        meters.statuses.inc(outcome.status);
        meters.latency.observe(outcome.elapsed);
        match outcome.status {
            200 => {}
            204 => meters.no_bids.inc(outcome.reason),
            _ => meters.malformed.inc(outcome.reason),
        }
        if outcome.late {
            meters.late.inc();
        }
        if SHED.contains(&outcome.reason) {
            meters.shed.inc();
        }
    }

    fn connection_event(&self, event: &'static str) {
        let meters = &self.settings.meters;
        let connections = &meters.connections;
        match event {
            "client_gone" => meters.unanswered.inc(),
            "opened" => {
                connections.open.inc();
                connections.accepted.inc();
            }
            "closed" | "moved" => connections.open.dec(),
            "resumed" => connections.open.inc(),
            "lost" => {
                connections.open.dec();
                connections.closed_by_us.inc(event);
                // A request of it was in hand.
                meters.unanswered.inc();
            }
            "panicked" => {
                connections.open.dec();
                connections.closed_by_us.inc(event);
            }
            "ready_poll" => connections.ready_polls.inc(),
            "accept_failed" => connections.refused.inc(),
            "stalled" | "idle" | "bad_head" | "cut" => connections.closed_by_us.inc(event),
            _ => {}
        }
    }
}

/// The reasons of requests that were answered at once because they could not be served, or not in time.
const SHED: [&str; 5] = [
    unserved::OVERLOAD,
    unserved::INSUFFICIENT_TIME,
    unserved::OVER_QUOTA,
    unserved::SHED_PRIORITY,
    unserved::SHED_VALUE,
];

/// What an answer is worth, in nano-USD: the prices of its bids, as they are billed.
fn worth(answer: &EngineAnswer) -> u64 {
    let EngineAnswer::Bid(offer) = answer else { return 0 };
    let worth = |imp: &ImpBid<Hold>| u64::try_from(imp.price_usd.cost_in_usd().0).unwrap_or(0);
    offer.bid.imps.iter().map(worth).sum()
}

/// Whoever met a crash lets the new incarnation start before it writes its answer: the thread is the same, others wait for
/// that start, and a write to a socket takes longer than it.
async fn let_successor_start(error: &InlineError) {
    if matches!(error, InlineError::Died(_)) {
        tokio::task::yield_now().await;
    }
}

/// The truth about a call that brought no answer, as a reason.
fn reason_of(error: &InlineError, crashed: &'static str) -> &'static str {
    match error {
        InlineError::Died(_) => crashed,
        InlineError::Timeout => unserved::DEADLINE,
        InlineError::Degraded => unserved::DEGRADED,
        _ => unserved::NOBODY_HOME,
    }
}
