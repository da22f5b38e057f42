//! Messages that are in no hurry: they wake nobody until enough of them wait, and are in order with all others.

use std::time::Duration;

use tembusu::{Address, Supervisor, TellError, Tree, child};
use tembusu_testkit::{Journal, PATIENCE, Say, Scripted, Step, virtual_time};

const BATCH: usize = 4;

async fn world() -> (Journal, Tree, Address<Say>) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(5, Duration::from_secs(10));
    let address = root.add(child::<Scripted>("child", journal.script("child")).mailbox(8));
    let tree = root.start().await.expect("it starts");
    (journal, tree, address)
}

/// Virtual time goes on when nobody has anything to do.
async fn until_all_is_quiet() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn batched(address: &Address<Say>, words: &[&'static str]) {
    for word in words {
        address.tell_batched(Say::Note(word), BATCH).expect("there is room");
    }
}

/// What was said since it was last asked.
fn said(journal: &Journal) -> Vec<String> {
    journal.take().into_iter().filter(|line| line.contains("says")).collect()
}

#[test]
fn an_idle_actor_is_woken_when_the_batch_is_full() {
    virtual_time(async {
        let (journal, _tree, address) = world().await;
        until_all_is_quiet().await;
        batched(&address, &["a", "b", "c"]);
        until_all_is_quiet().await;
        assert_eq!((said(&journal).len(), address.len()), (0, 3), "it sleeps on");
        batched(&address, &["d"]);
        journal.wait_for("child#1 says d").await;
        assert_eq!(said(&journal), ["child#1 says a", "child#1 says b", "child#1 says c", "child#1 says d"]);
    });
}

#[test]
fn whatever_wakes_the_actor_brings_it_what_waits_first() {
    virtual_time(async {
        let (journal, _tree, address) = world().await;
        until_all_is_quiet().await;
        batched(&address, &["a", "b"]);
        address.tell(Say::Note("told")).expect("there is room");
        journal.wait_for("child#1 says told").await;
        batched(&address, &["c"]);
        until_all_is_quiet().await;
        assert_eq!(said(&journal), ["child#1 says a", "child#1 says b", "child#1 says told"], "it sleeps again");
        address.call(Say::Ask, PATIENCE).await.expect("it is answered");
        assert_eq!(said(&journal), ["child#1 says c"]);
    });
}

#[test]
fn a_batch_of_one_is_a_message_like_any_other() {
    virtual_time(async {
        let (journal, _tree, address) = world().await;
        until_all_is_quiet().await;
        address.tell_batched(Say::Note("a"), 1).expect("there is room");
        journal.wait_for("child#1 says a").await;
        address.tell_batched(Say::Note("b"), 0).expect("there is room");
        journal.wait_for("child#1 says b").await;
    });
}

#[test]
fn the_next_incarnation_finds_what_waited() {
    virtual_time(async {
        let (journal, _tree, address) = world().await;
        until_all_is_quiet().await;
        batched(&address, &["a"]);
        address.tell(Step::Panic.into()).expect("there is room");
        batched(&address, &["b"]);
        journal.wait_for("child#2 says b").await;
        assert_eq!(said(&journal), ["child#1 says a", "child#2 says b"]);
    });
}

#[test]
fn what_finds_no_room_is_handed_back() {
    virtual_time(async {
        let (_journal, _tree, address) = world().await;
        until_all_is_quiet().await;
        for _ in 0..8 {
            address.tell_batched(Say::Note("a"), 100).expect("there is room");
        }
        let refused = address.tell_batched(Say::Note("b"), 100);
        assert!(matches!(refused, Err(TellError::Full(Say::Note("b")))), "{refused:?}");
    });
}
