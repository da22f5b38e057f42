//! Regions of a country, and circles on the globe.
//!
//! Never: a name guessed from a position, or a position from a name.

use std::fmt;
use std::str::FromStr;

use openrtb::Coordinate;

use crate::Country;

/// The longest part of ISO 3166-2 after the country.
const REGION_BYTES_MAX: usize = 3;

/// The smallest radius, in metres: positions are no better than this.
const METRES_MIN: u32 = 10;
/// The largest radius, in metres.
const METRES_MAX: u32 = 5_000_000;
/// The mean radius of the earth, in metres (IUGG).
const EARTH_METRES: f64 = 6_371_008.8;

/// A part of a country by ISO 3166-2, such as `ID-JK`.
///
/// # Examples
///
/// ```
/// use campaign::Country;
/// use campaign::targeting::Region;
///
/// let jakarta: Region = "ID-JK".parse().unwrap();
/// // Exchanges write it with and without its country.
/// assert_eq!(Region::parse("jk", Country::ID), Some(jakarta));
/// assert_eq!(Region::parse("ID-JK", Country::SG), Some(jakarta));
/// assert_eq!(Region::parse("Jakarta", Country::ID), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    country: Country,
    part: [u8; REGION_BYTES_MAX],
}

impl Region {
    /// Reads `ID-JK`, or `JK` as a part of `country`, in any case.
    #[must_use]
    pub fn parse(text: &str, country: Country) -> Option<Self> {
        let text = text.trim();
        let (country, part) = match text.split_once('-') {
            Some((country, part)) => (Country::parse(country)?, part),
            None => (country, text),
        };
        let mut bytes = [0; REGION_BYTES_MAX];
        let into = bytes.get_mut(..part.len())?;
        into.copy_from_slice(part.as_bytes());
        into.make_ascii_uppercase();
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then_some(Self { country, part: bytes })
    }

    /// Tells whether it is a part of `country`.
    #[must_use]
    pub fn is_in(self, country: Country) -> bool {
        self.country == country
    }
}

/// A text that is no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no region: write its ISO 3166-2 code with the country, such as \"ID-JK\"")]
pub struct ParseRegionError(String);

impl FromStr for Region {
    type Err = ParseRegionError;

    fn from_str(text: &str) -> Result<Self, ParseRegionError> {
        let found = text.contains('-').then(|| Self::parse(text, Country::SG)).flatten();
        found.ok_or_else(|| ParseRegionError(text.to_owned()))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = std::str::from_utf8(&self.part).unwrap_or_default();
        write!(f, "{}-{}", self.country, part.trim_end_matches('\0'))
    }
}

/// Everything within a distance of a point.
///
/// # Examples
///
/// ```
/// use campaign::targeting::Circle;
/// use openrtb::Coordinate;
///
/// let raffles_place: Circle = "1.2840, 103.8515, 2 km".parse().unwrap();
/// let at = |degrees| Coordinate::from_degrees(degrees).unwrap();
/// assert!(raffles_place.contains(at(1.2897), at(103.8501)));
/// assert!(!raffles_place.contains(at(1.3521), at(103.8198)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Circle {
    /// The centre's latitude.
    pub lat: Coordinate,
    /// The centre's longitude.
    pub lon: Coordinate,
    /// The radius in metres.
    pub metres: u32,
}

impl Circle {
    /// Tells whether a point is inside, by the great circle on a sphere (haversine).
    #[must_use]
    pub fn contains(self, lat: Coordinate, lon: Coordinate) -> bool {
        let radians = |of: Coordinate| f64::from(of.microdegrees()) / 1e6 * std::f64::consts::PI / 180.0;
        let (ours, theirs) = (radians(self.lat), radians(lat));
        let half = |difference: f64| (difference / 2.0).sin().powi(2);
        let haversine = half(theirs - ours) + ours.cos() * theirs.cos() * half(radians(lon) - radians(self.lon));
        2.0 * EARTH_METRES * haversine.sqrt().min(1.0).asin() <= f64::from(self.metres)
    }

    /// The same centre and radius, made ready for [`Ball::contains`].
    pub(crate) fn ball(self) -> Ball {
        let chord = 2.0 * (f64::from(self.metres) / EARTH_METRES / 2.0).sin();
        Ball { centre: Point::of(self.lat, self.lon), chord_squared: chord * chord, metres: self.metres }
    }
}

/// A point on the unit sphere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point([f64; 3]);

impl Point {
    pub(crate) fn of(lat: Coordinate, lon: Coordinate) -> Self {
        let radians = |of: Coordinate| (f64::from(of.microdegrees()) / 1e6).to_radians();
        let ((sin, cos), (sin_lon, cos_lon)) = (radians(lat).sin_cos(), radians(lon).sin_cos());
        Self([cos * cos_lon, cos * sin_lon, sin])
    }
}

/// A circle in space: nine multiplications instead of the sines of the great circle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ball {
    centre: Point,
    chord_squared: f64,
    pub(crate) metres: u32,
}

impl Ball {
    pub(crate) fn contains(&self, point: Point) -> bool {
        let squares = self.centre.0.iter().zip(point.0).map(|(ours, theirs)| (ours - theirs) * (ours - theirs));
        squares.sum::<f64>() <= self.chord_squared
    }
}

/// A text that is no circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no circle: write latitude, longitude and a radius from 10 m to 5000 km, such as \"1.3521, 103.8198, 5 km\""
)]
pub struct ParseCircleError(String);

impl FromStr for Circle {
    type Err = ParseCircleError;

    fn from_str(text: &str) -> Result<Self, ParseCircleError> {
        parse_circle(text).ok_or_else(|| ParseCircleError(text.to_owned()))
    }
}

/// As it is read.
impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let degrees = |of: Coordinate| f64::from(of.microdegrees()) / 1e6;
        write!(f, "{}, {}, {} m", degrees(self.lat), degrees(self.lon), self.metres)
    }
}

fn parse_circle(text: &str) -> Option<Circle> {
    let mut parts = text.split(',').map(str::trim);
    let degrees = |text: &str, most: f64| -> Option<Coordinate> {
        text.parse().ok().filter(|degrees: &f64| degrees.abs() <= most).and_then(Coordinate::from_degrees)
    };
    let (lat, lon) = (degrees(parts.next()?, 90.0)?, degrees(parts.next()?, 180.0)?);
    let radius = parts.next()?;
    let (number, metres_per_unit) = match (radius.strip_suffix("km"), radius.strip_suffix('m')) {
        (Some(number), _) => (number, 1_000.0),
        (None, Some(number)) => (number, 1.0),
        (None, None) => return None,
    };
    let metres = number.trim().parse::<f64>().ok()? * metres_per_unit;
    let sane = f64::from(METRES_MIN) <= metres && metres <= f64::from(METRES_MAX);
    (sane && parts.next().is_none()).then(|| Circle { lat, lon, metres: metres.round() as u32 })
}
