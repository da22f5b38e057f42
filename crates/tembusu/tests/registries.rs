//! Registries and groups: entries that end with their incarnation, read without a lock while they change.
#![allow(dead_code)]

mod probe;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, Group, Registry, Restart, Supervisor, Tree, child};
use tembusu_testkit::{Gate, Journal, on_both, real_time, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

/// Children named after their index, each doing `init` with it.
async fn many<const N: usize>(
    init: impl Fn(usize, &mut tembusu::Context<Probe>) + Clone + Send + Sync + 'static,
) -> ([Address<Do>; N], Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(1_000_000, SECOND);
    let addresses = std::array::from_fn(|n| {
        let init = init.clone();
        let setup = Setup::new("probe", &journal).init(move |cx| init(n, cx));
        root.add(child::<Probe>(n.to_string(), setup).restart(Restart::Transient))
    });
    (addresses, root.start().await.expect("it starts"), journal)
}

async fn end(address: &Address<Do>, end: End) {
    let ended = address.ended();
    address.tell(Do::End(end)).expect("it is told");
    ended.await;
}

#[test]
fn an_entry_is_unique_is_found_and_ends_with_its_incarnation() {
    on_both(async || {
        let registry = Registry::<String, Do>::new("names");
        let ([a, b], tree, _) = many::<2>(|_, _| {}).await;
        let register = |address: &Address<Do>, key: &str| {
            let (address, registry, key) = (address.clone(), registry.clone(), key.to_owned());
            async move { run(&address, move |cx| cx.register(&registry, key).map_err(|taken| taken.key)).await }
        };
        register(&a, "one").await.expect("it is free");
        assert_eq!(registry.get("one").expect("it is found").path(), "root/0");
        assert_eq!(register(&b, "one").await, Err("one".to_owned()));
        assert_eq!(register(&a, "one").await, Err("one".to_owned()));
        register(&b, "two").await.expect("it is free");
        assert_eq!(registry.entries().len(), 2);
        let others = registry.clone();
        assert!(!run(&b, move |cx| cx.unregister(&others, "one")).await, "it is not b's");
        // What a monitor is told of is withdrawn by then.
        end(&a, End::Error).await;
        assert!(registry.get("one").is_none());
        assert_eq!(settle(&a).await, 2);
        register(&b, "one").await.expect("it is free");
        let own = registry.clone();
        assert!(run(&b, move |cx| cx.unregister(&own, "one") && !cx.unregister(&own, "one")).await);
        end(&b, End::Normal).await;
        assert!(registry.entries().is_empty());
        tree.shutdown().await;
    });
}

#[test]
fn an_address_registered_from_outside_stays_until_it_is_unregistered() {
    virtual_time(async {
        let registry = Registry::<u32, Do>::new("numbers");
        let ([a, b], _tree, _) = many::<2>(|_, _| {}).await;
        registry.register(1, &a).expect("it is free");
        let taken = registry.register(1, &b).expect_err("it is not");
        assert_eq!((taken.key, taken.by.path()), (1, "root/0"));
        assert!(taken.to_string().contains("root/0"), "{taken}");
        let others = registry.clone();
        assert!(!run(&a, move |cx| cx.unregister(&others, &1)).await, "no incarnation has registered it");
        end(&a, End::Error).await;
        assert!(registry.get(&1).is_some());
        assert_eq!(registry.unregister(&1).expect("it is there").path(), "root/0");
        assert!(registry.unregister(&1).is_none());
        let own = registry.clone();
        run(&a, move |cx| cx.register(&own, 1).is_ok()).await;
        assert!(registry.unregister(&1).is_none(), "it is its actor's");
    });
}

#[test]
fn a_replaced_incarnation_registers_and_joins_nothing() {
    real_time(async {
        let (registry, group, gate) = (Registry::<u32, Do>::new("r"), Group::<Do>::new("g"), Gate::new());
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
        let a = root.add(child::<Probe>("a", Setup::new("a", &journal)).brutal_kill());
        let tree = root.start().await.expect("it starts");
        let (other_registry, other_group, other_gate, done) =
            (registry.clone(), group.clone(), gate.clone(), journal.clone());
        a.tell(Do::Run(Box::new(move |cx| {
            other_gate.block();
            let _ = cx.register(&other_registry, 1);
            cx.join(&other_group);
            done.note("done");
        })))
        .expect("it is told");
        gate.reached(1).await;
        tree.handle().terminate_child("a").await.expect("its slot is taken away");
        gate.open();
        journal.wait_for("done").await;
        assert!(registry.get(&1).is_none() && group.is_empty());
    });
}

#[test]
fn readers_and_crashing_owners_on_many_threads_lose_nothing_and_leave_nothing() {
    real_time(async {
        let registry = Registry::<usize, Do>::new("r");
        let group = Group::<Do>::new("g");
        let (entered, joined) = (registry.clone(), group.clone());
        let (addresses, tree, _) = many::<8>(move |n, cx| {
            for key in 0..20 {
                cx.register(&entered, n * 20 + key).expect("the incarnation before has withdrawn it");
            }
            assert!(cx.join(&joined));
        })
        .await;
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (registry, group, stop) = (registry.clone(), group.clone(), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let mut found = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        for key in 0..160 {
                            if let Some(address) = registry.get(&key) {
                                assert_eq!(address.path(), format!("root/{}", key / 20));
                                found += 1;
                            }
                        }
                        assert!(
                            group.len() <= 8 && group.by_key(&found).is_none_or(|member| !member.path().is_empty())
                        );
                    }
                    found
                })
            })
            .collect();
        for round in 0..50 {
            for address in &addresses {
                address.send(Do::End(if round % 2 == 0 { End::Error } else { End::Panic })).await.expect("it is sent");
            }
        }
        for address in &addresses {
            assert_eq!(settle(address).await, 51);
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().expect("no panic") > 0);
        }
        assert_eq!((registry.entries().len(), group.len()), (160, 8));
        tree.shutdown().await;
        assert_eq!((registry.entries().len(), group.len()), (0, 0));
    });
}

