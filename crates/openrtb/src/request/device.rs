//! The device and where it is.

use std::borrow::Cow;

use crate::Country;
use crate::lenient::object;

object! {
    /// A device.
    Device<'a> {
        /// Where it is.
        "geo" => geo: Option<Geo<'a>>,
        /// Whether "do not track" is set.
        "dnt" => dnt: Option<bool>,
        /// Whether "limit ad tracking" is set.
        "lmt" => lmt: Option<bool>,
        /// User agent.
        "ua" => ua: Option<Cow<'a, str>>,
        /// IPv4 address.
        "ip" => ip: Option<Cow<'a, str>>,
        /// IPv6 address.
        "ipv6" => ipv6: Option<Cow<'a, str>>,
        /// Kind of device.
        "devicetype" => devicetype: Option<i64>,
        /// Make.
        "make" => make: Option<Cow<'a, str>>,
        /// Model.
        "model" => model: Option<Cow<'a, str>>,
        /// Operating system.
        "os" => os: Option<Cow<'a, str>>,
        /// Version of the operating system.
        "osv" => osv: Option<Cow<'a, str>>,
        /// Height of the screen in pixels.
        "h" => h: Option<u32>,
        /// Width of the screen in pixels.
        "w" => w: Option<u32>,
        /// Whether JavaScript is supported.
        "js" => js: Option<bool>,
        /// Browser language (ISO 639-1).
        "language" => language: Option<Cow<'a, str>>,
        /// Browser language (BCP 47).
        "langb" => langb: Option<Cow<'a, str>>,
        /// Carrier.
        "carrier" => carrier: Option<Cow<'a, str>>,
        /// Carrier as MCC-MNC.
        "mccmnc" => mccmnc: Option<Cow<'a, str>>,
        /// Kind of connection.
        "connectiontype" => connectiontype: Option<i64>,
        /// Advertising id as sent: one of zeros is how a device says that it may not be recognised.
        "ifa" => ifa: Option<Cow<'a, str>>,
    }
}

object! {
    /// A place.
    Geo<'a> {
        /// Country, alpha-3 by the standard, alpha-2 in much traffic; see [`country`](Geo::country).
        "country" => country: Option<Cow<'a, str>>,
        /// Region (ISO 3166-2).
        "region" => region: Option<Cow<'a, str>>,
        /// Metropolitan area.
        "metro" => metro: Option<Cow<'a, str>>,
        /// City.
        "city" => city: Option<Cow<'a, str>>,
        /// Postal code.
        "zip" => zip: Option<Cow<'a, str>>,
        /// Where the place was taken from.
        "type" => source: Option<i64>,
        /// Minutes from UTC.
        "utcoffset" => utcoffset: Option<i64>,
    }
}

impl Geo<'_> {
    /// The country, whichever way it is written.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        Country::parse(self.country.as_deref()?)
    }
}
