//! Bid requests as OpenRTB 2.6 has them, of the size and variety of real ones (1 to 2 KB).
//!
//! Promises: valid by the standard; the same seed and dialect give the same requests in the same order. Never a negative
//! floor, never a broken object: those are [`HostileKind`](super::HostileKind)'s.

use std::time::Duration;

use bytes::Bytes;
use money::Cpm;

use super::draft::Draft;
use super::market::Market;
use crate::Dice;
use crate::dialect::Dialect;

/// What a stream of requests is made of. Shares are of 1000 requests.
#[derive(Clone, Debug)]
pub struct TrafficMix {
    /// Where requests come from, each as likely as the next.
    pub markets: Vec<Market>,
    /// From an app; the others are from a site.
    pub app_per_mille: u32,
    /// With two or three impressions.
    pub multi_imp_per_mille: u32,
    /// With `secure` 1.
    pub secure_per_mille: u32,
    /// With `lmt` 1 and a zero `ifa`.
    pub lmt_per_mille: u32,
    /// With `dnt` 1.
    pub dnt_per_mille: u32,
    /// With `regs.coppa` 1.
    pub coppa_per_mille: u32,
    /// With `test` 1: never billed.
    pub test_per_mille: u32,
    /// That accept the local currency only.
    pub local_currency_per_mille: u32,
    /// That accept the local currency and USD; the others accept USD only, said or by silence.
    pub both_currencies_per_mille: u32,
    /// Without any floor.
    pub no_floor_per_mille: u32,
    /// The range of the other floors, in USD.
    pub floor_usd: (Cpm, Cpm),
    /// How many users there are: small numbers exercise frequency caps.
    pub users: u64,
    /// Advertisers that are blocked now and then, beside those that nobody has.
    pub blocked_advertisers: Vec<String>,
}

impl TrafficMix {
    /// The mix of a usual day: mostly apps, some privacy flags, floors from 0.05 to 0.90 USD.
    pub fn usual() -> Self {
        Self {
            markets: Market::ALL.to_vec(),
            app_per_mille: 650,
            multi_imp_per_mille: 120,
            secure_per_mille: 900,
            lmt_per_mille: 60,
            dnt_per_mille: 30,
            coppa_per_mille: 10,
            test_per_mille: 5,
            local_currency_per_mille: 150,
            both_currencies_per_mille: 250,
            no_floor_per_mille: 50,
            floor_usd: (Cpm(50_000), Cpm(900_000)),
            users: 200_000,
            blocked_advertisers: Vec::new(),
        }
    }
}

/// A request with what its sender needs to know of it.
#[derive(Clone, Debug)]
pub struct GeneratedRequest {
    /// The request's id.
    pub id: String,
    /// Where it comes from.
    pub market: Market,
    /// How long the exchange waits for the answer.
    pub tmax: Duration,
    /// The request as plain JSON; [`Dialect::encode`] puts it into wire form.
    pub json: Vec<u8>,
}

/// The requests of one exchange, numbered: request *i* is the same whichever connection asks for it, and when.
#[derive(Clone, Debug)]
pub struct Generator {
    dialect: Dialect,
    mix: TrafficMix,
    seed: u64,
    next: u64,
}

impl Generator {
    /// Makes the requests of a seed.
    pub fn new(dialect: Dialect, mix: TrafficMix, seed: u64) -> Self {
        Self { dialect, mix, seed, next: 0 }
    }

    /// Returns the dialect that the requests are in.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Makes the next request in order.
    pub fn next_request(&mut self) -> GeneratedRequest {
        let request = self.request(self.next);
        self.next += 1;
        request
    }

    /// Makes a request by its number.
    pub fn request(&self, number: u64) -> GeneratedRequest {
        let dice = Dice::derive(self.seed, number);
        Draft { dialect: &self.dialect, mix: &self.mix, dice }.write()
    }

    /// Makes the first `count` requests in wire form: the bodies of a [`LoadPlan`](crate::LoadPlan).
    pub fn bodies(&self, count: u64) -> Vec<Bytes> {
        (0..count).map(|number| self.dialect.encode(self.request(number).json).into()).collect()
    }
}
