//! The counts of users: written with the billings, read beside the writer, forgotten when no cap looks back any more.

mod common;

use campaign::{CampaignId, CapMemory, CreativeId};
use common::{CAMPAIGN, World, lease, notice};
use ledger::{CAP_SLOT_MS, CapCount, CapKey, CapReader, CapSubject, LeaseId, Notice, NoticeKind, Store};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// More rows than any test has.
const ALL: usize = 1_000;

fn user(number: u8, memory: CapMemory, creatives: bool) -> CapKey {
    CapKey([number; CapKey::BYTES]).marked(memory, creatives)
}

fn of_user(number: u64, lease: LeaseId, kind: NoticeKind, key: CapKey) -> Notice {
    let mut notice = notice(kind, number, lease, 10);
    notice.claims.cap_key = Some(key);
    notice
}

/// What a reader beside the writer sees, and the last event that is in it.
fn read(store: &Store) -> (u64, Vec<CapCount>) {
    let mut reader = store.cap_reader("sg".into());
    let head = reader.begin().unwrap();
    let mut counts = Vec::new();
    reader
        .read(i64::MIN, &mut |count| {
            counts.push(count);
            true
        })
        .unwrap();
    (head, counts)
}

fn of(counts: &[CapCount], subject: CapSubject) -> Vec<(i64, u32)> {
    counts.iter().filter(|count| count.subject == subject).map(|count| (count.until_ms, count.count)).collect()
}

#[test]
fn a_key_says_what_its_campaign_counts_and_nothing_else_of_it_changes() {
    for (memory, creatives) in CapMemory::ALL.into_iter().flat_map(|memory| [(memory, false), (memory, true)]) {
        let key = user(7, memory, creatives);
        assert_eq!((key.memory(), key.counts_creatives()), (memory, creatives));
        assert_eq!(key.0[..CapKey::BYTES - 1], [7; CapKey::BYTES - 1]);
    }
    for subject in [CapSubject::Campaign(CampaignId(u32::MAX)), CapSubject::Creative(CreativeId(u32::MAX))] {
        assert_eq!(CapSubject::from_code(subject.code()), Some(subject));
    }
    assert_eq!([-1, 1 << 33].map(CapSubject::from_code), [None, None]);
}

#[test]
fn billings_are_counted_by_the_minute_for_the_campaign_and_if_asked_for_the_creative() {
    let world = World::new();
    let mut store = world.funded();
    let lease = lease(&mut store, "sg", 5_000).lease;
    let (plain, by_creative) = (user(1, CapMemory::Day, false), user(2, CapMemory::Day, true));
    let times = [(1, 0, plain), (2, CAP_SLOT_MS - 1, plain), (3, CAP_SLOT_MS, plain), (4, 5, by_creative)];
    for (number, at_ms, key) in times {
        store.record_notice(&of_user(number, lease, NoticeKind::Win, key), at_ms).unwrap();
        store.record_notice(&of_user(number, lease, NoticeKind::Billing, key), at_ms).unwrap();
    }
    store.commit().unwrap();
    // Repeated, and not yet committed: neither counts.
    store.record_notice(&of_user(1, lease, NoticeKind::Billing, plain), 7).unwrap();
    store.record_notice(&of_user(5, lease, NoticeKind::Billing, plain), 7).unwrap();
    let (head, counts) = read(&store);
    assert_eq!(head, 9, "the lease, four wins, four billings");
    let mut campaign = of(&counts, CapSubject::Campaign(CAMPAIGN));
    campaign.sort_unstable();
    assert_eq!(campaign, [(CAP_SLOT_MS, 1), (CAP_SLOT_MS, 2), (2 * CAP_SLOT_MS, 1)]);
    let creative = CapSubject::Creative(common::claims(lease, "sg").creative);
    assert_eq!(of(&counts, creative), [(CAP_SLOT_MS, 1)]);
    store.commit().unwrap();
    assert_eq!(read(&store).0, 10);
    drop(store);
    // It replays.
    assert_eq!(read(&world.open()).1.len(), counts.len());
}

