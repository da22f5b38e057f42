//! A part of the index.
//!
//! Promises the same candidates as a look at every campaign ([`explain`](crate::explain)), the best payers first. Never
//! waits, never changes but for the bits of paused campaigns: a campaign that comes or goes makes a new index; one that dies
//! is left out by its own table.
//!
//! Campaigns of the same countries, exchanges and devices have neighbouring places, so that for most requests most blocks
//! are empty in one column or another; the order of bid prices is a number beside the place, the rank.

use std::sync::atomic::{AtomicU64, Ordering};

use super::columns::{BLOCK_WORDS, Columns, WORD_BITS, ones};
use super::dimension::{Closed, Map, Open};
use super::hits::Hits;
use super::rest::{Rest, Segments};
use super::scratch::Pad;
use super::source::Source;
use crate::targeting::{Channel, Format, Language, Os, Region, UtcOffset, fold};
use crate::{CampaignId, Country, Facts, Size, Want};

/// An immutable snapshot of some campaigns.
#[derive(Debug)]
pub(crate) struct Part {
    pub(super) columns: Columns,
    pub(super) countries: Closed<Country>,
    pub(super) exchanges: Closed<String>,
    pub(super) channels: Closed<Channel>,
    pub(super) devices: Closed<i64>,
    pub(super) systems: Closed<Os>,
    pub(super) connections: Closed<i64>,
    pub(super) languages: Closed<Language>,
    /// Of the week, by a clock of UTC.
    pub(super) hours: Closed<u8>,
    /// With a flag for those that only non-secure creatives fit.
    pub(super) sizes: Open<(Size, bool)>,
    pub(super) formats: Open<Format>,
    pub(super) inventory: Open<String>,
    pub(super) categories: Open<u16>,
    pub(super) regions: Open<Region>,
    pub(super) cities: Open<String>,
    pub(super) carriers: Open<String>,
    pub(super) deals: Open<String>,
    /// One bit a campaign that nobody has paused. A bit that is wrongly set is harmless: the source is asked too.
    pub(super) active: Box<[AtomicU64]>,
    /// Of each place.
    pub(super) ranks: Box<[u32]>,
    pub(super) places: Map<CampaignId, u32>,
    /// By rank.
    pub(super) rests: Box<[Rest]>,
    pub(super) segments: Segments,
    /// By rank.
    pub(super) sources: Box<[Source]>,
}

impl Part {
    /// How many campaigns it holds, live or not.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Its memory in bytes, about: columns, lists and the rest, without the campaigns themselves.
    pub(crate) fn bytes(&self) -> usize {
        let lists = self.sizes.bytes()
            + self.formats.bytes()
            + self.inventory.bytes()
            + self.categories.bytes()
            + self.regions.bytes()
            + self.cities.bytes()
            + self.carriers.bytes()
            + self.deals.bytes();
        let each = size_of::<Rest>() + size_of::<Source>() + size_of::<u32>() + 9;
        self.columns.bytes() + lists + self.segments.bytes() + self.len() * each
    }

    /// Where it finds a campaign, if it holds it.
    pub(super) fn source(&self, campaign: CampaignId) -> Option<&Source> {
        let place = *self.places.get(&campaign)?;
        Some(&self.sources[self.ranks[place as usize] as usize])
    }

    /// Takes a campaign out of every search, or back in, without a rebuild. Whether it may bid is still its source's to say.
    pub(crate) fn set_active(&self, campaign: CampaignId, is_active: bool) {
        let Some(place) = self.places.get(&campaign) else { return };
        let (word, bit) = (&self.active[*place as usize / WORD_BITS], 1_u64 << (place % u64::BITS));
        if is_active {
            word.fetch_or(bit, Ordering::AcqRel);
        } else {
            word.fetch_and(!bit, Ordering::AcqRel);
        }
    }

    /// Notes the ranks of all campaigns that the columns leave.
    pub(super) fn search(&self, want: &Want<'_>, scratch: &mut Pad) {
        scratch.begin(&self.columns, self.segments.count as usize);
        if self.len() > 0 && !want.sizes.is_empty() {
            self.gather(want, scratch);
            let columns = &self.columns;
            scratch.all.sort_unstable_by_key(|id| columns.count(*id));
            self.intersect(scratch);
        }
    }

