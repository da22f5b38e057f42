//! The index yields what a look at every campaign yields, the best payers first.
//!
//! How: random campaigns and requests over small vocabularies; then random campaigns over the words of recorded requests, and
//! these requests. The oracle is `explain`, which shares no structure with the index; what `explain` itself is to say stands
//! in `targeting.rs`, rule by rule.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use campaign::targeting::Language;
use campaign::{Campaign, Facts, Formats, Index, Scratch, Setting, Size, Want, compile, explain};
use openrtb::{BidRequest, Imp, Inventory};
use proptest::prelude::*;
use support::random::{COUNTRIES, Dice, EXCHANGES, SIZES, Words};
use support::{NOW_MS, country, creative, sound, want_of};

fn index_of(campaigns: &[Campaign]) -> Index {
    Index::of(campaigns.iter().map(|campaign| Arc::new(compile(campaign).expect("sound"))))
}

fn found(index: &Index, want: &Want<'_>, scratch: &mut Scratch) -> Vec<u32> {
    index.candidates(want, scratch).map(|candidate| candidate.campaign().id().0).collect()
}

/// The oracle: a linear scan over the definitions.
fn scanned(campaigns: &[Campaign], request: &BidRequest<'_>, imp: &Imp<'_>, setting: &Setting<'_>) -> Vec<u32> {
    let fits = |campaign: &&Campaign| explain(campaign, request, imp, setting).is_none();
    let mut fitting: Vec<&Campaign> = campaigns.iter().filter(fits).collect();
    fitting.sort_by_key(|campaign| (-campaign.bid_cpm.0, campaign.id));
    fitting.iter().map(|campaign| campaign.id.0).collect()
}

fn sizes_of(imp: &Imp<'_>) -> Vec<Size> {
    imp.banner.iter().flat_map(|banner| banner.sizes()).map(|(w, h)| Size::new(w, h)).collect()
}

/// Compares both on every imp of a request; says how many campaigns fitted.
#[track_caller]
fn compare(
    index: &Index,
    campaigns: &[Campaign],
    request: &BidRequest<'_>,
    setting: Setting<'_>,
    scratch: &mut Scratch,
    about: &str,
) -> usize {
    let facts = Facts::of(request, setting);
    let mut fitted = 0;
    for imp in &request.imp {
        let sizes = sizes_of(imp);
        let deals = imp.pmp.as_ref().map_or(&[][..], |pmp| &pmp.deals);
        let want = Want { facts: &facts, sizes: &sizes, secure: imp.is_secure(), deals, formats: Formats::of(imp) };
        let found = found(index, &want, scratch);
        assert_eq!(found, scanned(campaigns, request, imp, &setting), "{about}");
        fitted += found.len();
    }
    fitted
}

fn setting(dice: &mut Dice) -> Setting<'static> {
    Setting {
        country: country(COUNTRIES[dice.below(COUNTRIES.len())]),
        exchange: EXCHANGES[dice.below(EXCHANGES.len())],
        now_ms: NOW_MS + dice.below(4 * NOW_MS as usize) as i64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    // A failure prints the seed, and proptest stores it beside this file.
    #[test]
    fn candidates_equal_a_linear_scan(seed in any::<u64>(), count in 0..700_u32, rarity in 2..9_usize) {
        let (mut dice, words) = (Dice(seed), Words::few());
        let campaigns: Vec<Campaign> = (1..=count).map(|id| words.campaign(&mut dice, id, rarity)).collect();
        let index = index_of(&campaigns);
        let mut scratch = Scratch::new();
        for _ in 0..20 {
            let text = words.request(&mut dice);
            let request = openrtb::parse_request(text.as_bytes()).expect("an object");
            let setting = setting(&mut dice);
            compare(&index, &campaigns, &request, setting, &mut scratch, &format!("{setting:?} {text}"));
        }
    }
}

/// Lines of recorded requests: those in this repository, and the shared ones where they exist.
fn recorded() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = here.join("../openrtb/tests/fixtures");
    let shared = here.ancestors().map(|root| root.join("shared/data")).find(|folder| folder.is_dir());
    let of = |folder: &PathBuf, names: &[&str]| -> Vec<String> {
        let read = |name: &&str| std::fs::read_to_string(folder.join(name)).expect("readable");
        names.iter().map(read).flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let mut lines = of(&own, &["requests.jsonl", "invalid.jsonl"]);
    if let Some(shared) = shared {
        let names = ["prebid", "other", "invalid", "odd"].map(|name| format!("bid-requests-{name}.jsonl"));
        lines.extend(of(&shared, &names.each_ref().map(String::as_str)));
    }
    lines
}

