//! An index of which a part has changed since it was built finds what one that is built anew finds, in the same order.

mod support;

use std::sync::Arc;

use campaign::{Campaign, CompiledCampaign, Facts, Formats, Index, Scratch, Setting, Size, Want, compile};
use support::random::{COUNTRIES, Dice, EXCHANGES, SIZES, Words};
use support::{NOW_MS, country};

/// Sets of campaigns, and requests for each.
const ROUNDS: u64 = 60;
const REQUESTS: usize = 40;

fn compiled(campaign: &Campaign) -> Arc<CompiledCampaign> {
    Arc::new(compile(campaign).expect("sound"))
}

fn found(index: &Index, want: &Want<'_>, scratch: &mut Scratch) -> Vec<(u32, i64)> {
    let candidates = index.candidates(want, scratch);
    candidates.map(|found| (found.campaign().id().0, found.campaign().bid_cpm().0)).collect()
}

#[test]
fn what_has_changed_since_is_found_as_if_it_had_always_been_so() {
    let words = Words::few();
    let mut fitted = 0;
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed);
        let count = 1 + dice.below(200) as u32;
        let now: Vec<Campaign> = (1..=count).map(|id| words.campaign(&mut dice, id, 6)).collect();
        // Some were others before, some were not there.
        let changed: Vec<bool> = now.iter().map(|_| dice.one_in(4)).collect();
        let mut base = Vec::new();
        for (campaign, changed) in now.iter().zip(&changed) {
            if !changed {
                base.push(compiled(campaign));
            } else if dice.one_in(2) {
                base.push(compiled(&words.campaign(&mut dice, campaign.id.0, 6)));
            }
        }
        let late = now.iter().zip(&changed).filter(|(_, changed)| **changed).map(|(campaign, _)| compiled(campaign));
        let (plain, over) = (Index::of(now.iter().map(compiled)), Index::of_changed(base, late));
        let (mut one, mut other) = (Scratch::new(), Scratch::new());
        for _ in 0..REQUESTS {
            let text = words.request(&mut dice);
            let request = openrtb::parse_request(text.as_bytes()).expect("an object");
            let (exchange, code): (&&str, &&str) = (dice.pick(&EXCHANGES), dice.pick(&COUNTRIES));
            let setting = Setting { exchange, country: country(code), now_ms: NOW_MS };
            let facts = Facts::of(&request, setting);
            let sizes: Vec<Size> = dice.some(&SIZES, 3);
            for imp in &request.imp {
                let deals = imp.pmp.as_ref().map_or(&[][..], |pmp| &pmp.deals);
                let want =
                    Want { facts: &facts, sizes: &sizes, secure: imp.is_secure(), deals, formats: Formats::of(imp) };
                let expected = found(&plain, &want, &mut one);
                assert_eq!(found(&over, &want, &mut other), expected, "seed {seed}: {text}");
                fitted += expected.len();
            }
        }
    }
    assert!(1_000 < fitted, "only {fitted} campaigns fitted: the test shows little");
}