#[test]
fn a_group_is_told_as_a_whole_in_turn_and_by_key() {
    virtual_time(async {
        let group = Group::<Do>::new("g");
        let joined = group.clone();
        let (addresses, _tree, journal) = many::<4>(move |_, cx| {
            assert!(cx.join(&joined));
            assert!(!cx.join(&joined), "once is enough");
        })
        .await;
        let turns: Vec<String> = (0..5).filter_map(|_| Some(group.next()?.path().to_owned())).collect();
        assert_eq!(turns, ["root/0", "root/1", "root/2", "root/3", "root/0"]);

        let before: Vec<_> =
            (0..200_usize).map(|key| group.by_key(&key).expect("there are four").path().to_owned()).collect();
        assert!((0..4).all(|n| before.iter().filter(|path| **path == format!("root/{n}")).count() > 20));
        end(&addresses[1], End::Normal).await;
        for (key, before) in before.iter().enumerate().filter(|(_, before)| *before != "root/1") {
            assert_eq!(group.by_key(&key).expect("there are three").path(), before, "only root/1's keys move");
        }
        end(&addresses[2], End::Error).await;
        settle(&addresses[2]).await;
        let order: Vec<_> = group.members().iter().map(|member| member.path().to_owned()).collect();
        assert_eq!(order, ["root/0", "root/3", "root/2"], "who comes back joins at the end");

        assert!(!group.add(&addresses[0]), "it has joined");
        assert!(!group.remove(&addresses[0]), "it leaves by itself");
        let left = group.clone();
        assert!(run(&addresses[0], move |cx| cx.leave(&left) && !cx.leave(&left)).await);
        assert!(group.add(&addresses[0]) && group.remove(&addresses[0]) && !group.remove(&addresses[0]));
        drop(journal);
    });
}

#[test]
fn a_broadcast_reaches_everybody_and_hands_back_what_is_refused() {
    virtual_time(async {
        let group = Group::<u32>::new("g");
        let mut root = Supervisor::one_for_one("root");
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let one = root.add(child::<Counter>("one", (group.clone(), Arc::clone(&seen))));
        let two = root.add(child::<Counter>("two", (group.clone(), Arc::clone(&seen))));
        let full = root.declare::<Counter>("full");
        let full_address = full.address();
        root.add(full.with((Group::new("another"), Arc::clone(&seen))).mailbox(1));
        full_address.tell(0).expect("it has one place");
        let _tree = root.start().await.expect("it starts");
        assert_eq!(group.len(), 2);
        group.add(&full_address);
        full_address.tell(0).ok();
        let refused = group.broadcast(7);
        let refused: Vec<_> =
            refused.into_iter().map(|(who, what)| (who.path().to_owned(), what.into_inner())).collect();
        assert!(refused.iter().all(|(path, what)| path == "root/full" && *what == 7), "{refused:?}");
        while !(one.is_empty() && two.is_empty()) {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(SECOND).await;
        let sevens = seen.lock().expect("no panic").iter().filter(|n| **n == 7).count();
        assert_eq!(sevens + refused.len(), 3);
    });
}

struct Counter(Arc<std::sync::Mutex<Vec<u32>>>);

impl tembusu::Actor for Counter {
    type Message = u32;
    type Args = (Group<u32>, Arc<std::sync::Mutex<Vec<u32>>>);
    type Crash = std::convert::Infallible;

    async fn init(
        (group, seen): &Self::Args,
        cx: &mut tembusu::Context<Self>,
    ) -> Result<tembusu::Init<Self>, std::convert::Infallible> {
        cx.join(group);
        Ok(tembusu::Init::Ready(Self(Arc::clone(seen))))
    }

    async fn handle(
        &mut self,
        n: u32,
        _: &mut tembusu::Context<Self>,
    ) -> Result<tembusu::Flow, std::convert::Infallible> {
        self.0.lock().expect("no panic").push(n);
        Ok(tembusu::Flow::Continue)
    }
}
