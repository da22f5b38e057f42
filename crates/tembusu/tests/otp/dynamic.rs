//! Sections 9 and 10: dynamic supervisors, trees, order, many children.

use tembusu::{Dynamic, DynamicSupervisor, ExitReason, IntoChild, Restart, State, Supervisor};
use tembusu_testkit::{Step, virtual_time};
use tokio::time::Instant;

use crate::stage::{End, HOUR, Play, SECOND, Stage, settled};

type Pool = Dynamic<tembusu::ChildSpec<tembusu_testkit::Scripted>, tembusu::ChildSpec<tembusu_testkit::Scripted>>;

/// A pool that may fail, under a root that does not restart it.
async fn pool(limit: u32) -> (Play, Pool) {
    let stage = Stage::default();
    let mut root = Supervisor::one_for_one("root").intensity(0, SECOND);
    let pool = root.add_dynamic(DynamicSupervisor::new("pool", |spec| spec).intensity(limit, HOUR));
    (stage.start(root).await, pool)
}

async fn start<T: Send, C: IntoChild>(pool: &Dynamic<T, C>, spec: T) {
    assert!(pool.start(spec).await.is_ok(), "it starts");
}

/// 55 `simple_one_for_one`, 58 `simple_one_for_one_escalation`: the intensity is that of the whole pool.
#[test]
fn a_pool_restarts_its_children_one_by_one_until_its_intensity_is_used_up() {
    virtual_time(async {
        let (play, first) = pool(2).await;
        for name in ["child1", "child2"] {
            start(&first, play.stage.child(name)).await;
        }
        for (name, others) in [("child1", [2, 1]), ("child2", [2, 2])] {
            play.stage.end(name, End::Abnormal).await;
            assert_eq!([play.stage.incarnation("child1").await, play.stage.incarnation("child2").await], others);
            let counts = first.count_children();
            assert_eq!([counts.specs, counts.active, counts.supervisors, counts.workers], [1, 2, 0, 2]);
        }
        play.stage.end("child1", End::Abnormal).await;
        assert!(matches!(play.ended().await, ExitReason::Exhausted(_)));
        let (play, second) = pool(4).await;
        let script = play.stage.journal.script("child1").init([Step::Ok]);
        start(&second, play.stage.scripted("child1", script.clone())).await;
        start(&second, play.stage.child("child2")).await;
        script.next_inits(std::iter::repeat_n(Step::Error, 9));
        play.stage.end("child1", End::Abnormal).await;
        let ExitReason::Exhausted(report) = play.ended().await else { panic!("it is exhausted") };
        assert_eq!(&**report.root_cause().0, "root/pool/child1");
    });
}

/// 56 `simple_one_for_one_shutdown`: in parallel, each within its own budget.
#[test]
fn a_pool_stops_its_children_all_at_once() {
    virtual_time(async {
        let (play, pool) = pool(0).await;
        for (name, seconds) in [("child1", 1), ("child2", 1), ("child3", 5)] {
            let script = play.stage.journal.script(name).stop([Step::Late(seconds * SECOND, Box::new(Step::Ok))]);
            start(&pool, play.stage.scripted(name, script).shutdown(2 * SECOND)).await;
        }
        let begun = Instant::now();
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
        assert_eq!(begun.elapsed(), 2 * SECOND);
    });
}

/// 60 `simple_one_for_one_restart_ignore`.
#[test]
fn a_dynamic_child_that_ignores_its_restart_is_forgotten() {
    virtual_time(async {
        for restart in [Restart::Transient, Restart::Permanent] {
            let (play, pool) = pool(10).await;
            let script = play.stage.journal.script("child1").init([Step::Ok, Step::Ok, Step::Ignore]);
            start(&pool, play.stage.scripted("child1", script).restart(restart)).await;
            play.stage.end("child1", End::Panic).await;
            assert_eq!(pool.which_children()[0].state, State::Running);
            play.stage.end("child1", End::Panic).await;
            assert!(pool.which_children().is_empty());
            assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
        }
    });
}

