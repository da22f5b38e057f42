//! The three countries: what a request from there looks like.

use money::Currency;

use crate::Dice;

/// A country that the simulator sends requests from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Market {
    /// Singapore.
    Singapore,
    /// Indonesia.
    Indonesia,
    /// Thailand.
    Thailand,
}

/// A place with what a `geo` object says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) city: &'static str,
    /// ISO 3166-2, without the country.
    pub(crate) region: &'static str,
    pub(crate) zip: &'static str,
    /// In 1/10000 degree.
    pub(crate) lat: i32,
    pub(crate) lon: i32,
    /// Minutes east of UTC.
    pub(crate) utc_offset: i32,
}

const fn place(
    city: &'static str,
    region: &'static str,
    zip: &'static str,
    lat: i32,
    lon: i32,
    utc_offset: i32,
) -> Place {
    Place { city, region, zip, lat, lon, utc_offset }
}

const SINGAPORE: [Place; 3] = [
    place("Singapore", "01", "018956", 12_834, 1_038_607, 480),
    place("Jurong East", "05", "609731", 13_329, 1_037_436, 480),
    place("Tampines", "02", "529510", 13_496, 1_039_568, 480),
];

const INDONESIA: [Place; 4] = [
    place("Jakarta", "JK", "10110", -61_751, 1_068_272, 420),
    place("Surabaya", "JI", "60271", -72_575, 1_127_521, 420),
    place("Denpasar", "BA", "80232", -86_705, 1_152_126, 480),
    place("Medan", "SU", "20111", 35_952, 986_722, 420),
];

const THAILAND: [Place; 3] = [
    place("Bangkok", "10", "10110", 137_563, 1_005_018, 420),
    place("Chiang Mai", "50", "50200", 187_883, 989_853, 420),
    place("Phuket", "83", "83000", 78_804, 983_923, 420),
];

impl Market {
    /// All markets.
    pub const ALL: [Self; 3] = [Self::Singapore, Self::Indonesia, Self::Thailand];

    /// The country in ISO 3166-1 alpha-2.
    pub const fn alpha2(self) -> &'static str {
        match self {
            Self::Singapore => "SG",
            Self::Indonesia => "ID",
            Self::Thailand => "TH",
        }
    }

    /// The country in ISO 3166-1 alpha-3, as OpenRTB wants it.
    pub const fn alpha3(self) -> &'static str {
        match self {
            Self::Singapore => "SGP",
            Self::Indonesia => "IDN",
            Self::Thailand => "THA",
        }
    }

    /// The local currency.
    pub const fn currency(self) -> Currency {
        match self {
            Self::Singapore => Currency::SGD,
            Self::Indonesia => Currency::IDR,
            Self::Thailand => Currency::THB,
        }
    }

    /// Local currency for one USD in thousandths, roughly: it scales floors and is no exchange rate.
    pub(crate) const fn per_usd_thousandths(self) -> i64 {
        match self {
            Self::Singapore => 1_300,
            Self::Indonesia => 16_000_000,
            Self::Thailand => 33_000,
        }
    }

    pub(crate) const fn languages(self) -> &'static [&'static str] {
        match self {
            Self::Singapore => &["en", "en", "zh", "ms", "ta"],
            Self::Indonesia => &["id", "id", "id", "en", "jv"],
            Self::Thailand => &["th", "th", "th", "en"],
        }
    }

    /// Carrier and `mccmnc`: country codes 525, 510 and 520.
    pub(crate) const fn carriers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Singapore => &[("Singtel", "525-01"), ("M1", "525-03"), ("StarHub", "525-05")],
            Self::Indonesia => &[("Telkomsel", "510-10"), ("Indosat Ooredoo", "510-01"), ("XL Axiata", "510-11")],
            Self::Thailand => &[("AIS", "520-03"), ("True Move H", "520-04"), ("dtac", "520-05")],
        }
    }

    pub(crate) const fn places(self) -> &'static [Place] {
        match self {
            Self::Singapore => &SINGAPORE,
            Self::Indonesia => &INDONESIA,
            Self::Thailand => &THAILAND,
        }
    }

    /// Draws an address of this market's documentation range (RFC 5737).
    pub(crate) fn ipv4(self, dice: &mut Dice) -> String {
        let net = match self {
            Self::Singapore => "192.0.2",
            Self::Indonesia => "198.51.100",
            Self::Thailand => "203.0.113",
        };
        format!("{net}.{}", dice.between(1, 254))
    }

    /// Draws an address of the documentation range of IPv6 (RFC 3849).
    pub(crate) fn ipv6(self, dice: &mut Dice) -> String {
        format!("2001:db8:{:x}:{:x}::{:x}", 0x5e0 + self as u32, dice.below(0x1_0000), dice.between(1, 0xffff))
    }

    /// Writes a `geo` object; the country in the form that the dialect wants.
    pub(crate) fn geo(self, country: &str, dice: &mut Dice) -> String {
        let place = dice.pick(self.places());
        // A few kilometres around the centre, as a located device would be.
        let lat = i64::from(place.lat) + dice.between(-400, 400);
        let lon = i64::from(place.lon) + dice.between(-400, 400);
        format!(
            r#"{{"lat":{},"lon":{},"type":2,"country":"{country}","region":"{}","city":"{}","zip":"{}","utcoffset":{}}}"#,
            degrees(lat),
            degrees(lon),
            place.region,
            place.city,
            place.zip,
            place.utc_offset
        )
    }
}

fn degrees(ten_thousandths: i64) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let size = ten_thousandths.abs();
    format!("{sign}{}.{:04}", size / 10_000, size % 10_000)
}
