//! A panic while a campaign is evaluated is the campaign's: the request goes on with the others.

mod support;

use std::sync::Arc;

use campaign::{CampaignId, Index, Scratch, Setting, Size, Want, chaos, compile};
use support::{NOW_MS, country, sound, want_of};

const SIZES: [Size; 1] = [Size::new(300, 250)];

fn want() -> Want<'static> {
    want_of(Setting { country: country("SG"), exchange: "xandr", now_ms: NOW_MS }, &SIZES, true)
}

fn index_of(ids: &[u32]) -> Index {
    Index::of(ids.iter().map(|id| Arc::new(compile(&sound(*id)).expect("sound"))))
}

fn found(index: &Index) -> Vec<u32> {
    index.candidates(&want(), &mut Scratch::new()).map(|candidate| candidate.campaign().id().0).collect()
}

#[test]
fn a_panicking_campaign_is_out_of_bidding_and_the_others_are_not() {
    let index = index_of(&[1, 2, 3]);
    let want = want();
    let judged: Vec<Result<u32, _>> = index
        .candidates(&want, &mut Scratch::new())
        .map(|candidate| {
            candidate.evaluate(|candidate| match candidate.campaign().id().0 {
                2 => panic!("table of campaign 2 is corrupt"),
                id => id,
            })
        })
        .collect();
    assert_eq!(judged[0], Ok(1));
    assert_eq!(judged[2], Ok(3));
    let condemned = judged[1].as_ref().expect_err("campaign 2 panicked");
    assert_eq!(condemned.campaign, CampaignId(2));
    assert_eq!(condemned.message, "table of campaign 2 is corrupt");
    assert_eq!(found(&index), [1, 3]);
}

#[test]
fn the_chaos_point_strikes_the_named_campaign_alone() {
    let index = index_of(&[41, 42]);
    chaos::EVALUATION.arm(CampaignId(42));
    let want = want();
    let judged: Vec<bool> =
        index.candidates(&want, &mut Scratch::new()).map(|candidate| candidate.evaluate(|_| ()).is_ok()).collect();
    chaos::EVALUATION.disarm(CampaignId(42));
    assert_eq!(judged, [true, false]);
    assert!(!chaos::EVALUATION.is_armed(CampaignId(42)));
}

#[test]
fn a_payload_that_panics_when_dropped_is_survived() {
    struct Grenade;

    impl Drop for Grenade {
        fn drop(&mut self) {
            std::panic::panic_any(7_u8);
        }
    }

    let index = index_of(&[1]);
    let want = want();
    let mut scratch = Scratch::new();
    let candidate = index.candidates(&want, &mut scratch).next().expect("a candidate");
    let judged = candidate.evaluate(|_| std::panic::panic_any(Grenade));
    assert!(judged.is_err());
    assert!(found(&index).is_empty());
}
