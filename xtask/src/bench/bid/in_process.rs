//! The engine, the serializer and the commit as plain calls on one pinned thread: bytes in, bytes out.
//!
//! No socket, no queue, no hop. The region's actors track every bid meanwhile, on other threads, as in the server.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use exchange::ExchangePort;
use exchange::engine::{Engine, EngineAnswer, Offer};
use exchange::serializer::Serializer;
use exchange::sockets::Framed;
use money::Cpm;
use simulator::{Dialect, Generator, TrafficMix};

use super::cores::{self, Cores};
use super::figures::Figures;
use super::tree::{NOTICE_BASE, Running};

/// Bodies that are sent in turn.
const BODIES: usize = 1_000;
/// One of so many bodies is bid on.
const BID_EVERY: usize = 5;
/// Requests drawn to find the bodies among.
const DRAWN_MAX: u64 = 20_000;
/// How long the regions may take to get their leases.
const FUNDED_WITHIN: Duration = Duration::from_secs(10);
/// An answer is never too late here.
const TIME: Duration = Duration::from_secs(60);

/// Bodies of which one in five is bid on.
#[derive(Clone, Debug)]
pub(super) struct Bodies(pub(super) Vec<Bytes>);

impl Bodies {
    pub(super) fn mean_bytes(&self) -> usize {
        self.0.iter().map(Bytes::len).sum::<usize>() / self.0.len().max(1)
    }
}

/// An engine and a serializer over a running tree.
pub(super) struct Bench {
    cores: Cores,
    tree: Running,
    engine: Engine,
    serializer: Serializer,
    bodies: Bodies,
}

impl Bench {
    /// Starts the tree and finds the bodies.
    pub(super) fn start(cores: Cores, seed: u64, campaigns: u32) -> anyhow::Result<Bench> {
        let tree = Running::start(campaigns)?;
        let engine = Engine::new(tree.settings.clone())?;
        let serializer = Serializer { dialect: tree.settings.dialect.clone(), notice_base: NOTICE_BASE.into() };
        let mut bench = Bench { cores, tree, engine, serializer, bodies: Bodies(Vec::new()) };
        bench.bodies = bench.find_bodies(seed)?;
        Ok(bench)
    }

    pub(super) fn bodies(&self) -> Bodies {
        self.bodies.clone()
    }

    pub(super) fn port(&self) -> &ExchangePort {
        &self.tree.port
    }

    pub(super) fn end(self) {
        self.tree.end();
    }

    /// One in five is bid on; half of the rest have a floor above every campaign, which costs a whole evaluation, and half
    /// are not bid on for whatever reason usual traffic has.
    fn find_bodies(&self, seed: u64) -> anyhow::Result<Bodies> {
        let usual = TrafficMix { test_per_mille: 0, ..TrafficMix::usual() };
        let dear = TrafficMix { no_floor_per_mille: 0, floor_usd: (Cpm(8_000_000), Cpm(20_000_000)), ..usual.clone() };
        let mut usual = Generator::new(Dialect::xandr(), usual, seed);
        let mut dear = Generator::new(Dialect::xandr(), dear, seed + 1);
        let (bids, rest) = (BODIES / BID_EVERY, BODIES - BODIES / BID_EVERY);
        let (mut bid_on, mut refused): (Vec<Bytes>, Vec<Bytes>) = Default::default();
        for _ in 0..DRAWN_MAX {
            let usual = Bytes::from(usual.next_request().json);
            if self.is_bid_on(&usual)? {
                bid_on.push(usual);
            } else if refused.len() < rest / 2 {
                refused.push(usual);
            }
            let dear = Bytes::from(dear.next_request().json);
            if refused.len() < rest && !self.is_bid_on(&dear)? {
                refused.push(dear);
            }
            if bids <= bid_on.len() && rest <= refused.len() {
                let (mut bid_on, mut refused) = (bid_on.into_iter(), refused.into_iter());
                let body = |place: usize| if place.is_multiple_of(BID_EVERY) { bid_on.next() } else { refused.next() };
                return Ok(Bodies((0..BODIES).map_while(body).collect()));
            }
        }
        bail!("among {DRAWN_MAX} requests there are only {} to bid on and {} not", bid_on.len(), refused.len())
    }

    /// Whether a request is bid on once the region has its lease; the bid is dropped.
    fn is_bid_on(&self, body: &Bytes) -> anyhow::Result<bool> {
        let started = Instant::now();
        loop {
            match self.engine.decide(&framed(body))? {
                EngineAnswer::Bid(_) => return Ok(true),
                EngineAnswer::NoBid(no_bid) if no_bid.reason == exchange::NoBidReason::Unfunded => {
                    anyhow::ensure!(started.elapsed() < FUNDED_WITHIN, "a region gets no lease");
                    std::thread::yield_now();
                }
                _ => return Ok(false),
            }
        }
    }

    /// Measures `requests` requests, after a tenth as many that are not counted.
    pub(super) fn round(&self, bodies: &Bodies, requests: u32) -> anyhow::Result<Figures> {
        let core = self.cores.load;
        cores::on(core, || {
            for body in bodies.0.iter().cycle().take(requests as usize / 10) {
                self.answer(body)?;
            }
            let mut took = Vec::with_capacity(requests as usize);
            let (cpu, started, mut bids) = (cores::thread_time()?, Instant::now(), 0);
            for body in bodies.0.iter().cycle().take(requests as usize) {
                let begun = Instant::now();
                bids += u64::from(self.answer(body)?.is_some());
                took.push(begun.elapsed());
            }
            let (elapsed, cpu) = (started.elapsed(), cores::thread_time()? - cpu);
            took.sort_unstable();
            let micros = |duration: Duration| duration.as_nanos() as f64 / 1_000.0;
            let quantile = |percent: usize| micros(took[took.len() * percent / 100]);
            let requests = u64::from(requests);
            Ok(Figures {
                requests,
                requests_per_second: requests as f64 / elapsed.as_secs_f64(),
                cpu_us_per_request: micros(cpu) / requests as f64,
                p50_us: quantile(50),
                p99_us: quantile(99),
                ok_per_mille: bids * 1_000 / requests,
                lost: 0,
            })
        })
    }

    /// The whole way of one request: the response's bytes, if there is a bid.
    pub(super) fn answer(&self, body: &Bytes) -> anyhow::Result<Option<Bytes>> {
        let EngineAnswer::Bid(offer) = self.engine.decide(&framed(body))? else { return Ok(None) };
        let body = self.serializer.write(&offer);
        let Offer { bid, seals } = *offer;
        for (imp, seal) in bid.imps.into_iter().zip(seals) {
            let Some(hold) = imp.hold else { continue };
            hold.commit(seal.token_id).context("the region does not follow")?;
        }
        Ok(Some(body))
    }
}

pub(super) fn framed(body: &Bytes) -> Framed {
    let first_byte = tokio::time::Instant::now();
    Framed { body: body.clone(), first_byte, deadline: first_byte + TIME }
}
