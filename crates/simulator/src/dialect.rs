//! How the exchanges differ on the wire.
//!
//! Promises: a dialect is data: what an exchange sends, in which form, and how it tells the price. Which behaviour is
//! whose stands in each exchange's public documentation; see the constructors.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderName, HeaderValue, header, uri::PathAndQuery};
use money::Cpm;
use openrtb::price::adx;

use crate::client::Endpoint;
use crate::{Dice, Market};

/// How `device.geo.country` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountryForm {
    /// `SGP`, as the standard says.
    Alpha3,
    /// `SG`.
    Alpha2,
    /// Either, now and then in lower case.
    Mixed,
}

/// Where privacy signals and the supply chain are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldAge {
    /// `regs.gdpr`, `source.schain`, `user.eids`: OpenRTB 2.6.
    Current,
    /// `regs.ext.gdpr`, `source.ext.schain`, `user.ext.eids`: OpenRTB 2.5.
    Extension,
}

/// How `${AUCTION_PRICE}` is told.
#[derive(Clone, Debug)]
pub enum PriceForm {
    /// As a decimal number.
    Plain,
    /// Encrypted in the form of Google Authorized Buyers.
    Adx(Box<adx::Keys>),
}

/// An exchange's manner of speaking.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// The `x-openrtb-version` header, if one is sent.
    pub version: Option<&'static str>,
    /// Whether requests are sent in gzip.
    pub gzip_requests: bool,
    /// Whether answers in gzip are asked for.
    pub gzip_answers: bool,
    /// How the country is written.
    pub country: CountryForm,
    /// Where privacy signals stand.
    pub field_age: FieldAge,
    /// The range of `tmax` in milliseconds.
    pub tmax_ms: RangeInclusive<u32>,
    /// How the price is told.
    pub price: PriceForm,
    /// Auctions of 1000 that are first price; the others are second price.
    pub first_price_per_mille: u32,
    /// Notices of 1000 that come as POST; the others are GET.
    pub post_notices_per_mille: u32,
    /// Writes `imp.ext`.
    pub imp_ext: fn(&mut Dice) -> String,
    /// Writes the request's `ext`.
    pub request_ext: fn(&mut Dice) -> String,
}

impl Dialect {
    /// Google Authorized Buyers: alpha-3, no version header, the price encrypted.
    pub fn google_adx(keys: adx::Keys) -> Self {
        Self {
            version: None,
            gzip_requests: false,
            gzip_answers: true,
            country: CountryForm::Alpha3,
            field_age: FieldAge::Current,
            tmax_ms: 100..=300,
            price: PriceForm::Adx(Box::new(keys)),
            first_price_per_mille: 1000,
            post_notices_per_mille: 0,
            imp_ext: |dice| {
                format!(
                    r#"{{"billing_id":["{}"],"publisher_settings_list_id":["{}"],"dfp_ad_unit_code":"/{}/sea/top","ampad":3}}"#,
                    dice.below(1 << 40),
                    dice.next_u64(),
                    dice.below(1 << 30)
                )
            },
            request_ext: |dice| format!(r#"{{"google_query_id":"{}"}}"#, dice.hex(40)),
        }
    }

    /// Microsoft Monetize (Xandr): version header, any form of country, second price now and then, some POST notices.
    pub fn xandr() -> Self {
        Self {
            version: Some("2.6"),
            gzip_requests: false,
            gzip_answers: false,
            country: CountryForm::Mixed,
            field_age: FieldAge::Extension,
            tmax_ms: 100..=150,
            price: PriceForm::Plain,
            first_price_per_mille: 500,
            post_notices_per_mille: 200,
            imp_ext: |dice| {
                format!(
                    r#"{{"appnexus":{{"tag_id":{},"allow_smaller_sizes":0,"inv_code":"sea_{}"}}}}"#,
                    dice.below(1 << 25),
                    dice.below(1000)
                )
            },
            request_ext: |dice| format!(r#"{{"appnexus":{{"seller_member_id":{}}}}}"#, dice.below(20_000)),
        }
    }

    /// Index Exchange: requests in gzip, version header, alpha-3.
    pub fn index() -> Self {
        Self {
            version: Some("2.6"),
            gzip_requests: true,
            gzip_answers: true,
            country: CountryForm::Alpha3,
            field_age: FieldAge::Extension,
            tmax_ms: 90..=200,
            price: PriceForm::Plain,
            first_price_per_mille: 900,
            post_notices_per_mille: 0,
            imp_ext: |dice| format!(r#"{{"siteID":"{}","sid":"{}"}}"#, dice.below(1 << 20), dice.below(9)),
            request_ext: |dice| format!(r#"{{"ixdiag":{{"msd":{},"msi":0}}}}"#, dice.below(40)),
        }
    }

    /// Makes the endpoint of this exchange's requests.
    pub fn endpoint(&self, address: SocketAddr, path: PathAndQuery) -> Endpoint {
        let mut endpoint = Endpoint::new(address, path)
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))
            .with_header(header::USER_AGENT, HeaderValue::from_static("exchange-simulator"));
        if let Some(version) = self.version {
            let name = HeaderName::from_static("x-openrtb-version");
            endpoint = endpoint.with_header(name, HeaderValue::from_static(version));
        }
        if self.gzip_requests {
            endpoint = endpoint.with_header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.gzip_answers {
            endpoint = endpoint.with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        endpoint
    }

    /// Puts a request's JSON into the form that goes over the wire.
    pub fn encode(&self, json: Vec<u8>) -> Vec<u8> {
        if self.gzip_requests { gzip(&json) } else { json }
    }

    /// Writes a price as this exchange tells it in a notice.
    pub fn price_text(&self, price: Cpm, dice: &mut Dice) -> String {
        match &self.price {
            PriceForm::Plain => price.to_string(),
            PriceForm::Adx(keys) => {
                // The time stands in the message: who reads it may refuse old ones.
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
                keys.encrypt_price(price, adx::Iv::new(seconds, now.subsec_micros(), dice.next_u64()))
            }
        }
    }

    pub(crate) fn country(&self, market: Market, dice: &mut Dice) -> String {
        match self.country {
            CountryForm::Alpha3 => market.alpha3().to_owned(),
            CountryForm::Alpha2 => market.alpha2().to_owned(),
            CountryForm::Mixed => match dice.below(4) {
                0 | 1 => market.alpha3().to_owned(),
                2 => market.alpha2().to_owned(),
                _ => market.alpha2().to_ascii_lowercase(),
            },
        }
    }
}

/// Compresses a body in gzip, at the level that exchanges use: fast.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 2), flate2::Compression::fast());
    // Writing into a vector cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
