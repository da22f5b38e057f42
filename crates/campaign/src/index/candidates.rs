//! The candidates of one imp, found as they are asked for.
//!
//! Promises that what it yields is in flight and was live when it was found. Never yields a campaign twice.

use std::cmp::Reverse;

use super::scratch::Pad;
use super::{Candidate, Part};
use crate::{CampaignId, CompiledCampaign, Want};

/// An iterator over the campaigns that fit, by bid price, the highest first.
#[derive(Debug)]
pub struct Candidates<'a>(Way<'a>);

#[derive(Debug)]
enum Way<'a> {
    /// Nothing has changed since the index was built as a whole.
    Base(Found<'a>),
    /// Something has.
    Both(Box<Both<'a>>),
}

impl<'a> Candidates<'a> {
    pub(super) fn of_one(found: Found<'a>) -> Self {
        Self(Way::Base(found))
    }

    /// Those of `base` without the campaigns that `changed` holds, and those of `late`, which was found there.
    pub(super) fn of_both(base: Found<'a>, changed: &'a Part, late: Found<'a>) -> Self {
        Self(Way::Both(Box::new(Both { base, changed, late, ahead: None })))
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    #[inline]
    fn next(&mut self) -> Option<Candidate<'a>> {
        match &mut self.0 {
            Way::Base(found) => found.next(),
            Way::Both(both) => both.next(),
        }
    }
}

/// What one part has found.
#[derive(Debug)]
pub(super) struct Found<'a> {
    part: &'a Part,
    pad: &'a mut Pad,
    want: &'a Want<'a>,
}

impl<'a> Found<'a> {
    pub(super) fn new(part: &'a Part, pad: &'a mut Pad, want: &'a Want<'a>) -> Self {
        Self { part, pad, want }
    }

    fn next(&mut self) -> Option<Candidate<'a>> {
        loop {
            let rank = self.pad.take_best()?;
            if !self.part.rests[rank].holds(self.want.facts, &self.part.segments, self.pad) {
                continue;
            }
            if let Some(campaign) = self.part.sources[rank].live() {
                return Some(Candidate::new(campaign, self.want));
            }
        }
    }
}

/// What two parts have found, merged; each is one candidate ahead.
#[derive(Debug)]
struct Both<'a> {
    base: Found<'a>,
    changed: &'a Part,
    late: Found<'a>,
    ahead: Option<(Option<Candidate<'a>>, Option<Candidate<'a>>)>,
}

impl<'a> Both<'a> {
    fn next(&mut self) -> Option<Candidate<'a>> {
        let (base, late) = match self.ahead.take() {
            Some(ahead) => ahead,
            None => (self.next_base(), self.late.next()),
        };
        let base_is_first = match (&base, &late) {
            (Some(base), Some(late)) => order(base.campaign()) <= order(late.campaign()),
            (base, _) => base.is_some(),
        };
        if base_is_first {
            self.ahead = Some((self.next_base(), late));
            base
        } else {
            self.ahead = late.is_some().then(|| (base, self.late.next()));
            late
        }
    }

    /// The next one that has not been changed since.
    fn next_base(&mut self) -> Option<Candidate<'a>> {
        loop {
            let candidate = self.base.next()?;
            if !self.changed.places.contains_key(&candidate.campaign().id()) {
                return Some(candidate);
            }
        }
    }
}

/// As each part is ranked.
fn order(campaign: &CompiledCampaign) -> (Reverse<money::Cpm>, CampaignId) {
    (Reverse(campaign.bid_cpm()), campaign.id())
}
