//! One impression that is up for auction: what its request says, and what only the exchange knows.
//!
//! Never shows the bidder the rivals: [`json`](Opportunity::json) is all that it gets.

use super::places::{COUNTRIES, EXCHANGES, Format};

/// One impression.
#[derive(Clone, Debug)]
pub struct Opportunity {
    /// Numbers all of them.
    pub number: u64,
    /// When its request is sent, unix milliseconds.
    pub at_ms: i64,
    /// Place in [`COUNTRIES`].
    pub country: usize,
    /// Place in [`EXCHANGES`].
    pub exchange: usize,
    /// Where it would be shown.
    pub format: Format,
    /// Which site or app, from 0.
    pub property: usize,
    /// Who would see it; 0 for one that may not be followed.
    pub user: u64,
    /// The least price, in micros of USD per thousand.
    pub floor: i64,
    /// The best of the others' prices, in the same unit.
    pub rival: i64,
}

impl Opportunity {
    /// Who is counted for a cap: a device wherever it is seen, a browser at one exchange only. None without consent.
    pub fn counted_user(&self) -> Option<u64> {
        match self.format {
            _ if self.user == 0 => None,
            Format::Web => Some(self.user * 4 + 1 + self.exchange as u64),
            Format::App | Format::FullScreen => Some(self.user * 4),
        }
    }

    /// The site's domain or the app's bundle.
    pub fn property_name(format: Format, property: usize) -> String {
        match format {
            Format::Web => format!("site{property}.example"),
            Format::App | Format::FullScreen => format!("example.app{property}"),
        }
    }

    /// The bid request.
    pub fn json(&self) -> String {
        let (country, (w, h)) = (&COUNTRIES[self.country], self.format.size());
        let name = Self::property_name(self.format, self.property);
        let instl = u8::from(self.format == Format::FullScreen);
        let inventory = match self.format {
            Format::Web => format!(r#""site":{{"id":"s","domain":"{name}","page":"https://{name}/a"}}"#),
            Format::App | Format::FullScreen => format!(r#""app":{{"id":"a","bundle":"{name}"}}"#),
        };
        let (device, user) = match (self.user, self.format) {
            (0, _) => (r#""lmt":1,"#.to_owned(), String::new()),
            (user, Format::Web) => (String::new(), format!(r#","user":{{"buyeruid":"b{user}"}}"#)),
            (user, _) => (format!(r#""ifa":"1b2c3d4e-0000-4000-8000-{user:012x}","#), String::new()),
        };
        let exchange = &EXCHANGES[self.exchange];
        let at = if exchange.first_price { 1 } else { 2 };
        let floor = format!("{}.{:06}", self.floor / 1_000_000, self.floor % 1_000_000);
        let (exchange, number, country) = (exchange.name, self.number, country.alpha3);
        let imp = format!(r#"{{"id":"1","instl":{instl},"secure":1,"bidfloor":{floor},"banner":{{"w":{w},"h":{h}}}}}"#);
        format!(
            r#"{{"id":"{exchange}-{number}","at":{at},"tmax":300,"cur":["USD"],"imp":[{imp}],{inventory},"device":{{{device}"devicetype":4,"geo":{{"country":"{country}"}}}}{user}}}"#
        )
    }
}
