//! What no column tells: flight, segments, versions, circles, hours. Checked for the campaigns that the columns have left.
//!
//! Promises a line of memory for a campaign without such rules, and the rules of one campaign in one piece.

use std::borrow::Cow;
use std::ops::Range;

use super::dimension::Map;
use super::scratch::Pad;
use crate::targeting::{Ball, Hours, Os, OsRule, Point, UtcOffset, Version, segment_rule};
use crate::{Campaign, Facts};

/// The rest of one campaign's rules.
#[derive(Debug)]
pub(super) struct Rest {
    starts_ms: i64,
    ends_ms: i64,
    /// Its segments in the pool: those of which it wants one, then those of which it wants none.
    segments: u32,
    any_of: u16,
    none_of: u16,
    rare: Option<Box<Rare>>,
}

/// Rules that few campaigns have.
#[derive(Debug)]
struct Rare {
    hours: Option<(Hours, UtcOffset)>,
    /// Least versions, of systems that are not wanted in every version.
    least: Box<[(Os, Version)]>,
    within: Box<[Ball]>,
    outside: Box<[Ball]>,
}

/// The segments that campaigns name.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// Those of any provider, by id.
    of_any: Map<Box<str>, u32>,
    /// Those of one provider, by id.
    of_one: Map<Box<str>, Vec<Numbered>>,
    pub(super) count: u32,
    pool: Vec<u32>,
}

/// A segment as a rule names it with its provider.
#[derive(Debug)]
struct Numbered {
    provider: Box<str>,
    number: u32,
}

impl Segments {
    fn number(&mut self, rule: &str) -> u32 {
        let next = self.count;
        let number = match segment_rule(rule) {
            (None, id) => *self.of_any.entry(id.into()).or_insert(next),
            (Some(provider), id) => {
                let of_id = self.of_one.entry(id.into()).or_default();
                let known = of_id.iter().find(|known| &*known.provider == provider).map(|known| known.number);
                known.unwrap_or_else(|| {
                    of_id.push(Numbered { provider: provider.into(), number: next });
                    next
                })
            }
        };
        self.count += u32::from(number == next);
        number
    }

    /// Gives back what building has taken beyond need.
    pub(super) fn finished(mut self) -> Self {
        self.pool.shrink_to_fit();
        self
    }

    /// Memory in bytes, about.
    pub(super) fn bytes(&self) -> usize {
        (self.of_any.capacity() + self.of_one.capacity()) * 64 + self.pool.capacity() * 4
    }

    fn read(&self, facts: &Facts<'_>, scratch: &mut Pad) {
        scratch.segments.is_read = true;
        if facts.objects() {
            return;
        }
        for (data, id) in facts.request.segments() {
            if let Some(number) = self.of_any.get(id) {
                scratch.segments.add(*number);
            }
            // Few name providers, and looking costs as much as for the others.
            if self.of_one.is_empty() {
                continue;
            }
            let says = |name: &Option<Cow<'_, str>>, provider: &str| name.as_deref() == Some(provider);
            for Numbered { provider, number } in self.of_one.get(id).into_iter().flatten() {
                if says(&data.id, provider) || says(&data.name, provider) {
                    scratch.segments.add(*number);
                }
            }
        }
    }
}

impl Rest {
    pub(super) fn of(campaign: &Campaign, segments: &mut Segments) -> Self {
        let (include, exclude) = (campaign.include(), campaign.exclude());
        let start = segments.pool.len() as u32;
        for rule in include.segments.iter().chain(&exclude.segments) {
            let number = segments.number(rule);
            segments.pool.push(number);
        }
        Self {
            starts_ms: campaign.flight.starts_ms,
            ends_ms: campaign.flight.ends_ms,
            segments: start,
            // Checked: no list is longer.
            any_of: include.segments.len() as u16,
            none_of: exclude.segments.len() as u16,
            rare: Rare::of(campaign),
        }
    }