    /// Finds the columns that matter.
    fn gather(&self, want: &Want<'_>, scratch: &mut Pad) {
        let Facts { setting, region, channel, device, os, connection, language, .. } = want.facts;
        scratch.all.extend(self.countries.fitting(Some(&setting.country)));
        scratch.all.extend(self.exchanges.fitting(Some(setting.exchange)));
        scratch.all.extend(self.channels.fitting(channel.as_ref()));
        scratch.all.extend(self.devices.fitting(device.as_ref()));
        scratch.all.extend(self.systems.fitting(os.as_ref()));
        scratch.all.extend(self.connections.fitting(connection.as_ref()));
        scratch.all.extend(self.languages.fitting(language.as_ref()));
        scratch.all.extend(self.hours.fitting(Some(&UtcOffset::default().hour_of_week(setting.now_ms))));

        let mut sizes = Hits::of(&self.sizes, &self.columns, scratch);
        for size in want.sizes {
            sizes.meet(&(*size, false));
            if !want.secure {
                sizes.meet(&(*size, true));
            }
        }
        sizes.end();
        if !self.formats.is_unused() {
            let mut formats = Hits::of(&self.formats, &self.columns, scratch);
            want.formats.iter().for_each(|format| formats.meet(&format));
            formats.end();
        }
        if !self.inventory.is_unused() {
            let mut inventory = Hits::of(&self.inventory, &self.columns, scratch);
            want.facts.inventory_names(|name| inventory.meet(name));
            inventory.end();
        }
        if !self.categories.is_unused() {
            let mut categories = Hits::of(&self.categories, &self.columns, scratch);
            want.facts.categories(|code| categories.meet(&code));
            categories.end();
        }
        if !self.regions.is_unused() {
            let mut regions = Hits::of(&self.regions, &self.columns, scratch);
            region.iter().for_each(|region| regions.meet(region));
            regions.end();
        }
        if !self.cities.is_unused() {
            let mut cities = Hits::of(&self.cities, &self.columns, scratch);
            let city = want.facts.geo().and_then(|geo| fold(geo.city.as_deref()?));
            city.iter().for_each(|city| cities.meet(city.as_str()));
            cities.end();
        }
        if !self.carriers.is_unused() {
            let mut carriers = Hits::of(&self.carriers, &self.columns, scratch);
            if let Some(device) = want.facts.device() {
                let said = [&device.carrier, &device.mccmnc].into_iter().flatten();
                said.filter_map(|text| fold(text)).for_each(|carrier| carriers.meet(carrier.as_str()));
            }
            carriers.end();
        }
        if !self.deals.is_unused() {
            let mut deals = Hits::of(&self.deals, &self.columns, scratch);
            want.deals.iter().for_each(|deal| deals.meet(&*deal.id));
            deals.end();
        }
    }

    /// Goes through the blocks that are empty in no column.
    fn intersect(&self, scratch: &mut Pad) {
        let columns = &self.columns;
        for at in 0..columns.summary_words() {
            let in_all = scratch.all.iter().fold(u64::MAX, |left, id| left & columns.summary(*id)[at]);
            let left = scratch.either.iter().fold(in_all, |left, (id, extra)| {
                left & (columns.summary(*id)[at] | scratch.extras[*extra].summary[at])
            });
            for block in ones(left).map(|block| at * WORD_BITS + block) {
                self.intersect_block(block, scratch);
            }
        }
    }

    fn intersect_block(&self, block: usize, scratch: &mut Pad) {
        let columns = &self.columns;
        let mut left = [u64::MAX; BLOCK_WORDS];
        for id in &scratch.all {
            let theirs = &columns.blocks(*id)[block];
            let mut some = 0;
            for (ours, theirs) in left.iter_mut().zip(theirs) {
                *ours &= theirs;
                some |= *ours;
            }
            if some == 0 {
                return;
            }
        }
        for (id, extra) in &scratch.either {
            let (theirs, more) = (&columns.blocks(*id)[block], &scratch.extras[*extra].blocks[block]);
            left.iter_mut().zip(theirs.iter().zip(more)).for_each(|(ours, (theirs, more))| *ours &= theirs | more);
        }
        for id in &scratch.none {
            left.iter_mut().zip(&columns.blocks(*id)[block]).for_each(|(ours, theirs)| *ours &= !theirs);
        }
        let excluded = scratch.excluded.blocks[block];
        for (word, bits) in left.into_iter().enumerate() {
            let bits = bits & !excluded[word];
            if bits == 0 {
                continue;
            }
            let word = block * BLOCK_WORDS + word;
            for bit in ones(bits & self.active[word].load(Ordering::Relaxed)) {
                scratch.add_rank(self.ranks[word * WORD_BITS + bit]);
            }
        }
    }
}
