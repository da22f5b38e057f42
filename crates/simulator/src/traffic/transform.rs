//! Moves a request of a public corpus to Southeast Asia.
//!
//! Promises: rewrites `device.geo`, `device.ip`, `device.ipv6`, `language`, `carrier`, `mccmnc` and `cur`, and leaves
//! every other byte as it stands, oddities included. The same seed and line number give the same result.

use super::Market;
use crate::Dice;
use crate::json::{RawObject, quote};

/// What becomes of `cur`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrencyRewrite {
    /// It stays as it is.
    Keep,
    /// The local currency only.
    Local,
    /// The local currency is put before what was accepted (USD, if nothing was said).
    AddLocal,
    /// One of the three, drawn for each line.
    Mixed,
}

/// A transformed request.
#[derive(Clone, Debug)]
pub struct Transformed {
    /// Where it comes from now.
    pub market: Market,
    /// The request as JSON.
    pub json: Vec<u8>,
}

/// A line that cannot be transformed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// The line is no UTF-8.
    #[error("line is not UTF-8")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// The line is no JSON object.
    #[error("line is not a JSON object")]
    NotAnObject,
}

/// Rewrites one line of a corpus; `line_number` makes each line's draw its own.
///
/// # Errors
///
/// [`TransformError`] if the line is no JSON object.
///
/// # Examples
///
/// ```
/// use simulator::{CurrencyRewrite, transform};
///
/// let line = br#"{"id":"1","imp":[{"id":"a","banner":{"w":300,"h":250}}],"device":{"geo":{"country":"USA"}}}"#;
/// let moved = transform(line, 7, 0, CurrencyRewrite::Local)?;
/// let text = String::from_utf8(moved.json)?;
/// assert!(text.contains(moved.market.alpha3()) || text.contains(moved.market.alpha2()));
/// assert!(text.contains(moved.market.currency().as_str()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn transform(
    line: &[u8],
    seed: u64,
    line_number: u64,
    currency: CurrencyRewrite,
) -> Result<Transformed, TransformError> {
    let mut request = RawObject::read(std::str::from_utf8(line)?).ok_or(TransformError::NotAnObject)?;
    let mut dice = Dice::derive(seed, line_number);
    let market = *dice.pick(&Market::ALL);

    let device = rewrite_device(request.object("device").unwrap_or_default(), market, &mut dice);
    request.set("device", device);
    if let Some(cur) = rewrite_currency(&request, market, currency, &mut dice) {
        request.set("cur", cur);
    }
    Ok(Transformed { market, json: request.write().into_bytes() })
}

fn rewrite_device(mut device: RawObject<'_>, market: Market, dice: &mut Dice) -> String {
    let country = if dice.chance(700) { market.alpha3() } else { market.alpha2() };
    device.set("geo", market.geo(country, dice));
    device.set("ip", quote(&market.ipv4(dice)));
    if device.get("ipv6").is_some() {
        device.set("ipv6", quote(&market.ipv6(dice)));
    }
    let (carrier, mccmnc) = dice.pick(market.carriers());
    device.set("language", quote(dice.pick::<&str>(market.languages())));
    device.set("carrier", quote(carrier));
    device.set("mccmnc", quote(mccmnc));
    device.write()
}

fn rewrite_currency(
    request: &RawObject<'_>,
    market: Market,
    rewrite: CurrencyRewrite,
    dice: &mut Dice,
) -> Option<String> {
    let local = market.currency().to_string();
    match rewrite {
        CurrencyRewrite::Keep => None,
        CurrencyRewrite::Local => Some(format!("[{}]", quote(&local))),
        CurrencyRewrite::AddLocal => {
            let mut accepted = request.texts("cur");
            if accepted.is_empty() {
                accepted.push("USD".to_owned());
            }
            accepted.retain(|cur| *cur != local);
            let quoted: Vec<String> = std::iter::once(&local).chain(&accepted).map(|cur| quote(cur)).collect();
            Some(format!("[{}]", quoted.join(",")))
        }
        CurrencyRewrite::Mixed => {
            let drawn = [CurrencyRewrite::Keep, CurrencyRewrite::Local, CurrencyRewrite::AddLocal];
            rewrite_currency(request, market, *dice.pick(&drawn), dice)
        }
    }
}
