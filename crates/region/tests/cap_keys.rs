//! Keys of users: who has one, which id counts, and what can be linked.

use region::{CapKeys, CapSecret, DAY_MS, UserIds};

const DAY: u32 = 20_000;
const NOW_MS: i64 = DAY as i64 * DAY_MS + 12 * 60 * 60 * 1000;

fn keys() -> CapKeys {
    CapKeys::new(CapSecret::new(DAY, [7; 32]))
}

const USER: UserIds<'static> = UserIds {
    buyeruid: Some("b-1"),
    ifa: Some("AEBE52E7-03EE-455A-B3C4-E57283966239"),
    eid: Some(("liveramp.com", "x")),
    lmt: false,
    dnt: false,
    coppa: false,
};

#[test]
fn who_asked_not_to_be_tracked_has_no_key() {
    let keys = keys();
    assert!(keys.key("adx", &USER, NOW_MS).is_some());
    assert_eq!(keys.key("adx", &UserIds { lmt: true, ..USER }, NOW_MS), None);
    assert_eq!(keys.key("adx", &UserIds { dnt: true, ..USER }, NOW_MS), None);
    assert_eq!(keys.key("adx", &UserIds { coppa: true, ..USER }, NOW_MS), None);
}

#[test]
fn a_zero_ifa_is_an_opt_out_even_beside_another_id() {
    let keys = keys();
    for zero in ["00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000", "0", " 0000-0000 "] {
        assert_eq!(keys.key("adx", &UserIds { ifa: Some(zero), ..USER }, NOW_MS), None, "{zero:?}");
    }
}

#[test]
fn a_user_without_an_id_has_no_key() {
    let keys = keys();
    assert_eq!(keys.key("adx", &UserIds::default(), NOW_MS), None);
    let blank = UserIds { buyeruid: Some(" "), ifa: Some(""), eid: Some(("s", "")), ..UserIds::default() };
    assert_eq!(keys.key("adx", &blank, NOW_MS), None);
}

#[test]
fn the_best_id_decides_and_the_others_do_not_matter() {
    let keys = keys();
    let key = |user: UserIds<'_>| keys.key("adx", &user, NOW_MS).unwrap();
    assert_eq!(key(USER), key(UserIds { ifa: Some("other"), eid: None, ..USER }));
    let device = UserIds { buyeruid: None, ..USER };
    assert_eq!(key(device), key(UserIds { eid: None, ..device }));
    assert_ne!(key(USER), key(device));
    let extended = UserIds { ifa: None, ..device };
    assert_ne!(key(extended), key(UserIds { eid: Some(("other.com", "x")), ..extended }));
}

#[test]
fn a_device_is_one_user_on_all_exchanges_and_a_buyeruid_is_not() {
    let keys = keys();
    let device = UserIds { buyeruid: None, ..USER };
    assert_eq!(keys.key("adx", &device, NOW_MS), keys.key("xandr", &device, NOW_MS));
    assert_ne!(keys.key("adx", &USER, NOW_MS), keys.key("xandr", &USER, NOW_MS));
    let lower = device.ifa.map(str::to_lowercase);
    assert_eq!(keys.key("adx", &device, NOW_MS), keys.key("adx", &UserIds { ifa: lower.as_deref(), ..device }, NOW_MS));
}

#[test]
fn equal_text_in_different_fields_is_not_one_user() {
    let keys = keys();
    let as_buyeruid = UserIds { buyeruid: Some("same"), ..UserIds::default() };
    let as_ifa = UserIds { ifa: Some("same"), ..UserIds::default() };
    assert_ne!(keys.key("adx", &as_buyeruid, NOW_MS), keys.key("adx", &as_ifa, NOW_MS));
}

#[test]
fn keys_change_every_day_and_expire_at_its_end() {
    let keys = keys();
    let today = keys.key("adx", &USER, NOW_MS);
    assert_eq!(keys.key("adx", &USER, NOW_MS + 60_000), today);
    let midnight_ms = (i64::from(DAY) + 1) * DAY_MS;
    assert_eq!(keys.key("adx", &USER, midnight_ms - 1), today);
    let tomorrow = keys.key("adx", &USER, midnight_ms);
    assert!(tomorrow.is_some());
    assert_ne!(tomorrow, today);
}

#[test]
fn the_secret_moves_forward_only_and_gives_the_same_keys_after_a_restart() {
    let stored = CapSecret::new(DAY - 3, [7; 32]);
    let before = CapKeys::new(stored.clone());
    let key = before.key("adx", &USER, NOW_MS);
    assert_eq!(CapKeys::new(stored).key("adx", &USER, NOW_MS), key, "from the old secret");
    assert_eq!(CapKeys::new(before.secret()).key("adx", &USER, NOW_MS), key, "from the one in use");
    assert_eq!(before.secret().day(), DAY - 1, "the day before is kept, since windows slide over midnight");
    assert_eq!(before.secret().advanced_to(DAY - 2).day(), DAY - 1, "there is no way back");
}

#[test]
fn debug_output_shows_no_secret() {
    let shown = format!("{:?}", CapSecret::new(DAY, [0xAB; 32]));
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab, "), "{shown}");
}
