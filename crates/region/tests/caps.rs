//! The cap table, from one thread and from many.

use std::sync::atomic::{AtomicUsize, Ordering};

use campaign::{CampaignId, CapMemory, CapWindow, Caps, CreativeId};
use ledger::{CapCount, CapKey, TokenId};
use region::limits::CAP_SHARDS;
use region::{CapCounts, CapTable, CapUser, NoPlace};

const CAMPAIGN: CampaignId = CampaignId(7);
const USER: CapKey = CapKey([0; CapKey::BYTES]);
const NOW_MS: i64 = 20_000 * DAY_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;

fn per_day(max: u32) -> Caps {
    Caps::NONE.with(CapWindow::Day, max)
}

/// Opens a bid of a user at a time, in a campaign with these caps.
fn open_at(caps: &CapTable, user: CapUser, limits: Caps, name: TokenId, now_ms: i64) -> bool {
    caps.try_open(CAMPAIGN, user, limits, name, now_ms, now_ms + HOUR_MS)
}

fn open(caps: &CapTable, campaign: CampaignId, key: CapKey, name: TokenId, max: u32) -> bool {
    caps.try_open(campaign, CapUser::lasting(key), per_day(max), name, NOW_MS, NOW_MS + HOUR_MS)
}

fn seeded(key: CapKey, until_ms: i64, count: u32) -> CapCount {
    CapCount { subject: CAMPAIGN.into(), cap_key: key, until_ms, count }
}

fn bid(number: u8) -> TokenId {
    TokenId([number; TokenId::BYTES])
}

#[test]
fn open_bids_count_towards_the_cap_until_they_end() {
    let caps = CapTable::new();
    assert!(open(&caps, CAMPAIGN, USER, bid(1), 2));
    assert!(open(&caps, CAMPAIGN, USER, bid(2), 2));
    assert!(!open(&caps, CAMPAIGN, USER, bid(3), 2), "two are open already");
    assert!(!caps.is_below(CAMPAIGN, CapUser::lasting(USER), per_day(2), NOW_MS));
    caps.close(CAMPAIGN, USER, bid(1));
    assert!(open(&caps, CAMPAIGN, USER, bid(3), 2));
}

#[test]
fn a_billing_moves_its_bid_from_open_to_billed_and_stays_for_the_day() {
    let caps = CapTable::new();
    assert!(open(&caps, CAMPAIGN, USER, bid(1), 1));
    caps.bill(CAMPAIGN, USER, bid(1), NOW_MS);
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts { billed: 1, open: 0 });
    caps.close(CAMPAIGN, USER, bid(1));
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts { billed: 1, open: 0 });
    assert!(!open(&caps, CAMPAIGN, USER, bid(2), 1));
}

#[test]
fn a_billing_whose_bid_is_unknown_is_counted_all_the_same() {
    let caps = CapTable::new();
    caps.bill(CAMPAIGN, USER, bid(1), NOW_MS);
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts { billed: 1, open: 0 });
}

#[test]
fn the_same_bid_is_not_opened_twice_and_closing_it_twice_changes_nothing() {
    let caps = CapTable::new();
    assert!(open(&caps, CAMPAIGN, USER, bid(1), 5));
    assert!(!open(&caps, CAMPAIGN, USER, bid(1), 5));
    caps.close(CAMPAIGN, USER, bid(1));
    caps.close(CAMPAIGN, USER, bid(1));
    assert!(caps.is_empty(), "an entry that counts nothing is dropped");
}

#[test]
fn campaigns_and_users_are_counted_apart() {
    let caps = CapTable::new();
    let other_user = CapKey([2; CapKey::BYTES]);
    assert!(open(&caps, CAMPAIGN, USER, bid(1), 1));
    assert!(open(&caps, CampaignId(8), USER, bid(2), 1));
    assert!(open(&caps, CAMPAIGN, other_user, bid(3), 1));
    assert_eq!(caps.len(), 3);
}

#[test]
fn without_a_cap_there_is_nothing_to_open() {
    let caps = CapTable::new();
    assert!(!open_at(&caps, CapUser::lasting(USER), Caps::NONE, bid(1), NOW_MS));
    assert!(caps.is_empty());
}

#[test]
fn every_window_has_its_own_say_and_slides() {
    let caps = CapTable::new();
    let user = CapUser::lasting(USER);
    let limits = Caps::NONE.with(CapWindow::Minute, 1).with(CapWindow::Hour, 2).with(CapWindow::Day, 3);
    let show = |name: u8, at_ms: i64| {
        let opened = open_at(&caps, user, limits, bid(name), at_ms);
        if opened {
            caps.bill(CAMPAIGN, USER, bid(name), at_ms);
        }
        opened
    };
    assert!(show(1, NOW_MS));
    assert!(!show(2, NOW_MS + 59_999), "one per minute");
    assert!(show(2, NOW_MS + 60_000));
    assert!(!show(3, NOW_MS + HOUR_MS - 1), "two per hour, over the end of the clock's hour too");
    assert!(show(3, NOW_MS + HOUR_MS));
    assert!(!show(4, NOW_MS + DAY_MS - 1), "three per day");
    assert!(show(4, NOW_MS + DAY_MS));
}

