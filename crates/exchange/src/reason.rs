//! Why there is no bid: business outcomes, as values with a name.
//!
//! None of them is an error: no conversion leads from here to an actor's crash. The names go to `x-no-bid`, to the meters and
//! to people; they never change their meaning.

use std::fmt;

/// Why a request got no bid, in the order of how far it came.
///
/// Of several imps and campaigns, the one that came furthest gives the request its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NoBidReason {
    /// The exchange's subtree is degraded, or on trial and this request is not among those that meet it.
    Degraded,
    /// No campaign index is published.
    NoIndex,
    /// The request whitelists seats without ours, or blocks ours.
    SeatBlocked,
    /// No common currency, or none that the rates know.
    Currency,
    /// The country belongs to no region and the exchange has no default.
    UnservedCountry,
    /// The region's subtree is down; its money is frozen.
    RegionDown,
    /// The region still learns what was billed before it crashed or was started; it bids within a second or so.
    RegionRecovering,
    /// The imp breaks a MUST of the standard.
    InvalidImp,
    /// A list of the request (blocked categories, advertisers, attributes and the like) is longer than can be looked at in time.
    ListTooLong,
    /// No banner: the only format that the campaigns have.
    UnsupportedMedia,
    /// A banner without a size.
    NoSize,
    /// A floor below zero, as in the incident.
    NegativeFloor,
    /// A floor that is no price.
    UnreadableFloor,
    /// A floor in a currency that the rates do not know.
    FloorCurrency,
    /// Only deals may bid, and none of them is open to us.
    PrivateAuction,
    /// No live campaign fits country, exchange, size and security.
    NoCandidate,
    /// The evaluation of every campaign that fitted crashed; the campaigns pay for it, not the request.
    CampaignCrashed,
    /// `bcat` or `acat` keeps out every campaign that fitted.
    BlockedCategory,
    /// `badv` keeps them out.
    BlockedAdvertiser,
    /// `bapp` keeps out the apps that they advertise.
    BlockedApp,
    /// `wlang` does not list the language of their creatives.
    OtherLanguage,
    /// `battr` keeps their creatives out.
    BlockedAttribute,
    /// `btype` keeps them out.
    BlockedBannerType,
    /// `mimes` does not list what they are made of.
    UnsupportedMime,
    /// `api` does not list a framework that they need.
    UnsupportedApi,
    /// They pay less than the floor.
    BelowFloor,
    /// They count users, and this one may not be counted.
    NoCapKey,
    /// This user has seen them often enough today.
    Capped,
    /// The region counts as many users as it may, and this one is none of them.
    CapsFull,
    /// Pacing holds them back.
    Paced,
    /// The region has no lease of their money at the moment.
    Unfunded,
    /// Their budget is used up.
    BudgetExhausted,
    /// The region tracks as many open bids as it can.
    ReservationsFull,
    /// Time ran out while campaigns were looked at.
    Deadline,
}

impl NoBidReason {
    /// The name that is sent and counted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::NoIndex => "no_index",
            Self::SeatBlocked => "seat_blocked",
            Self::Currency => "currency",
            Self::UnservedCountry => "unserved_country",
            Self::RegionDown => "region_down",
            Self::RegionRecovering => "region_recovering",
            Self::InvalidImp => "invalid_imp",
            Self::ListTooLong => "list_too_long",
            Self::UnsupportedMedia => "unsupported_media",
            Self::NoSize => "no_size",
            Self::NegativeFloor => "negative_floor",
            Self::UnreadableFloor => "unreadable_floor",
            Self::FloorCurrency => "floor_currency",
            Self::PrivateAuction => "private_auction",
            Self::NoCandidate => "no_candidate",
            Self::CampaignCrashed => "campaign_crashed",
            Self::BlockedCategory => "blocked_category",
            Self::BlockedAdvertiser => "blocked_advertiser",
            Self::BlockedApp => "blocked_app",
            Self::OtherLanguage => "other_language",
            Self::BlockedAttribute => "blocked_attribute",
            Self::BlockedBannerType => "blocked_banner_type",
            Self::UnsupportedMime => "unsupported_mime",
            Self::UnsupportedApi => "unsupported_api",
            Self::BelowFloor => "below_floor",
            Self::NoCapKey => "no_cap_key",
            Self::Capped => "capped",
            Self::CapsFull => "caps_full",
            Self::Paced => "paced",
            Self::Unfunded => "unfunded",
            Self::BudgetExhausted => "budget_exhausted",
            Self::ReservationsFull => "reservations_full",
            Self::Deadline => unserved::DEADLINE,
        }
    }
}

impl fmt::Display for NoBidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A decision not to bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoBid {
    /// Why.
    pub reason: NoBidReason,
    /// The region that the request belongs to, by its place in the exchange's list, once that is known.
    pub region: Option<usize>,
}

/// Reasons that the sockets and the port give without a decision: nobody was there, or there was no time.
pub mod unserved {
    /// The engine crashed with this request in hand.
    pub const ENGINE_CRASHED: &str = "engine_crashed";
    /// The serializer crashed with this request in hand.
    pub const SERIALIZER_CRASHED: &str = "serializer_crashed";
    /// Nobody answers there any more: the fallback of a degraded subtree is exhausted too, or the tree is stopping.
    pub const NOBODY_HOME: &str = "nobody_home";
    /// The subtree is degraded, and nothing stands in for the actor that was asked.
    pub const DEGRADED: &str = "degraded";
    /// More in flight than may be.
    pub const OVERLOAD: &str = "overload";
    /// More queries a second than were contracted: not read.
    pub const OVER_QUOTA: &str = "over_quota";
    /// Shed before it was read, under overload: for the sake of exchanges of a higher priority, or since nothing else helps.
    pub const SHED_PRIORITY: &str = "shed_priority";
    /// Shed under overload, since requests like it are worth less than others.
    pub const SHED_VALUE: &str = "shed_value";
    /// The request came with less time than an answer takes.
    pub const INSUFFICIENT_TIME: &str = "insufficient_time";
    /// The deadline came before the decision.
    pub const DEADLINE: &str = "deadline";
}
