//! Campaigns for the tests.
//!
//! Promises sound definitions that a test then bends. Never reads a clock.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod random;
pub(crate) mod tree;

use campaign::{Campaign, CampaignId, Country, Creative, CreativeId, Facts, Flight, Pacing, Setting, Size, Want};
use money::{Cpm, Nanos};
use openrtb::{BidRequest, Imp};

/// A moment inside every flight made here.
pub(crate) const NOW_MS: i64 = 1_000_000;

pub(crate) fn country(code: &str) -> Country {
    Country::parse(code).expect("a country of the tests")
}

/// A sound campaign for Singapore with one secure creative of 300x250.
pub(crate) fn sound(id: u32) -> Campaign {
    Campaign {
        id: CampaignId(id),
        name: format!("campaign {id}"),
        budget: Nanos(250_000_000_000),
        bid_cpm: Cpm(1_200_000),
        flight: Flight { starts_ms: 0, ends_ms: 2 * NOW_MS },
        pacing: Pacing::Even,
        hour_weights: Vec::new(),
        strict_budget: false,
        bid_on_uncounted_users: false,
        shading: true,
        countries: vec![country("SG")],
        exchanges: vec![],
        targeting: None,
        categories: vec!["IAB8-5".into()],
        advertiser_domain: "kopi.example".into(),
        advertises: None,
        caps: campaign::Caps::NONE,
        creatives: vec![creative(id * 100, &[Size::new(300, 250)])],
    }
}

/// What an imp of a request that says nothing of its user asks for. Both live for ever, as tests may.
pub(crate) fn want_of(setting: Setting<'static>, sizes: &[Size], secure: bool) -> Want<'static> {
    let facts = Box::leak(Box::new(Facts::of(Box::leak(Box::<BidRequest<'_>>::default()), setting)));
    let sizes = Box::leak(sizes.to_vec().into_boxed_slice());
    let formats = campaign::Formats::of(&Imp { banner: Some(Default::default()), ..Imp::default() });
    Want { facts, sizes, secure, deals: &[], formats }
}

pub(crate) fn creative(id: u32, sizes: &[Size]) -> Creative {
    Creative {
        id: CreativeId(id),
        sizes: sizes.to_vec(),
        markup: "<img src='https://cdn.kopi.example/1.png'>".into(),
        secure: true,
        caps: campaign::Caps::NONE,
        attributes: vec![],
        technology: Default::default(),
    }
}
