//! The cap table, from one thread and from many.

use std::sync::atomic::{AtomicUsize, Ordering};

use campaign::CampaignId;
use ledger::{CapKey, TokenId};
use region::limits::CAP_SHARDS;
use region::{CapCounts, CapTable};

const CAMPAIGN: CampaignId = CampaignId(7);
const USER: CapKey = CapKey([1; CapKey::BYTES]);
const TODAY: u32 = 20_000;

fn bid(number: u8) -> TokenId {
    TokenId([number; TokenId::BYTES])
}

#[test]
fn open_bids_count_towards_the_cap_until_they_end() {
    let caps = CapTable::new();
    assert!(caps.try_open(CAMPAIGN, USER, bid(1), 2, TODAY));
    assert!(caps.try_open(CAMPAIGN, USER, bid(2), 2, TODAY));
    assert!(!caps.try_open(CAMPAIGN, USER, bid(3), 2, TODAY), "two are open already");
    assert!(!caps.is_below(CAMPAIGN, USER, 2));
    caps.close(CAMPAIGN, USER, bid(1));
    assert!(caps.try_open(CAMPAIGN, USER, bid(3), 2, TODAY));
}

#[test]
fn a_billing_moves_its_bid_from_open_to_billed_and_stays_for_the_day() {
    let caps = CapTable::new();
    assert!(caps.try_open(CAMPAIGN, USER, bid(1), 1, TODAY));
    caps.bill(CAMPAIGN, USER, bid(1), TODAY);
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts { billed: 1, open: 0 });
    caps.close(CAMPAIGN, USER, bid(1));
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts { billed: 1, open: 0 });
    assert!(!caps.try_open(CAMPAIGN, USER, bid(2), 1, TODAY));
}

#[test]
fn a_billing_whose_bid_is_unknown_is_counted_all_the_same() {
    let caps = CapTable::new();
    caps.bill(CAMPAIGN, USER, bid(1), TODAY);
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts { billed: 1, open: 0 });
}

#[test]
fn the_same_bid_is_not_opened_twice_and_closing_it_twice_changes_nothing() {
    let caps = CapTable::new();
    assert!(caps.try_open(CAMPAIGN, USER, bid(1), 5, TODAY));
    assert!(!caps.try_open(CAMPAIGN, USER, bid(1), 5, TODAY));
    caps.close(CAMPAIGN, USER, bid(1));
    caps.close(CAMPAIGN, USER, bid(1));
    assert!(caps.is_empty(), "an entry that counts nothing is dropped");
}

#[test]
fn campaigns_and_users_are_counted_apart() {
    let caps = CapTable::new();
    let other_user = CapKey([2; CapKey::BYTES]);
    assert!(caps.try_open(CAMPAIGN, USER, bid(1), 1, TODAY));
    assert!(caps.try_open(CampaignId(8), USER, bid(2), 1, TODAY));
    assert!(caps.try_open(CAMPAIGN, other_user, bid(3), 1, TODAY));
    assert_eq!(caps.len(), 3);
}

#[test]
fn a_cap_of_zero_lets_nothing_through() {
    let caps = CapTable::new();
    assert!(!caps.is_below(CAMPAIGN, USER, 0));
    assert!(!caps.try_open(CAMPAIGN, USER, bid(1), 0, TODAY));
    assert!(caps.is_empty());
}

#[test]
fn yesterdays_users_are_forgotten_unless_a_bid_is_open() {
    let caps = CapTable::new();
    caps.seed(CAMPAIGN, USER, 3, TODAY - 1);
    assert!(caps.try_open(CampaignId(8), USER, bid(1), 1, TODAY - 1));
    caps.seed(CampaignId(9), USER, 1, TODAY);
    caps.forget_before(TODAY);
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts::default());
    assert_eq!(caps.counts(CampaignId(8), USER).open, 1);
    assert_eq!(caps.counts(CampaignId(9), USER).billed, 1);
}

#[test]
fn a_full_table_refuses_new_users_and_keeps_counting_known_ones() {
    const PER_SHARD_MAX: usize = 8;
    let caps = CapTable::bounded(PER_SHARD_MAX);
    let user = |number: u32| {
        let mut key = [0; CapKey::BYTES];
        key[..4].copy_from_slice(&number.to_le_bytes());
        CapKey(key)
    };
    // Fill until the first refusal; shards fill unevenly, so that comes somewhat before the whole limit.
    let limit = u32::try_from(CAP_SHARDS * PER_SHARD_MAX).unwrap();
    let refused = (0..=limit).find(|number| !caps.try_open(CAMPAIGN, user(*number), bid(1), 2, TODAY));
    assert!(refused.is_some(), "the table takes no more than {limit}");
    assert!(caps.try_open(CAMPAIGN, user(0), bid(2), 2, TODAY), "a known user is still counted");
}

#[test]
fn threads_that_open_at_once_never_exceed_the_cap() {
    const CAP: u32 = 3;
    let caps = CapTable::new();
    for round in 0..500_u32 {
        let user = CapKey([u8::try_from(round % 251).unwrap(); CapKey::BYTES]);
        let campaign = CampaignId(round);
        let opened = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let (caps, opened) = (&caps, &opened);
                scope.spawn(move || {
                    for number in 0..3_u8 {
                        let name = bid(thread * 10 + number);
                        opened
                            .fetch_add(usize::from(caps.try_open(campaign, user, name, CAP, TODAY)), Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(opened.into_inner(), CAP as usize);
    }
}