    /// Tells whether the rest of the rules holds.
    #[inline]
    pub(super) fn holds(&self, facts: &Facts<'_>, segments: &Segments, scratch: &mut Pad) -> bool {
        let now_ms = facts.setting.now_ms;
        self.starts_ms <= now_ms
            && now_ms < self.ends_ms
            && (self.any_of | self.none_of == 0 || self.segments_hold(facts, segments, scratch))
            && self.rare.as_ref().is_none_or(|rare| rare.holds(facts, scratch))
    }

    fn segments_hold(&self, facts: &Facts<'_>, segments: &Segments, scratch: &mut Pad) -> bool {
        if !scratch.segments.is_read {
            segments.read(facts, scratch);
        }
        let start = self.segments as usize;
        let middle = start + usize::from(self.any_of);
        let has_one = |range: Range<usize>| segments.pool[range].iter().any(|number| scratch.segments.has(*number));
        (self.any_of == 0 || has_one(start..middle)) && !has_one(middle..middle + usize::from(self.none_of))
    }
}

/// The hours in which a campaign bids, and by which clock, if it has rules on them.
fn hours(campaign: &Campaign) -> Option<(Hours, UtcOffset)> {
    let (include, exclude) = (&campaign.include().hours, &campaign.exclude().hours);
    let union = |all: &[Hours]| all.iter().fold(Hours::default(), |all, hours| all.union(*hours));
    let wanted = if include.is_empty() { Hours::all() } else { union(include) };
    let offset = campaign.targeting.as_ref().and_then(|targeting| targeting.utc_offset).unwrap_or_default();
    let is_timed = !include.is_empty() || !exclude.is_empty();
    is_timed.then(|| (wanted.without(union(exclude)), offset))
}

/// The same by a clock of UTC; none if the campaign has no such rules, never bids, or has a clock between the hours.
pub(super) fn hours_in_utc(campaign: &Campaign) -> Vec<u8> {
    let in_utc = hours(campaign).and_then(|(hours, offset)| hours.in_utc(offset));
    in_utc.into_iter().flatten().collect()
}

impl Rare {
    fn of(campaign: &Campaign) -> Option<Box<Self>> {
        let (include, exclude) = (campaign.include(), campaign.exclude());
        // The columns do the usual ones.
        let hours = hours(campaign).filter(|_| hours_in_utc(campaign).is_empty());
        let in_every_version = |os: Os| include.os.contains(&OsRule { os, at_least: None });
        let least = include.os.iter().filter_map(|rule| Some((rule.os, rule.at_least?)));
        let rare = Self {
            hours,
            least: least.filter(|(os, _)| !in_every_version(*os)).collect(),
            within: include.within.iter().map(|circle| circle.ball()).collect(),
            outside: exclude.within.iter().map(|circle| circle.ball()).collect(),
        };
        let has_any =
            rare.hours.is_some() || !rare.least.is_empty() || !rare.within.is_empty() || !rare.outside.is_empty();
        has_any.then(|| Box::new(rare))
    }

    fn holds(&self, facts: &Facts<'_>, scratch: &mut Pad) -> bool {
        let in_time =
            self.hours.is_none_or(|(hours, offset)| hours.contains(offset.hour_of_week(facts.setting.now_ms)));
        in_time && self.version_holds(facts) && self.place_holds(facts, scratch)
    }

    fn version_holds(&self, facts: &Facts<'_>) -> bool {
        let mut least = self.least.iter().filter(|(os, _)| Some(*os) == facts.os).map(|(_, least)| *least).peekable();
        if least.peek().is_none() {
            return true;
        }
        facts.os_version().is_some_and(|version| least.any(|least| least <= version))
    }

    fn place_holds(&self, facts: &Facts<'_>, scratch: &mut Pad) -> bool {
        if self.within.is_empty() && self.outside.is_empty() {
            return true;
        }
        let here = *scratch.point.get_or_insert_with(|| {
            let geo = facts.geo()?;
            let (lat, lon) = geo.position()?;
            Some((Point::of(lat, lon), geo.accuracy.unwrap_or(0)))
        });
        let Some((point, error_metres)) = here else { return self.within.is_empty() };
        let inside = |ball: &Ball| error_metres <= ball.metres && ball.contains(point);
        (self.within.is_empty() || self.within.iter().any(inside))
            && !self.outside.iter().any(|ball| ball.contains(point))
    }
}