#[test]
fn a_reader_sees_one_moment_whatever_is_written_meanwhile() {
    let world = World::new();
    let mut store = world.funded();
    let lease = lease(&mut store, "sg", 5_000).lease;
    let bill = |store: &mut Store, number| {
        store.record_notice(&of_user(number, lease, NoticeKind::Billing, user(1, CapMemory::Day, false)), 0).unwrap();
        store.commit().unwrap();
    };
    bill(&mut store, 1);
    let mut reader = store.cap_reader("sg".into());
    assert_eq!(reader.begin().unwrap(), 2);
    bill(&mut store, 2);
    let mut seen = 0;
    reader
        .read(i64::MIN, &mut |count| {
            seen += count.count;
            true
        })
        .unwrap();
    assert_eq!(seen, 1, "the second billing is the event after the one that it began at");
    assert_eq!(read(&store).1[0].count, 2);
    assert_eq!(store.cap_reader("id".into()).begin().unwrap(), 0, "nothing happened there");
}

#[test]
fn counts_are_forgotten_when_their_memory_is_over_and_events_lose_the_key_after_two_days() {
    let world = World::new();
    let mut store = world.funded();
    let lease = lease(&mut store, "sg", 5_000).lease;
    for (number, memory) in (1..).zip(CapMemory::ALL) {
        let key = user(u8::try_from(number).unwrap(), memory, false);
        store.record_notice(&of_user(number, lease, NoticeKind::Billing, key), 0).unwrap();
    }
    store.commit().unwrap();
    let memories = |store: &Store| -> Vec<CapMemory> {
        let mut memories: Vec<_> = read(store).1.iter().map(|count| count.cap_key.memory()).collect();
        memories.sort_unstable();
        memories
    };
    assert_eq!(store.forget_cap_keys(2 * DAY_MS, ALL).unwrap(), 0);
    assert_eq!(memories(&store), CapMemory::ALL, "a day later they may still be looked back on");
    assert_eq!(
        store.forget_cap_keys(2 * DAY_MS + CAP_SLOT_MS, ALL).unwrap(),
        4,
        "a count and the keys of three events"
    );
    assert_eq!(memories(&store), [CapMemory::Month, CapMemory::Lifetime]);
    store.forget_cap_keys(31 * DAY_MS + CAP_SLOT_MS, ALL).unwrap();
    assert_eq!(memories(&store), [CapMemory::Lifetime]);
    drop(store);
    let mut store = world.open();
    assert_eq!(memories(&store), [CapMemory::Lifetime], "and what is left is believed when the ledger is opened");
    store.forget_cap_keys(367 * DAY_MS + CAP_SLOT_MS, ALL).unwrap();
    assert!(memories(&store).is_empty());
}

/// A busy half an hour is millions of rows: to forget them at once would hold up notices and leases for many seconds.
#[test]
fn a_long_list_is_forgotten_in_portions_and_the_ledger_is_believed_after_each() {
    let world = World::new();
    let mut store = world.funded();
    let lease = lease(&mut store, "sg", 5_000).lease;
    for number in 0..40 {
        // Several in a minute, and of several minutes; two users of each minute are to be forgotten much later.
        let memory = if number % 10 < 2 { CapMemory::Lifetime } else { CapMemory::Day };
        let key = user(u8::try_from(number).unwrap(), memory, number % 3 == 0);
        let at_ms = i64::try_from(number / 10).unwrap() * CAP_SLOT_MS;
        store.record_notice(&of_user(number, lease, NoticeKind::Billing, key), at_ms).unwrap();
    }
    store.commit().unwrap();
    let before = read(&store).1.len();
    let now_ms = 2 * DAY_MS + 10 * CAP_SLOT_MS;
    let (mut portions, mut forgotten) = (0, 0);
    loop {
        let rows = store.forget_cap_keys(now_ms, 7).unwrap();
        assert!(rows <= 7);
        (portions, forgotten) = (portions + 1, forgotten + rows);
        drop(store);
        store = world.open();
        if rows < 7 {
            break;
        }
    }
    let left = read(&store).1;
    assert!(left.iter().all(|count| count.cap_key.memory() == CapMemory::Lifetime));
    assert_eq!(left.iter().filter(|count| count.subject == CapSubject::Campaign(CAMPAIGN)).count(), 8);
    assert_eq!(forgotten, before - left.len() + 40, "each count of a day, and the key of each event");
    assert!(10 < portions, "{portions} portions of {forgotten}");
    assert_eq!(store.forget_cap_keys(now_ms, 7).unwrap(), 0);
}
