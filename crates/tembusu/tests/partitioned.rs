//! Partitioned supervisors: the way from a key to its child, and that the others notice nothing of a crash.

use std::collections::HashSet;
use std::time::Duration;

use tembusu::{Address, PartitionedSupervisor, SpecError, StartError, Supervisor, child};
use tembusu_testkit::{EventRecorder, Journal, Say, Scripted, Step, ask, on_both, virtual_time};

#[test]
fn every_key_has_one_child_and_all_children_have_keys() {
    let journal = Journal::new();
    let spec = |name| PartitionedSupervisor::new(name, 8, |_| child::<Scripted>("shard", journal.script("shard")));
    let shards = spec("shards").partitions();
    let mut counts = [0_u32; 8];
    for key in 0..8000_u64 {
        assert_eq!(shards.index_of(&key), shards.index_of(&key));
        counts[shards.index_of(&key)] += 1;
    }
    assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
    let again = spec("other").partitions();
    for key in ["", "sg", "id", "th", "a much longer key"] {
        assert_eq!(shards.index_of(key), again.index_of(key), "the key decides, and nothing else");
        assert_eq!(shards.index_of(key), shards.index_of(&key.to_owned()));
    }
}

#[test]
fn where_keys_lead_is_the_same_in_every_process() {
    let journal = Journal::new();
    let spec = PartitionedSupervisor::new("shards", 1000, |_| child::<Scripted>("shard", journal.script("shard")));
    let shards = spec.partitions();
    // Written down once: a change would send every key to another child.
    let indices = [shards.index_of("sg"), shards.index_of(&42_u64), shards.index_of(&(7_usize, "x"))];
    assert_eq!(indices, [129, 880, 66]);
}

#[test]
fn a_crash_of_one_partition_leaves_the_others_and_keeps_its_keys() {
    on_both(async || {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let shards = root.partitioned("shards", 4, |_| child::<Scripted>("any", journal.script("shard")));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let paths: Vec<_> = shards.iter().map(Address::path).collect();
        assert_eq!(paths, ["root/shards/0", "root/shards/1", "root/shards/2", "root/shards/3"]);
        let hit = shards.index_of("key");
        shards.of("key").tell(Step::Panic.into()).expect("it is told");
        shards.of("key").tell(Say::Note("kept")).expect("it is told");
        events.wait_for_line(&format!("root/shards/{hit}#2 restarted")).await;
        for (at, shard) in shards.iter().enumerate() {
            assert_eq!(ask(shard).await, if at == hit { 2 } else { 1 });
        }
        journal.wait_for("shard#2 says kept").await;
        assert_eq!(ask(shards.of("key")).await, 2, "the key stays with its child");
        tree.shutdown().await;
    });
}

#[test]
fn a_restarted_supervisor_has_the_same_partitions() {
    on_both(async || {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(1, Duration::from_secs(10));
        let spec = PartitionedSupervisor::new("shards", 3, |_| child::<Scripted>("any", journal.script("shard")));
        let shards = root.add_partitioned(spec.intensity(0, Duration::from_secs(10)));
        let _tree = root.start().await.expect("it starts");
        shards.get(1).expect("there are three").tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(shards.get(1).expect("there are three")).await, 2);
        for shard in shards.iter() {
            assert_eq!(ask(shard).await, 2);
        }
        assert!(shards.get(3).is_none());
        let distinct: HashSet<_> = shards.iter().map(Address::path).collect();
        assert_eq!((distinct.len(), shards.len()), (3, 3));
    });
}

#[test]
fn no_partitions_are_refused_before_anything_starts() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let shards = root.partitioned("shards", 0, |_| child::<Scripted>("any", journal.script("shard")));
        let error = root.start().await.expect_err("it is refused");
        assert!(matches!(error, StartError::Spec(SpecError::NoPartitions { .. })), "{error}");
        assert!(shards.of("key").tell(Say::Note("x")).is_err(), "its address leads nowhere");
    });
}
