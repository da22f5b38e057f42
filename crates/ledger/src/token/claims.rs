//! What a token says, and its bytes.
//!
//! Promises that decoding what was encoded gives the same claims, but for ids cut to [`ID_BYTES_MAX`].
//! Never panics on bytes, whoever made them.

use std::sync::Arc;

use campaign::{CampaignId, CreativeId};
use money::{Cpm, Currency, Rate};

use super::TokenError;
use crate::{CapKey, LeaseId};

/// What a notice must know of the bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// The exchange that the bid went to.
    pub exchange: Arc<str>,
    /// The region whose lease pays.
    pub region: Arc<str>,
    /// The auction: the bid request's id. For people; cut to 64 bytes.
    pub auction: String,
    /// The impression's id in the request. For people; cut to 64 bytes.
    pub imp: String,
    /// The bid's id. For people; cut to 64 bytes.
    pub bid: String,
    /// The campaign that pays.
    pub campaign: CampaignId,
    /// Which version of the campaign's definition made the bid; tokens of earlier programs do not say so.
    pub definition: Option<u32>,
    /// The creative that was offered.
    pub creative: CreativeId,
    /// The lease that the bid was reserved from.
    pub lease: LeaseId,
    /// What was offered, in USD: no billing exceeds it.
    pub bid_price: Cpm,
    /// The currency of the bid, and so of the price in the notice.
    pub currency: Currency,
    /// USD per unit of `currency` at the time of the bid.
    pub rate: Rate,
    /// The user, if the campaign counts users.
    pub cap_key: Option<CapKey>,
    /// When the token was made. Unix milliseconds.
    pub issued_ms: i64,
    /// Whether the request was a test: nothing is billed.
    pub test: bool,
}

/// The longest auction, impression or bid id that a token carries; exchanges choose them, URLs must stay short.
pub(super) const ID_BYTES_MAX: usize = 64;

const TEST: u8 = 1;
const CAP_KEY: u8 = 2;
const DEFINITION: u8 = 4;

impl TokenClaims {
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), TokenError> {
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let bits = bit(self.test, TEST) | bit(self.cap_key.is_some(), CAP_KEY);
        out.push(bits | bit(self.definition.is_some(), DEFINITION));
        out.extend(self.campaign.0.to_be_bytes());
        out.extend(self.creative.0.to_be_bytes());
        out.extend(self.lease.0.to_be_bytes());
        out.extend(self.bid_price.0.to_be_bytes());
        out.extend(self.currency.to_bytes());
        out.extend(self.rate.0.to_be_bytes());
        out.extend(self.issued_ms.to_be_bytes());
        if let Some(key) = self.cap_key {
            out.extend(key.0);
        }
        if let Some(definition) = self.definition {
            out.extend(definition.to_be_bytes());
        }
        put("exchange name", &self.exchange, out)?;
        put("region name", &self.region, out)?;
        for id in [&self.auction, &self.imp, &self.bid] {
            put("id", &id[..id.floor_char_boundary(ID_BYTES_MAX)], out)?;
        }
        Ok(())
    }

    /// `None` if the bytes are not claims of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        let [bits] = rest.array()?;
        if bits & !(TEST | CAP_KEY | DEFINITION) != 0 {
            return None;
        }
        let claims = Self {
            campaign: CampaignId(u32::from_be_bytes(rest.array()?)),
            creative: CreativeId(u32::from_be_bytes(rest.array()?)),
            lease: LeaseId(u64::from_be_bytes(rest.array()?)),
            bid_price: Cpm(i64::from_be_bytes(rest.array()?)),
            currency: Currency::from_bytes(rest.array()?)?,
            rate: Rate(i64::from_be_bytes(rest.array()?)),
            issued_ms: i64::from_be_bytes(rest.array()?),
            cap_key: if bits & CAP_KEY == 0 { None } else { Some(CapKey(rest.array()?)) },
            definition: if bits & DEFINITION == 0 { None } else { Some(u32::from_be_bytes(rest.array()?)) },
            exchange: rest.text()?.into(),
            region: rest.text()?.into(),
            auction: rest.text()?.into(),
            imp: rest.text()?.into(),
            bid: rest.text()?.into(),
            test: bits & TEST != 0,
        };
        rest.0.is_empty().then_some(claims)
    }
}

fn put(field: &'static str, text: &str, out: &mut Vec<u8>) -> Result<(), TokenError> {
    let length = u8::try_from(text.len()).map_err(|_| TokenError::TooLong { field, bytes: text.len() })?;
    out.push(length);
    out.extend(text.as_bytes());
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn text(&mut self) -> Option<&'a str> {
        let [length] = self.array()?;
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
