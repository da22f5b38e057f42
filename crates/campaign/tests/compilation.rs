//! Compiled campaigns: what is refused, which creatives fit, what blocks.

mod support;

use campaign::{CreativeId, Place, Size, compile};
use proptest::prelude::*;
use support::{creative, sound};

const WIDE: Size = Size::new(728, 90);
const TALL: Size = Size::new(160, 600);
const BOX: Size = Size::new(300, 250);

#[test]
fn a_flawed_definition_does_not_compile() {
    let mut campaign = sound(1);
    campaign.creatives.clear();
    let campaign::CompileError::Flawed { campaign: id, flaw } = compile(&campaign).expect_err("flawed") else {
        panic!("flawed")
    };
    assert_eq!((id.0, flaw.place), (1, Place::Creatives));
}

#[test]
fn placements_follow_the_order_of_the_wanted_sizes() {
    let mut campaign = sound(1);
    campaign.creatives = vec![creative(1, &[BOX, WIDE]), creative(2, &[BOX]), creative(3, &[TALL])];
    campaign.creatives[1].secure = false;
    let compiled = compile(&campaign).expect("sound");
    let placed = |sizes: &[Size], secure: bool| -> Vec<(CreativeId, Size)> {
        compiled.placements(sizes, secure).map(|placement| (placement.creative.id, placement.size)).collect()
    };
    let one = CreativeId(1);
    let two = CreativeId(2);
    assert_eq!(placed(&[WIDE, BOX], false), [(one, WIDE), (one, BOX), (two, BOX)]);
    assert_eq!(placed(&[WIDE, BOX], true), [(one, WIDE), (one, BOX)]);
    assert!(placed(&[Size::new(1, 1)], false).is_empty());
    assert!(placed(&[], false).is_empty());
}

#[test]
fn a_blocked_category_covers_what_is_below_it_and_nothing_else() {
    let mut campaign = sound(1);
    campaign.categories = vec!["IAB7-39".into(), "IAB1".into()];
    let compiled = compile(&campaign).expect("sound");
    for blocked in ["IAB7", "IAB7-39", "iab7-39", " IAB1 "] {
        assert!(compiled.is_blocked_by_category(&["IAB25", blocked]), "{blocked}");
    }
    for other in ["", "IAB", "IAB7-3", "IAB7-390", "IAB1-1", "IAB12", "7", "\u{1f642}\u{1f642}"] {
        assert!(!compiled.is_blocked_by_category(&[other]), "{other:?}");
    }
    assert!(!compiled.is_blocked_by_category::<&str>(&[]));
}

#[test]
fn a_blocked_domain_covers_what_is_below_it_and_nothing_else() {
    let mut campaign = sound(1);
    campaign.advertiser_domain = "shop.kopi.example".into();
    let compiled = compile(&campaign).expect("sound");
    for blocked in ["shop.kopi.example", "KOPI.example", "https://www.kopi.example/x?y", " kopi.example.", "example"] {
        assert!(compiled.is_blocked_by_domain(&["other.example", blocked]), "{blocked}");
    }
    for other in ["", ".", "www.", "pi.example", "a.shop.kopi.example", "kopi", "\u{e9}xample", "://"] {
        assert!(!compiled.is_blocked_by_domain(&[other]), "{other:?}");
    }
}

proptest! {
    /// Block lists come from outside: no text makes the comparison panic.
    #[test]
    fn no_block_list_panics(blocked in any::<String>(), tail in any::<String>()) {
        let compiled = compile(&sound(1)).expect("sound");
        for text in [blocked.clone(), format!("IAB8{tail}"), format!("{blocked}kopi.example"), format!("www.{tail}")] {
            compiled.is_blocked_by_category(&[&text]);
            compiled.is_blocked_by_domain(&[&text]);
        }
    }
}
