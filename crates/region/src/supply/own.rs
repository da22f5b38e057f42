//! How a campaign's own supply differs from that of the exchanges and regions that it is for.
//!
//! Promises a factor near one for what was hardly seen. Never judges an hour that was not a whole one of bidding.

const HOURS_PER_DAY: usize = 24;
const DAYS: usize = 7;
/// How many numbers it is made of.
pub(super) const NUMBERS: usize = 2 * (HOURS_PER_DAY + DAYS);
/// What is left of an hour's count after the next one: half after a week of bidding.
const LEFT: f32 = 0.995_882_6;
/// A factor is as if so many bids more had been asked for, spread like the others' requests.
const PRIOR_BIDS: f32 = 50.0;
/// No hour is taken for less or more than this part of its class's.
const FACTORS: (f32, f32) = (0.02, 50.0);
/// No campaign is asked for more often in an hour.
const COUNT_MAX: f32 = 1.0e12;

/// What a campaign was asked for, beside the requests of its exchanges and regions: by hour of the day and by day of the week,
/// which are taken to act one by one. 248 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnShape {
    hours: [Seen; HOURS_PER_DAY],
    days: [Seen; DAYS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
    bids: f32,
    requests: f32,
}

impl OwnShape {
    /// In an hour of the week there were so many requests, and the campaign was asked for so many bids.
    pub fn observe(&mut self, hour: usize, bids: f32, requests: f32) {
        let (bids, requests) = (bids.clamp(0.0, COUNT_MAX), requests.clamp(0.0, COUNT_MAX));
        let all = self.hours.iter_mut().chain(&mut self.days);
        all.for_each(|seen| *seen = Seen { bids: seen.bids * LEFT, requests: seen.requests * LEFT });
        self.hours[hour % HOURS_PER_DAY].add(bids, requests);
        // Days are compared by what their hours let expect: half a day is no poor day.
        if self.hours.iter().all(|seen| seen.requests > 0.0) {
            let expected = requests * factor(&self.hours, hour % HOURS_PER_DAY);
            self.days[hour / HOURS_PER_DAY % DAYS].add(bids, expected);
        }
    }

    /// How many times the supply of others the campaign has in an hour of the week.
    #[must_use]
    pub fn factor(&self, hour: usize) -> f32 {
        let of_day = factor(&self.hours, hour % HOURS_PER_DAY);
        (of_day * factor(&self.days, hour / HOURS_PER_DAY % DAYS)).clamp(FACTORS.0, FACTORS.1)
    }

    /// Its numbers, to be kept.
    #[must_use]
    pub fn numbers(&self) -> [f32; NUMBERS] {
        let mut numbers = [0.0; NUMBERS];
        for (pair, seen) in numbers.chunks_exact_mut(2).zip(self.hours.iter().chain(&self.days)) {
            pair.copy_from_slice(&[seen.bids, seen.requests]);
        }
        numbers
    }

    /// What has these numbers; `None` if they are none of it.
    #[must_use]
    pub fn known(numbers: &[f32; NUMBERS]) -> Option<Self> {
        let mut own = Self::default();
        for (pair, seen) in numbers.chunks_exact(2).zip(own.hours.iter_mut().chain(&mut own.days)) {
            let [bids, requests] = [pair[0], pair[1]];
            let sane = |count: f32| (0.0..=COUNT_MAX).contains(&count);
            if !sane(bids) || !sane(requests) {
                return None;
            }
            *seen = Seen { bids, requests };
        }
        Some(own)
    }
}

impl Seen {
    fn add(&mut self, bids: f32, requests: f32) {
        self.bids = (self.bids + bids).min(COUNT_MAX);
        self.requests = (self.requests + requests).min(COUNT_MAX);
    }
}

/// How many times the bids of all the parts of requests one of them has.
fn factor(parts: &[Seen], at: usize) -> f32 {
    let sum = |of: fn(&Seen) -> f32| parts.iter().map(of).sum::<f32>();
    let (bids, requests) = (sum(|seen| seen.bids), sum(|seen| seen.requests));
    if bids <= 0.0 || requests <= 0.0 {
        return 1.0;
    }
    let Seen { bids: had, requests: expected } = parts[at];
    (had + PRIOR_BIDS) / (expected * (bids / requests) + PRIOR_BIDS)
}
