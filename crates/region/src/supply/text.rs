//! What was learnt, as text: kept over a restart of the process.
//!
//! Promises that a text is read back as it was, or refused as a whole with its line. Never trusts one: whoever has changed or
//! cut it is found by its sum, and every number is looked at.

use std::fmt::Write;
use std::str::FromStr;

use campaign::{CampaignId, HourPlan};
use thiserror::Error;

use super::book::{Class, Counted, Entry, Former, SupplyBook};
use super::own::{NUMBERS, OwnShape};
use super::week::WeekShape;

const HEAD: &str = "tembusu supply 1";

/// A text that is none of a [`SupplyBook`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WrongSupply {
    /// It begins otherwise.
    #[error("line 1: not `{HEAD}` and a sum: another program or version wrote it; move it away to learn anew")]
    Head,
    /// It was cut or changed.
    #[error("line 1: the sum is not that of the text: it was cut or changed; move it away to learn anew")]
    Sum,
    /// A line makes no sense, although the sum is right.
    #[error("line {0}: no shape and no course; move the file away to learn anew")]
    Line(usize),
}

impl SupplyBook {
    /// Everything that a new process needs to go on.
    #[must_use]
    pub fn to_text(&self) -> String {
        let book = self.lock();
        let mut body = String::new();
        let mut classes: Vec<_> = book.classes.iter().collect();
        classes.sort_unstable_by(|(a, _), (b, _)| (&a.region, &a.exchange).cmp(&(&b.region, &b.exchange)));
        for (Class { region, exchange }, Counted { shape, .. }) in classes {
            let (rates, weeks) = shape.hours();
            let _ = writeln!(body, "class {region} {exchange} {} {}", list(rates), list(weeks));
        }
        let live = book.campaigns.iter().map(|(campaign, entry)| (*campaign, entry.kept()));
        let mut campaigns: Vec<(CampaignId, Former)> = live.collect();
        campaigns.extend(book.former.iter().map(|(campaign, former)| (*campaign, former.clone())));
        drop(book);
        campaigns.sort_unstable_by_key(|(campaign, _)| *campaign);
        for (campaign, former) in &campaigns {
            let Former { budget, starts_ms, ends_ms, from_ms, done, weights, own, asked_ms } = former;
            let weights = weights.as_ref().map_or_else(|| "even".to_owned(), |weights| list(weights));
            let own = list(&own.numbers());
            let _ = writeln!(
                body,
                "campaign {campaign} {budget} {starts_ms} {ends_ms} {from_ms} {done} {asked_ms} {weights} {own}"
            );
        }
        format!("{HEAD} {:016x}\n{body}", sum(&body))
    }

    /// A book that goes on with what was kept.
    ///
    /// # Errors
    ///
    /// [`WrongSupply`]: nothing of the text is used.
    pub fn from_text(text: &str) -> Result<Self, WrongSupply> {
        let (head, body) = text.split_once('\n').ok_or(WrongSupply::Head)?;
        let said = head.strip_prefix(HEAD).map(str::trim).ok_or(WrongSupply::Head)?;
        if said != format!("{:016x}", sum(body)) {
            return Err(WrongSupply::Sum);
        }
        let kept = Self::new();
        let mut book = kept.lock();
        for (at, line) in body.lines().enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            let wrong = || WrongSupply::Line(at + 2);
            match words.split_first() {
                Some((&"class", words)) => {
                    let (class, shape) = class(words).ok_or_else(wrong)?;
                    book.classes.insert(class, Counted::known(shape));
                }
                Some((&"campaign", words)) => {
                    let (campaign, former) = campaign(words).ok_or_else(wrong)?;
                    book.former.insert(campaign, former);
                }
                _ => return Err(wrong()),
            }
        }
        drop(book);
        Ok(kept)
    }
}

impl Entry {
    fn kept(&self) -> Former {
        let plan = self.course.plan();
        let (from_ms, done) = self.course.turned();
        Former {
            budget: plan.budget.0,
            starts_ms: plan.flight.starts_ms,
            ends_ms: plan.flight.ends_ms,
            from_ms,
            done: done.0,
            weights: plan.hours.as_deref().map(HourPlan::weights),
            own: self.own,
            asked_ms: self.asked_ms,
        }
    }
}

fn class(words: &[&str]) -> Option<(Class, WeekShape)> {
    let [region, exchange, rates, weeks] = words else { return None };
    let shape = WeekShape::known(numbers(rates)?, numbers(weeks)?)?;
    Some((Class { region: (*region).into(), exchange: (*exchange).into() }, shape))
}

fn campaign(words: &[&str]) -> Option<(CampaignId, Former)> {
    let [campaign, budget, starts_ms, ends_ms, from_ms, done, asked_ms, weights, own] = words else { return None };
    let former = Former {
        budget: budget.parse().ok()?,
        starts_ms: starts_ms.parse().ok()?,
        ends_ms: ends_ms.parse().ok()?,
        from_ms: from_ms.parse().ok()?,
        done: done.parse().ok()?,
        asked_ms: asked_ms.parse().ok()?,
        weights: if *weights == "even" { None } else { Some(numbers(weights)?) },
        own: OwnShape::known(&numbers::<f32, NUMBERS>(own)?)?,
    };
    Some((CampaignId(campaign.parse().ok()?), former))
}

fn list<T: ToString>(numbers: &[T]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn numbers<T: FromStr + Copy, const N: usize>(text: &str) -> Option<[T; N]> {
    let numbers: Vec<T> = text.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok()
}

/// FNV-1a: against accidents, not against people.
fn sum(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
