//! One impression on offer.

use std::borrow::Cow;

use money::{Cpm, Currency};

use super::{Audio, Banner, Floor, Native, Pmp, Video};
use crate::lenient::object;

object! {
    /// An impression.
    Imp<'a> {
        /// The impression within the request; empty if the exchange sent none.
        "id" => id: Cow<'a, str>,
        /// Banner, if it may be one.
        "banner" => banner: Option<Banner<'a>>,
        /// Video, if it may be one.
        "video" => video: Option<Video<'a>>,
        /// Audio, if it may be one.
        "audio" => audio: Option<Audio<'a>>,
        /// Native, if it may be one.
        "native" => native: Option<Native<'a>>,
        /// Deals.
        "pmp" => pmp: Option<Pmp<'a>>,
        /// Whether it is full-screen.
        "instl" => instl: Option<bool>,
        /// The placement.
        "tagid" => tagid: Option<Cow<'a, str>>,
        /// The floor; see [`floor`](Imp::floor).
        "bidfloor" => bidfloor: Floor,
        /// The currency of the floor; see [`floor_currency`](Imp::floor_currency).
        "bidfloorcur" => bidfloorcur: Option<Cow<'a, str>>,
        /// Whether all assets must come by HTTPS; see [`is_secure`](Imp::is_secure).
        "secure" => secure: Option<bool>,
        /// Whether the user is rewarded; see [`is_rewarded`](Imp::is_rewarded).
        "rwdd" => rwdd: Option<bool>,
        /// Seconds that may pass between auction and impression.
        "exp" => exp: Option<u32>,
        /// Older places of fields.
        "ext" => ext: Option<ImpExt>,
    }
}

object! {
    /// Extensions of the impression.
    ImpExt {
        /// Where OpenRTB 2.5 put `rwdd`.
        "rewarded" => rewarded: Option<bool>,
    }
}

impl Imp<'_> {
    /// The floor of the open auction in [`floor_currency`](Self::floor_currency); zero if there is none, `None` if the
    /// exchange sent something that is no price. May be negative: what to make of that is the bidder's business.
    #[must_use]
    pub fn floor(&self) -> Option<Cpm> {
        self.bidfloor.price()
    }

    /// The currency of the floor, USD by default; `None` if the exchange sent something that is no currency code.
    #[must_use]
    pub fn floor_currency(&self) -> Option<Currency> {
        currency_or_usd(self.bidfloorcur.as_deref())
    }

    /// Says whether all assets and trackers must come by HTTPS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure.unwrap_or(false)
    }

    /// Says whether the user is rewarded, from `rwdd` or its older places.
    #[must_use]
    pub fn is_rewarded(&self) -> bool {
        let older = || self.ext.as_ref().and_then(|ext| ext.rewarded);
        let in_video = || self.video.as_ref()?.ext.as_ref()?.rewarded;
        self.rwdd.or_else(older).or_else(in_video).unwrap_or(false)
    }

    /// Says whether there is any kind of ad that could be shown.
    #[must_use]
    pub fn has_media(&self) -> bool {
        self.banner.is_some() || self.video.is_some() || self.audio.is_some() || self.native.is_some()
    }

    /// Says whether only bids on deals are allowed.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.pmp.as_ref().and_then(|pmp| pmp.private_auction).unwrap_or(false)
    }
}

/// A missing currency is USD; a wrong one is none.
pub(super) fn currency_or_usd(code: Option<&str>) -> Option<Currency> {
    code.map_or(Some(Currency::USD), |code| code.trim().parse().ok())
}
