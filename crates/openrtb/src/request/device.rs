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
        /// Latitude; see [`position`](Geo::position).
        "lat" => lat: Option<Coordinate>,
        /// Longitude; see [`position`](Geo::position).
        "lon" => lon: Option<Coordinate>,
        /// How far off the position may be, in metres.
        "accuracy" => accuracy: Option<u32>,
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

    /// Latitude and longitude, if both are there and name a point of the globe.
    ///
    /// A zero for both is how senders write that they do not know, and reads as absent.
    #[must_use]
    pub fn position(&self) -> Option<(Coordinate, Coordinate)> {
        let (lat, lon) = (self.lat?, self.lon?);
        let is_known = lat.microdegrees() != 0 || lon.microdegrees() != 0;
        (is_known && lat.microdegrees().abs() <= 90_000_000).then_some((lat, lon))
    }
}

/// A latitude or longitude, exact to a millionth of a degree: 11 cm.
///
/// # Examples
/// ```
/// use openrtb::Coordinate;
/// let body = br#"{"id":"a","device":{"geo":{"lat":1.3521,"lon":"103.8198"}}}"#;
/// let request = openrtb::parse_request(body)?;
/// let geo = request.device.unwrap().geo.unwrap();
/// assert_eq!(geo.position().map(|(lat, lon)| (lat.microdegrees(), lon.microdegrees())), Some((1_352_100, 103_819_800)));
/// assert_eq!(Coordinate::from_degrees(181.0), None);
/// # Ok::<(), openrtb::Malformed>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinate(i32);

impl Coordinate {
    /// Rounds degrees; `None` beyond 180 either way, and for what is no number.
    #[must_use]
    pub fn from_degrees(degrees: f64) -> Option<Self> {
        // The cast cannot cut: 180 millions fit.
        (degrees.abs() <= 180.0).then(|| Self((degrees * 1e6).round() as i32))
    }

    pub(crate) fn from_microdegrees(microdegrees: i64) -> Option<Self> {
        i32::try_from(microdegrees).ok().filter(|microdegrees| microdegrees.abs() <= 180_000_000).map(Self)
    }

    /// Millionths of a degree, north or east of zero.
    #[must_use]
    pub const fn microdegrees(self) -> i32 {
        self.0
    }
}
