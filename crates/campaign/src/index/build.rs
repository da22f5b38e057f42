//! How an index is made, off the bid path.
//!
//! Promises that two builds of the same campaigns agree. Never judges a campaign: it has compiled.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Part;
use super::columns::{BLOCK_BITS, BLOCK_WORDS, Columns};
use super::dimension::{Closed, Named, Open, Sorted};
use super::rest::{Rest, Segments, hours_in_utc};
use super::source::Source;
use crate::facts::{Tag, fold_tagged};
use crate::targeting::{Connection, Device, OsRule, Rules, bundle, fold};
use crate::{CompiledCampaign, Country, Size, category};

impl Part {
    /// Makes an index of campaigns as last compiled, each with the source that knows whether it is live.
    pub(crate) fn build(mut campaigns: Vec<(Arc<CompiledCampaign>, Source)>) -> Self {
        // By rank. The ids break ties.
        campaigns.sort_by_key(|(campaign, _)| (Reverse(campaign.bid_cpm()), campaign.id()));
        let mut ranks: Vec<u32> = (0..campaigns.len() as u32).collect();
        ranks.sort_by_cached_key(|rank| (neighbourhood(&campaigns[*rank as usize].0), *rank));
        let placed: Vec<&CompiledCampaign> = ranks.iter().map(|rank| &*campaigns[*rank as usize].0).collect();

        let mut columns = Columns::new(campaigns.len());
        let mut segments = Segments::default();
        let to = &mut columns;
        Self {
            countries: Closed::build(all(&placed, |campaign| campaign.definition().countries.clone()), to),
            exchanges: Closed::build(
                placed.iter().map(|of| (of.definition().exchanges.clone(), excluded(of).exchanges.clone())).collect(),
                to,
            ),
            channels: Closed::build(both(&placed, |rules| rules.inventory.clone()), to),
            devices: Closed::build(both(&placed, |rules| device_codes(&rules.devices)), to),
            systems: Closed::build(both(&placed, |rules| rules.os.iter().map(|OsRule { os, .. }| *os).collect()), to),
            connections: Closed::build(both(&placed, |rules| connection_codes(&rules.connections)), to),
            hours: Closed::build(all(&placed, |campaign| hours_in_utc(campaign.definition())), to),
            languages: Closed::build(both(&placed, |rules| rules.languages.clone()), to),
            sizes: Open::build(all(&placed, sizes), to),
            formats: Open::build(both(&placed, |rules| rules.formats.clone()), to),
            inventory: Open::of(inventory(&placed), to),
            categories: Open::build(both(&placed, |rules| category_codes(&rules.content_categories)), to),
            regions: Open::build(both(&placed, |rules| rules.regions.clone()), to),
            cities: Open::build(both(&placed, |rules| folded(&rules.cities)), to),
            carriers: Open::build(both(&placed, |rules| folded(&rules.carriers)), to),
            deals: Open::build(both(&placed, |rules| rules.deals.clone()), to),
            active: (0..campaigns.len().div_ceil(BLOCK_BITS) * BLOCK_WORDS).map(|_| AtomicU64::new(u64::MAX)).collect(),
            places: (0..).zip(&placed).map(|(place, campaign)| (campaign.id(), place)).collect(),
            ranks: ranks.into(),
            rests: campaigns.iter().map(|(campaign, _)| Rest::of(campaign.definition(), &mut segments)).collect(),
            sources: campaigns.into_iter().map(|(_, source)| source).collect(),
            segments: segments.finished(),
            columns: columns.finished(),
        }
    }
}

fn excluded(campaign: &CompiledCampaign) -> &Rules {
    campaign.definition().exclude()
}

/// What each campaign names on both sides.
fn both<K>(placed: &[&CompiledCampaign], of: impl Fn(&Rules) -> Vec<K>) -> Named<K> {
    placed.iter().map(|campaign| (of(campaign.definition().include()), of(campaign.definition().exclude()))).collect()
}

/// What each campaign names, where nothing can be excluded.
fn all<K>(placed: &[&CompiledCampaign], of: impl Fn(&CompiledCampaign) -> Vec<K>) -> Named<K> {
    placed.iter().map(|campaign| (of(campaign), Vec::new())).collect()
}

/// What the neighbours of a campaign have in common with it.
fn neighbourhood(campaign: &CompiledCampaign) -> (Vec<Country>, Vec<String>, Vec<i64>) {
    fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
        values.sort_unstable();
        values
    }
    let definition = campaign.definition();
    let devices = device_codes(&definition.include().devices);
    (sorted(definition.countries.clone()), sorted(definition.exchanges.clone()), sorted(devices))
}

/// The sizes that creatives fit, with a flag for those that no secure one does.
fn sizes(campaign: &CompiledCampaign) -> Vec<(Size, bool)> {
    let secure: Vec<Size> = campaign.sizes(true).collect();
    campaign.sizes(false).map(|size| (size, secure.binary_search(&size).is_err())).collect()
}

fn device_codes(devices: &[Device]) -> Vec<i64> {
    devices.iter().flat_map(|device| device.codes()).copied().collect()
}

fn connection_codes(connections: &[Connection]) -> Vec<i64> {
    connections.iter().flat_map(|connection| connection.codes()).copied().collect()
}

fn category_codes(texts: &[String]) -> Vec<u16> {
    texts.iter().filter_map(|text| category::code(text)).collect()
}

/// Block lists have thousands of names, of which few are of one campaign alone: none is copied that is known already.
fn inventory(placed: &[&CompiledCampaign]) -> Sorted<String> {
    let (mut sorted, mut key) = (Sorted::new(), String::new());
    for (place, campaign) in (0_u32..).zip(placed) {
        let mut is_any = true;
        inventory_keys(campaign.definition().include(), &mut key, |key| {
            is_any = false;
            sorted.include(place, key);
        });
        if is_any {
            sorted.any(place);
        }
        inventory_keys(campaign.definition().exclude(), &mut key, |key| sorted.exclude(place, key));
    }
    sorted
}

/// Hands over the keys of what the rules list, each in the same memory.
fn inventory_keys(rules: &Rules, key: &mut String, mut each: impl FnMut(&str)) {
    // Checked: domains are in lower case, without blanks around them.
    for domain in rules.domains.iter() {
        key.clear();
        key.push_str(domain);
        key.push_str(Tag::Domain.letter());
        each(key);
    }
    for text in rules.bundles.iter() {
        fold_tagged(bundle(text), Tag::Bundle).iter().for_each(|key| each(key.as_str()));
    }
    let lists = [(&rules.sites, Tag::Site), (&rules.apps, Tag::App), (&rules.publishers, Tag::Publisher)];
    for (texts, tag) in lists {
        for text in texts {
            fold_tagged(text, tag).iter().for_each(|key| each(key.as_str()));
        }
    }
}

fn folded(texts: &[String]) -> Vec<String> {
    texts.iter().filter_map(|text| fold(text)).map(|text| text.as_str().to_owned()).collect()
}