/// The words of these requests, beside those of the random ones.
fn words_of(requests: &[BidRequest<'_>]) -> Words {
    let mut words = Words::few();
    let is_usable = |text: &str| !text.trim().is_empty() && text.len() <= 200 && !text.contains(char::is_control);
    let add = |to: &mut Vec<String>, text: Option<&str>| {
        let text = text.map(str::trim).filter(|text| is_usable(text) && to.len() < 60);
        if let Some(text) = text.filter(|text| !to.iter().any(|ours| ours == text)) {
            to.push(text.to_owned());
        }
    };
    for request in requests {
        if let Some(device) = &request.device {
            add(&mut words.carriers, device.carrier.as_deref());
            add(&mut words.cities, device.geo.as_ref().and_then(|geo| geo.city.as_deref()));
            words.languages.extend(device.language.as_deref().and_then(Language::parse));
        }
        match request.inventory() {
            Some(Inventory::App(app)) => {
                add(&mut words.bundles, app.bundle.as_deref());
                app.cat
                    .iter()
                    .filter(|cat| cat.starts_with("IAB1"))
                    .for_each(|cat| add(&mut words.categories, Some(cat)));
                add(&mut words.ids, app.id.as_deref());
            }
            Some(Inventory::Site(site)) => {
                let bare =
                    |text: &&str| text.contains('.') && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'.');
                add(&mut words.domains, site.domain.as_deref().filter(bare));
                add(&mut words.ids, site.id.as_deref());
            }
            _ => {}
        }
        for deal in request.imp.iter().filter_map(|imp| imp.pmp.as_ref()).flat_map(|pmp| &pmp.deals) {
            add(&mut words.deals, Some(&deal.id));
        }
        request.segments().for_each(|(_, id)| add(&mut words.segments, Some(id).filter(|id| !id.contains(':'))));
    }
    words.languages.sort_unstable();
    words.languages.dedup();
    words
}

#[test]
fn candidates_equal_a_linear_scan_on_every_recorded_request() {
    let lines = recorded();
    let requests: Vec<BidRequest<'_>> =
        lines.iter().filter_map(|line| openrtb::parse_request(line.as_bytes()).ok()).collect();
    let words = words_of(&requests);
    let mut sizes: Vec<Size> = requests.iter().flat_map(|request| &request.imp).flat_map(sizes_of).collect();
    sizes.retain(|size| size.w <= campaign::SIDE_MAX && size.h <= campaign::SIDE_MAX);
    sizes.sort_unstable();
    sizes.dedup();

    let seed = std::collections::hash_map::RandomState::new();
    let seed = std::hash::BuildHasher::hash_one(&seed, 0);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let campaigns: Vec<Campaign> = (1..=300)
        .map(|id| {
            let mut campaign = words.campaign(&mut dice, id, 7);
            // Few rules are met on requests that were not made for them, so every campaign fits every size.
            campaign.creatives = vec![creative(id, &sizes)];
            campaign
        })
        .collect();
    let index = index_of(&campaigns);
    let (mut scratch, mut fitted) = (Scratch::new(), 0);
    for (line, request) in requests.iter().enumerate() {
        let setting = setting(&mut dice);
        fitted += compare(&index, &campaigns, request, setting, &mut scratch, &format!("seed {seed}, request {line}"));
    }
    println!("{} requests, {fitted} candidates", requests.len());
    assert!(fitted > requests.len(), "the comparison is of something");
}

#[test]
fn candidates_are_found_in_every_block_and_a_scratch_serves_indexes_of_every_size() {
    let want = want_of(Setting { country: country("SG"), exchange: "xandr", now_ms: NOW_MS }, &SIZES[..1], true);
    let mut scratch = Scratch::new();
    for count in [1_300, 0, 1, 64, 512, 513, 40_000, 65] {
        let campaigns: Vec<Campaign> = (1..=count).map(sound).collect();
        let index = index_of(&campaigns);
        assert_eq!(index.len(), count as usize);
        assert_eq!(index.is_empty(), count == 0);
        // A search that is given up leaves nothing to the next.
        let _ = index.candidates(&want, &mut scratch).next();
        assert_eq!(found(&index, &want, &mut scratch), (1..=count).collect::<Vec<u32>>());
    }
}

#[test]
fn a_house_campaign_takes_every_size_of_its_list_in_all_three_countries() {
    let mut house = sound(1);
    let sizes: Vec<Size> = (1..=1000).map(|side| Size::new(side, side)).collect();
    house.countries = ["SG", "ID", "TH"].map(country).to_vec();
    house.creatives = vec![creative(1, &sizes)];
    let index = index_of(&[house]);
    for code in ["SG", "ID", "TH"] {
        for size in sizes.chunks(1) {
            let want = want_of(Setting { country: country(code), exchange: "xandr", now_ms: NOW_MS }, size, true);
            assert_eq!(found(&index, &want, &mut Scratch::new()), [1]);
            for candidate in index.candidates(&want, &mut Scratch::new()) {
                assert!(candidate.placements().next().is_some(), "a candidate has something to show");
            }
        }
    }
}