/// 61 `tree`: an exhausted supervisor is its parent's failure; its dynamic children are gone, its static ones and the
/// terminated sibling are back.
#[test]
fn a_tree_is_restarted_with_its_specification() {
    virtual_time(async {
        let stage = Stage::default();
        let mut sup1 = Supervisor::one_for_one("sup1").intensity(4, HOUR);
        sup1.add(stage.child("child1"));
        sup1.add(stage.child("child2"));
        let mut root = Supervisor::one_for_all("root").intensity(4, HOUR);
        root.supervisor(sup1);
        let sup2 = root.add_dynamic(DynamicSupervisor::new("sup2", |spec| spec).intensity(4, HOUR));
        root.supervisor(Supervisor::one_for_one("sup3").restart(Restart::Transient));
        let play = stage.start(root).await;
        play.root.terminate_child("sup3").await.expect("it is terminated");
        assert_eq!(play.counts(), [3, 2, 3, 0]);
        let script = play.stage.journal.script("child3").init([Step::Ok]);
        start(&sup2, play.stage.scripted("child3", script.clone())).await;
        start(&sup2, play.stage.child("child4")).await;
        play.stage.end("child4", End::Panic).await;
        assert_eq!([play.stage.incarnation("child4").await, play.stage.incarnation("child3").await], [2, 1]);
        assert_eq!(play.stage.incarnation("child1").await, 1);
        script.next_inits(std::iter::repeat_n(Step::Error, 9));
        play.stage.end("child3", End::Panic).await;
        assert_eq!(play.counts(), [3, 3, 3, 0]);
        for name in ["child1", "child2"] {
            assert_eq!(play.stage.incarnation(name).await, 2);
        }
        assert_eq!(sup2.count_children().workers, 0);
    });
}

/// 62 `order_of_children`.
#[test]
fn children_start_in_order_and_end_in_reverse_order() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::rest_for_one("root").intensity(2, HOUR);
        let names = ["ch7", "ch3", "ch10", "ch2", "ch5"];
        for name in names {
            root.add(stage.child(name));
        }
        let play = stage.start(root).await;
        let which: Vec<String> = play.root.which_children().iter().map(|child| child.name.to_string()).collect();
        assert_eq!(which, names);
        play.stage.end("ch10", End::Panic).await;
        let mut did = play.did();
        did.retain(|line| !line.ends_with("drop"));
        let expected = ["ch5#1 stop shutdown", "ch2#1 stop shutdown", "ch10#2 start", "ch2#2 start", "ch5#2 start"];
        assert_eq!(did, expected);
        play.tree.shutdown().await;
        let mut did = play.did();
        did.retain(|line| !line.ends_with("drop"));
        let ended: Vec<&str> = did.iter().filter_map(|line| line.split('#').next()).collect();
        assert_eq!(ended, ["ch5", "ch2", "ch10", "ch3", "ch7"]);
    });
}

/// 68 `count_children`, 69 `count_children_supervisor`; what it costs is in the core's tests.
#[test]
fn many_children_are_counted_and_ended() {
    virtual_time(async {
        let (play, workers) = pool(0).await;
        let name = |index: usize| -> &'static str { Box::leak(format!("child{index}").into_boxed_str()) };
        for index in 0..2000 {
            start(&workers, play.stage.child(name(index)).restart(Restart::Temporary)).await;
            if index == 999 {
                assert_eq!((workers.count_children().active, workers.count_children().workers), (1000, 1000));
            }
        }
        let counts = workers.count_children();
        assert_eq!([counts.specs, counts.active, counts.supervisors, counts.workers], [1, 2000, 0, 2000]);
        assert_eq!(workers.count_children(), counts);
        for index in 0..2000 {
            play.stage.tell(&format!("child{index}"), Step::Panic);
        }
        settled().await;
        assert_eq!(workers.count_children().workers, 0);
        let mut root = Supervisor::one_for_one("root");
        let supervisors = root
            .dynamic("pool", |index: usize| Supervisor::one_for_one(format!("sub{index}")).restart(Restart::Temporary));
        let tree = root.start().await.expect("it starts");
        for index in 0..1000 {
            start(&supervisors, index).await;
        }
        let counts = supervisors.count_children();
        assert_eq!([counts.specs, counts.active, counts.supervisors, counts.workers], [1, 1000, 1000, 0]);
        tree.shutdown().await;
    });
}

/// 67 `simple_global_supervisor`: an address, which is what a name is here, leads to the new incarnation whatever ended
/// the old one.
#[test]
fn an_address_outlives_every_way_in_which_its_child_and_those_above_it_end() {
    virtual_time(async {
        let stage = Stage::default();
        let mut middle = Supervisor::one_for_one("middle").intensity(2, HOUR);
        middle.add(stage.child("server"));
        let mut root = Supervisor::one_for_all("root").intensity(3, HOUR);
        let middle = root.supervisor(middle);
        let play = stage.start(root).await;
        middle.stop().await.expect("it is stopped");
        settled().await;
        assert_eq!(play.stage.incarnation("server").await, 2);
        for (incarnation, how) in [(3, End::Panic), (4, End::Abnormal)] {
            play.stage.end("server", how).await;
            assert_eq!(play.stage.incarnation("server").await, incarnation);
        }
        middle.terminate_child("server").await.expect("it is terminated");
        assert_eq!(play.stage.incarnation("server").await, 0);
        middle.restart_child("server").await.expect("it is restarted");
        assert_eq!(play.stage.incarnation("server").await, 5);
        play.tree.shutdown().await;
        assert!(play.stage.address("server").tell(Step::Ok.into()).is_err(), "nobody is there any more");
    });
}
