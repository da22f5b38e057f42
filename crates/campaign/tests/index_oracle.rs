//! The index yields what a look at every campaign yields, the best payers first.

mod support;

use std::sync::Arc;

use campaign::{Campaign, Flight, Index, Size, Want, compile};
use money::Cpm;
use proptest::prelude::*;
use support::{NOW_MS, country, creative, sound};

const COUNTRIES: [&str; 4] = ["SG", "ID", "TH", "MY"];
const EXCHANGES: [&str; 3] = ["google_adx", "xandr", "index"];
const SIZES: [Size; 5] =
    [Size::new(300, 250), Size::new(320, 50), Size::new(728, 90), Size::new(160, 600), Size::new(970, 250)];

fn index_of(campaigns: &[Campaign]) -> Index {
    Index::of(campaigns.iter().map(|campaign| Arc::new(compile(campaign).expect("sound"))))
}

fn found(index: &Index, want: &Want<'_>) -> Vec<u32> {
    index.candidates(want).map(|candidate| candidate.campaign().id().0).collect()
}

/// The oracle: a linear scan over the definitions, sharing no code with the index.
fn scanned(campaigns: &[Campaign], want: &Want<'_>) -> Vec<u32> {
    let fits = |campaign: &&Campaign| {
        let in_flight = campaign.flight.starts_ms <= want.now_ms && want.now_ms < campaign.flight.ends_ms;
        let in_country = campaign.countries.contains(&want.country);
        let on_exchange = campaign.exchanges.is_empty() || campaign.exchanges.iter().any(|ours| ours == want.exchange);
        let shows = campaign.creatives.iter().any(|creative| {
            (creative.secure || !want.secure) && creative.sizes.iter().any(|size| want.sizes.contains(size))
        });
        in_flight && in_country && on_exchange && shows
    };
    let mut fitting: Vec<&Campaign> = campaigns.iter().filter(fits).collect();
    fitting.sort_by_key(|campaign| (-campaign.bid_cpm.0, campaign.id));
    fitting.iter().map(|campaign| campaign.id.0).collect()
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T], least: usize) -> impl Strategy<Value = Vec<T>> {
    proptest::sample::subsequence(all, least..=all.len())
}

fn any_campaign() -> impl Strategy<Value = Campaign> {
    let creatives = proptest::collection::vec((some_of(&SIZES, 1), any::<bool>()), 1..4);
    let flight = (0..3_i64, 1..3_i64);
    (1..20_i64, some_of(&COUNTRIES, 1), some_of(&EXCHANGES, 0), creatives, flight).prop_map(
        |(cents, countries, exchanges, creatives, (starts, lasts))| {
            let mut campaign = sound(1);
            campaign.bid_cpm = Cpm(cents * 10_000);
            campaign.countries = countries.into_iter().map(country).collect();
            campaign.exchanges = exchanges.into_iter().map(str::to_owned).collect();
            campaign.flight = Flight { starts_ms: starts * NOW_MS, ends_ms: (starts + lasts) * NOW_MS };
            let creatives = creatives.into_iter().enumerate().map(|(index, (sizes, secure))| {
                let mut creative = creative(index as u32 + 1, &sizes);
                creative.secure = secure;
                creative
            });
            campaign.creatives = creatives.collect();
            campaign
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    // A failure prints the smallest case, and proptest stores its seed beside this file.
    #[test]
    fn candidates_equal_a_linear_scan(
        mut campaigns in proptest::collection::vec(any_campaign(), 0..150),
        wants in proptest::collection::vec(
            (0..5_usize, 0..4_usize, some_of(&SIZES, 0), any::<bool>(), 0..5 * NOW_MS), 20),
    ) {
        campaigns.iter_mut().enumerate().for_each(|(index, campaign)| campaign.id.0 = index as u32 + 1);
        let index = index_of(&campaigns);
        for (at, exchange, sizes, secure, now_ms) in wants {
            let country = country(COUNTRIES.get(at).copied().unwrap_or("VN"));
            let exchange = EXCHANGES.get(exchange).copied().unwrap_or("another");
            let want = Want { country, exchange, sizes: &sizes, secure, now_ms };
            prop_assert_eq!(found(&index, &want), scanned(&campaigns, &want));
            for candidate in index.candidates(&want) {
                prop_assert!(candidate.placements().next().is_some(), "a candidate has something to show");
            }
        }
    }
}

#[test]
fn candidates_are_found_in_every_word_of_a_column() {
    let campaigns: Vec<Campaign> = (1..=200).map(sound).collect();
    let index = index_of(&campaigns);
    let want = Want { country: country("SG"), exchange: "xandr", sizes: &[SIZES[0]], secure: true, now_ms: NOW_MS };
    assert_eq!(index.len(), 200);
    assert_eq!(found(&index, &want), (1..=200).collect::<Vec<u32>>());
}

#[test]
fn an_empty_index_has_no_candidate() {
    let index = index_of(&[]);
    let want = Want { country: country("SG"), exchange: "xandr", sizes: &[SIZES[0]], secure: true, now_ms: NOW_MS };
    assert!(index.is_empty());
    assert!(found(&index, &want).is_empty());
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
            let want = Want { country: country(code), exchange: "xandr", sizes: size, secure: true, now_ms: NOW_MS };
            assert_eq!(found(&index, &want), [1]);
        }
    }
}
