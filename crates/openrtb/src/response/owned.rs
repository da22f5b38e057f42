//! From a borrowed response to one that owns its text.

use std::borrow::Cow;

use money::{Cpm, Currency};

use super::{Bid, BidExt, BidResponse, SeatBid};
use crate::{EventNotificationToken, Nbr};

pub(super) trait IntoOwned {
    type Owned;
    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = Cow<'static, str>;
    fn into_owned(self) -> Cow<'static, str> {
        Cow::Owned(Cow::into_owned(self))
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;
    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;
    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

macro_rules! plain {
    ($($type:ty),*) => { $(
        impl IntoOwned for $type {
            type Owned = Self;
            fn into_owned(self) -> Self {
                self
            }
        }
    )* };
}

plain!(bool, i64, u32, Cpm, Currency, Nbr);

macro_rules! fields {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl IntoOwned for $name<'_> {
            type Owned = $name<'static>;
            fn into_owned(self) -> Self::Owned {
                $name { $( $field: IntoOwned::into_owned(self.$field), )* }
            }
        }
    };
}

fields!(BidResponse { id, seatbid, bidid, cur, customdata, nbr });
fields!(SeatBid { bid, seat, group });
fields!(Bid {
    id,
    impid,
    price,
    nurl,
    burl,
    lurl,
    adm,
    adid,
    adomain,
    bundle,
    iurl,
    cid,
    crid,
    tactic,
    cattax,
    cat,
    attr,
    apis,
    protocol,
    qagmediarating,
    language,
    dealid,
    w,
    h,
    exp,
    dur,
    mtype,
    ext,
});
fields!(BidExt { event_notification_token });
fields!(EventNotificationToken { payload });