#[test]
fn a_creative_is_counted_apart_from_its_campaign() {
    let caps = CapTable::new();
    let user = CapUser::lasting(USER);
    let creative = CreativeId(7);
    assert!(caps.try_open(creative, user, per_day(1), bid(1), NOW_MS, NOW_MS + 1));
    assert!(!caps.try_open(creative, user, per_day(1), bid(2), NOW_MS, NOW_MS + 1));
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts::default());
    assert_eq!(caps.counts(creative, USER), CapCounts { billed: 0, open: 1 });
}

#[test]
fn a_window_looks_back_over_midnight_under_the_key_of_the_day_before() {
    let caps = CapTable::new();
    let (yesterday, today) = (USER, CapKey([4; CapKey::BYTES]).marked(CapMemory::Day, false));
    let before_midnight = CapUser::of_day(19_999, yesterday, None);
    let after_midnight = CapUser::of_day(20_000, today, Some(yesterday));
    assert!(open_at(&caps, before_midnight, per_day(3), bid(1), NOW_MS - 1));
    caps.bill(CAMPAIGN, yesterday, bid(1), NOW_MS - 1);
    assert!(open_at(&caps, before_midnight, per_day(3), bid(2), NOW_MS - 1));
    assert!(open_at(&caps, after_midnight, per_day(3), bid(3), NOW_MS));
    assert!(!open_at(&caps, after_midnight, per_day(3), bid(4), NOW_MS), "one billed, one open, one of today");
    assert!(!caps.is_below(CAMPAIGN, after_midnight, per_day(3), NOW_MS));
    // Whoever still holds a key of yesterday would not see today's.
    assert!(!open_at(&caps, before_midnight, per_day(9), bid(5), NOW_MS - 1));
    caps.close(CAMPAIGN, yesterday, bid(2));
    assert!(open_at(&caps, after_midnight, per_day(3), bid(4), NOW_MS));
}

#[test]
fn users_are_forgotten_when_no_window_looks_back_on_them_unless_a_bid_is_open() {
    let caps = CapTable::new();
    let month = USER.marked(CapMemory::Month, false);
    caps.seed(&seeded(USER, NOW_MS - DAY_MS, 3));
    caps.seed(&seeded(month, NOW_MS - DAY_MS, 2));
    assert!(open(&caps, CampaignId(8), USER, bid(1), 1));
    caps.bill(CampaignId(9), USER, bid(2), NOW_MS);
    (0..CAP_SHARDS).for_each(|shard| caps.forget(shard, NOW_MS));
    assert_eq!(caps.counts(CAMPAIGN, USER), CapCounts::default());
    assert_eq!(caps.counts(CAMPAIGN, month).billed, 2);
    assert_eq!(caps.counts(CampaignId(8), USER).open, 1);
    assert_eq!(caps.counts(CampaignId(9), USER).billed, 1);
    assert_eq!((caps.figures().entries, caps.figures().open), (3, 1));
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
    let refused = (0..=limit).find(|number| !open(&caps, CAMPAIGN, user(*number), bid(1), 2));
    assert!(refused.is_some(), "the table takes no more than {limit}");
    assert!(open(&caps, CAMPAIGN, user(0), bid(2), 2), "a known user is still counted");

    // It says which of both it was.
    let again = |number: u32, name: TokenId, cap: u32| {
        caps.open(CAMPAIGN, CapUser::lasting(user(number)), per_day(cap), name, NOW_MS, NOW_MS + HOUR_MS)
    };
    let refused = refused.unwrap();
    assert_eq!(again(refused, bid(3), 2), Err(NoPlace::TableFull));
    assert_eq!(again(0, bid(3), 2), Err(NoPlace::Reached));
    let figures = caps.figures();
    assert_eq!((figures.refused, figures.entries_max), (2, CAP_SHARDS * PER_SHARD_MAX));

    // Those whose windows have passed make room.
    (0..refused).for_each(|number| caps.close(CAMPAIGN, user(number), bid(1)));
    caps.bill(CAMPAIGN, user(0), bid(2), NOW_MS);
    (0..CAP_SHARDS).for_each(|shard| caps.forget(shard, NOW_MS));
    assert_eq!(caps.figures().entries, 1);
    assert_eq!(again(refused, bid(3), 2), Ok(()));
    caps.close(CAMPAIGN, user(refused), bid(3));
    (0..CAP_SHARDS).for_each(|shard| caps.forget(shard, NOW_MS + 86_400_000 + 1_000));
    assert_eq!(caps.figures().entries, 0, "a day later nobody is counted");
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
                        opened.fetch_add(usize::from(open(caps, campaign, user, name, CAP)), Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(opened.into_inner(), CAP as usize);
    }
}
