//! The user, and the source of the request.

use std::borrow::Cow;

use super::{Geo, SupplyChain};
use crate::lenient::object;

object! {
    /// A user.
    User<'a> {
        /// The user on the exchange.
        "id" => id: Option<Cow<'a, str>>,
        /// The user with the bidder.
        "buyeruid" => buyeruid: Option<Cow<'a, str>>,
        /// Year of birth.
        "yob" => yob: Option<i64>,
        /// Gender.
        "gender" => gender: Option<Cow<'a, str>>,
        /// Home; not where the device is.
        "geo" => geo: Option<Geo<'a>>,
        /// Consent string; see [`BidRequest::consent`](super::BidRequest::consent).
        "consent" => consent: Option<Cow<'a, str>>,
        /// What data providers know of the user; see [`BidRequest::segments`](super::BidRequest::segments).
        "data" => data: Vec<Data<'a>>,
        /// Extended ids; see [`BidRequest::eids`](super::BidRequest::eids).
        "eids" => eids: Vec<Eid<'a>>,
        /// Older places of fields.
        "ext" => ext: Option<UserExt<'a>>,
    }
}

object! {
    /// What one provider knows of the user.
    Data<'a> {
        /// The provider on the exchange.
        "id" => id: Option<Cow<'a, str>>,
        /// The provider's name.
        "name" => name: Option<Cow<'a, str>>,
        /// The segments that the user belongs to.
        "segment" => segment: Vec<Segment<'a>>,
    }
}

object! {
    /// A group of users, as one provider defines it.
    Segment<'a> {
        /// The segment with its provider.
        "id" => id: Option<Cow<'a, str>>,
    }
}

object! {
    /// Extensions of the user.
    UserExt<'a> {
        /// Where OpenRTB 2.5 put the consent string.
        "consent" => consent: Option<Cow<'a, str>>,
        /// Where OpenRTB 2.5 put extended ids.
        "eids" => eids: Vec<Eid<'a>>,
    }
}

object! {
    /// Ids of the user from one source.
    Eid<'a> {
        /// Who gave the ids.
        "source" => source: Option<Cow<'a, str>>,
        /// The ids.
        "uids" => uids: Vec<Uid<'a>>,
    }
}

object! {
    /// An id of the user.
    Uid<'a> {
        /// The id.
        "id" => id: Option<Cow<'a, str>>,
        /// What it identifies.
        "atype" => atype: Option<i64>,
    }
}

object! {
    /// Where the request comes from.
    Source<'a> {
        /// Whether the final decision is upstream of the exchange.
        "fd" => fd: Option<bool>,
        /// The transaction that all bid requests of this impression share.
        "tid" => tid: Option<Cow<'a, str>>,
        /// The payment chain.
        "pchain" => pchain: Option<Cow<'a, str>>,
        /// The supply chain; see [`BidRequest::schain`](super::BidRequest::schain).
        "schain" => schain: Option<SupplyChain<'a>>,
        /// Older places of fields.
        "ext" => ext: Option<SourceExt<'a>>,
    }
}

object! {
    /// Extensions of the source.
    SourceExt<'a> {
        /// Where OpenRTB 2.5 put the supply chain.
        "schain" => schain: Option<SupplyChain<'a>>,
    }
}
