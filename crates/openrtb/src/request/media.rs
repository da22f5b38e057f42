//! Kinds of ad: banner, video, audio, native.

use std::borrow::Cow;

use money::Cpm;

use crate::lenient::{Raw, object};

object! {
    /// A banner.
    Banner<'a> {
        /// Sizes that fit.
        "format" => format: Vec<Format>,
        /// Width in device-independent pixels, if no `format` is given.
        "w" => w: Option<u32>,
        /// Height in device-independent pixels, if no `format` is given.
        "h" => h: Option<u32>,
        /// Banner types that are blocked.
        "btype" => btype: Vec<i64>,
        /// Creative attributes that are blocked.
        "battr" => battr: Vec<i64>,
        /// Position on the screen.
        "pos" => pos: Option<i64>,
        /// Content types that are supported; empty means all.
        "mimes" => mimes: Vec<Cow<'a, str>>,
        /// API frameworks that are supported.
        "api" => api: Vec<i64>,
        /// The banner within the impression.
        "id" => id: Option<Cow<'a, str>>,
    }
}

object! {
    /// A size that fits.
    Format {
        /// Width in device-independent pixels.
        "w" => w: Option<u32>,
        /// Height in device-independent pixels.
        "h" => h: Option<u32>,
        /// Relative width, for flexible sizes.
        "wratio" => wratio: Option<u32>,
        /// Relative height, for flexible sizes.
        "hratio" => hratio: Option<u32>,
        /// Least width, for flexible sizes.
        "wmin" => wmin: Option<u32>,
    }
}

impl Banner<'_> {
    /// The sizes that fit, the banner's own first. A size with a zero or missing side is none; one may come twice.
    pub fn sizes(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let own = (self.w, self.h);
        let formats = self.format.iter().map(|format| (format.w, format.h));
        std::iter::once(own).chain(formats).filter_map(|size| match size {
            (Some(w), Some(h)) if w > 0 && h > 0 => Some((w, h)),
            _ => None,
        })
    }
}

object! {
    /// A video.
    Video<'a> {
        /// Content types that are supported.
        "mimes" => mimes: Vec<Cow<'a, str>>,
        /// Least duration in seconds.
        "minduration" => minduration: Option<u32>,
        /// Greatest duration in seconds.
        "maxduration" => maxduration: Option<u32>,
        /// Seconds until the ad, or a negative code for mid- and post-roll.
        "startdelay" => startdelay: Option<i64>,
        /// Protocols that are supported.
        "protocols" => protocols: Vec<i64>,
        /// Width in device-independent pixels.
        "w" => w: Option<u32>,
        /// Height in device-independent pixels.
        "h" => h: Option<u32>,
        /// Placement subtype.
        "plcmt" => plcmt: Option<i64>,
        /// Placement type of OpenRTB 2.5.
        "placement" => placement: Option<i64>,
        /// Linear or not.
        "linearity" => linearity: Option<i64>,
        /// Whether the player lets the user skip.
        "skip" => skip: Option<bool>,
        /// Creative attributes that are blocked.
        "battr" => battr: Vec<i64>,
        /// Least price per second of CPM.
        "mincpmpersec" => mincpmpersec: Option<Cpm>,
        /// API frameworks that are supported.
        "api" => api: Vec<i64>,
        /// Older places of fields.
        "ext" => ext: Option<VideoExt>,
    }
}

object! {
    /// Extensions of a video.
    VideoExt {
        /// Where some exchanges put `imp.rwdd` in OpenRTB 2.5.
        "rewarded" => rewarded: Option<bool>,
    }
}

object! {
    /// An audio ad.
    Audio<'a> {
        /// Content types that are supported.
        "mimes" => mimes: Vec<Cow<'a, str>>,
        /// Least duration in seconds.
        "minduration" => minduration: Option<u32>,
        /// Greatest duration in seconds.
        "maxduration" => maxduration: Option<u32>,
        /// Protocols that are supported.
        "protocols" => protocols: Vec<i64>,
        /// Creative attributes that are blocked.
        "battr" => battr: Vec<i64>,
        /// Least price per second of CPM.
        "mincpmpersec" => mincpmpersec: Option<Cpm>,
        /// API frameworks that are supported.
        "api" => api: Vec<i64>,
    }
}

object! {
    /// A native ad.
    Native<'a> {
        /// The native request: JSON in a string by the standard, an object in some traffic.
        "request" => request: Option<Raw<'a>>,
        /// The version of the native request.
        "ver" => ver: Option<Cow<'a, str>>,
        /// Creative attributes that are blocked.
        "battr" => battr: Vec<i64>,
        /// API frameworks that are supported.
        "api" => api: Vec<i64>,
    }
}
