//! A campaign and its creatives as an operator defines them.
//!
//! Promises plain data, whatever its source: a file, an API, a test. Never implies that the data is sound:
//! [`Campaign::check`] says so, and [`compile`](crate::compile) refuses what it does not.

use money::{Cpm, Nanos};

use crate::targeting::{Rules, Targeting};
use crate::technology::Technology;
use crate::{Advertised, CampaignId, Caps, Country, CreativeId, HourWeight, Size};

/// An advertiser's order: what to show, to whom, when, for how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Identifies the campaign for ever: the ledger's entries carry it.
    pub id: CampaignId,
    /// What operators call it.
    pub name: String,
    /// What the whole flight may cost.
    pub budget: Nanos,
    /// The price in USD that the campaign pays at most for 1,000 impressions.
    pub bid_cpm: Cpm,
    /// When it may bid.
    pub flight: Flight,
    /// How the budget is spread over the flight.
    pub pacing: Pacing,
    /// Hours that get more or less of the budget than others; the last line that names an hour counts, other hours weigh 1.
    pub hour_weights: Vec<HourWeight>,
    /// Whether each bid holds its whole price until its outcome is known: never overspent, and slow where few bids win.
    pub strict_budget: bool,
    /// Whether its bids in first-price auctions may be lower than `bid_cpm` where lower prices win.
    pub shading: bool,
    /// Whether it bids for users who cannot be counted although it has caps: the request has no id of theirs, or they asked not
    /// to be followed. No cap holds for them.
    pub bid_on_uncounted_users: bool,
    /// Where its users are; at least one.
    pub countries: Vec<Country>,
    /// The exchanges it bids on, by the names in the configuration; empty for all.
    pub exchanges: Vec<String>,
    /// Whom and what else it is for; without it, every request of its countries and exchanges.
    pub targeting: Option<Box<Targeting>>,
    /// What it advertises, in IAB taxonomy 1.0 (`IAB7`, `IAB7-39`); compared with a request's `bcat`.
    pub categories: Vec<String>,
    /// Whom it advertises: the `adomain` of its bids; compared with a request's `badv`.
    pub advertiser_domain: String,
    /// What it advertises beyond that, if it is said.
    pub advertises: Option<Box<Advertised>>,
    /// How often a user may see it, whichever creative is shown.
    pub caps: Caps,
    /// What it shows; at least one.
    pub creatives: Vec<Creative>,
}

impl Campaign {
    /// What a request must be to fit.
    pub fn include(&self) -> &Rules {
        self.targeting.as_ref().map_or(Rules::NONE, |targeting| &targeting.include)
    }

    /// Gives back what reading has taken beyond need.
    pub(crate) fn shrink(&mut self) {
        self.hour_weights.shrink_to_fit();
        self.countries.shrink_to_fit();
        self.exchanges.shrink_to_fit();
        self.categories.shrink_to_fit();
        self.creatives.shrink_to_fit();
        for creative in &mut self.creatives {
            creative.sizes.shrink_to_fit();
            creative.attributes.shrink_to_fit();
            creative.markup.shrink_to_fit();
        }
    }

    /// What a request must not be to fit.
    pub fn exclude(&self) -> &Rules {
        self.targeting.as_ref().map_or(Rules::NONE, |targeting| &targeting.exclude)
    }
}

/// One advertisement of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creative {
    /// Identifies the creative over all campaigns: the `crid` of a bid, which exchanges audit.
    pub id: CreativeId,
    /// The slots that it fits exactly; more than one for markup that adapts itself.
    pub sizes: Vec<Size>,
    /// The HTML of the advertisement, with OpenRTB's substitution macros where wanted: the `adm` of a bid.
    pub markup: String,
    /// Whether it loads everything over HTTPS, as an imp with `secure: 1` demands.
    pub secure: bool,
    /// How often a user may see this creative, besides the caps of the campaign.
    pub caps: Caps,
    /// Its attributes (AdCOM list *Creative Attributes*); compared with a banner's `battr`.
    pub attributes: Vec<u8>,
    /// What it is made of; compared with a banner's `btype`, `mimes` and `api`.
    pub technology: Technology,
}

/// From when until when a campaign bids, in unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// The first millisecond in which it bids.
    pub starts_ms: i64,
    /// The first millisecond in which it no longer bids.
    pub ends_ms: i64,
}

impl Flight {
    /// Tells whether the campaign may bid at `now_ms`.
    pub const fn contains(self, now_ms: i64) -> bool {
        self.starts_ms <= now_ms && now_ms < self.ends_ms
    }
}

/// How a campaign's budget is spread over its flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pacing {
    /// As its supply is spread over the hours of the week, once a day of it has been seen, and evenly until then: the budget
    /// lasts to the end, and no quiet night is asked for more than it has (default).
    #[default]
    Supply,
    /// Evenly over the flight, or as its `hour_weights` say (default where there are some): the budget lasts to the end.
    Even,
    /// As fast as it wins: the budget may be gone on the first day.
    Asap,
}
