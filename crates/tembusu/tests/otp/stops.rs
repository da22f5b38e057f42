//! Section 3: stop protocols.

use tembusu::{Change, ChildChange, ExitReason, Restart, Shutdown, Supervisor};
use tembusu_testkit::{Step, virtual_time};
use tokio::time::Instant;

use crate::stage::{SECOND, Stage, settled};

/// 16 `sup_stop_infinity`: a supervisor by default, and a worker, may take as long as it takes.
#[test]
fn a_child_without_a_budget_is_waited_for() {
    virtual_time(async {
        let stage = Stage::default();
        let slow = |name| stage.journal.script(name).stop([Step::Late(100 * SECOND, Box::new(Step::Ok))]);
        let mut sub = Supervisor::one_for_one("sub");
        sub.add(stage.scripted("child1", slow("child1")).shutdown(200 * SECOND));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(sub);
        root.add(stage.scripted("child2", slow("child2")));
        let mut play = stage.start(root).await;
        let change = ChildChange::new().shutdown(Shutdown::Unlimited);
        play.root.change(Change::new().child("child2", change)).await.expect("it is changed");
        let begun = Instant::now();
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
        assert_eq!(begun.elapsed(), 200 * SECOND);
        for line in
            ["root/child2#1 stopped shutdown", "root/sub/child1#1 stopped shutdown", "root/sub#1 stopped shutdown"]
        {
            play.events.wait_for_line(line).await;
        }
    });
}

/// 17 `sup_stop_timeout`, 18 `sup_stop_timeout_dynamic`, 19 `sup_stop_brutal_kill`,
/// 20 `sup_stop_brutal_kill_dynamic`.
#[test]
fn a_deaf_child_is_killed_after_its_budget_and_one_without_a_budget_at_once() {
    virtual_time(async {
        for dynamic in [false, true] {
            for brutal in [false, true] {
                let stage = Stage::default();
                let mut root = Supervisor::one_for_one("root");
                let pool = root.dynamic("pool", |spec| spec);
                let child1 = stage.child("child1");
                let child2 = if brutal { stage.child("child2").brutal_kill() } else { stage.child("child2") };
                let specs = if dynamic {
                    Some([child1, child2])
                } else {
                    root.add(child1);
                    root.add(child2);
                    None
                };
                let mut play = stage.start(root).await;
                for spec in specs.into_iter().flatten() {
                    pool.start(spec.restart(Restart::Temporary)).await.expect("it starts");
                }
                play.stage.tell("child2", Step::Hang);
                settled().await;
                let begun = Instant::now();
                assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
                assert_eq!(begun.elapsed(), if brutal { std::time::Duration::ZERO } else { SECOND });
                let at = if dynamic { "root/pool" } else { "root" };
                let mut lines = [format!("{at}/child1#1 stopped shutdown"), format!("{at}/child2#1 stopped killed")];
                if dynamic && brutal {
                    // At once and in parallel: in which order they end is theirs.
                    let ended = play.events.take();
                    assert!(lines.iter().all(|line| ended.contains(line)), "{ended:#?}");
                    continue;
                }
                if !dynamic {
                    lines.reverse();
                }
                for line in lines {
                    play.events.wait_for_line(&line).await;
                }
            }
        }
    });
}

/// 21 `sup_stop_race`: children that end by themselves while a later one is waited for.
#[test]
fn ends_during_a_supervisors_end_restart_nothing_and_keep_their_reasons() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root").intensity(0, SECOND);
        root.add(stage.child("a").restart(Restart::Temporary));
        let ends = [("normal", Step::Stop), ("shutdown_with", Step::Shutdown("test")), ("error", Step::Error)];
        let names = [["p1", "p2", "p3"], ["t1", "t2", "t3"], ["x1", "x2", "x3"]];
        for (names, restart) in names.iter().zip([Restart::Permanent, Restart::Transient, Restart::Temporary]) {
            for name in names {
                root.add(stage.child(name).restart(restart));
            }
        }
        let script = stage.journal.script("z").stop([Step::Late(SECOND, Box::new(Step::Ok))]);
        root.add(stage.scripted("z", script).shutdown(2 * SECOND));
        let mut play = stage.start(root).await;
        let stopping = async {
            tokio::time::sleep(SECOND / 5).await;
            for names in &names {
                for (name, (_, step)) in names.iter().zip(&ends) {
                    play.stage.tell(name, step.clone());
                }
            }
        };
        let (reason, ()) = tokio::join!(play.tree.shutdown(), stopping);
        assert!(matches!(reason, ExitReason::Shutdown));
        let lines = play.events.take();
        for names in &names {
            for (name, (reason, _)) in names.iter().zip(&ends) {
                let verb = if *reason == "error" { "crashed" } else { "stopped" };
                assert!(lines.contains(&format!("root/{name}#1 {verb} {reason}")), "{name}: {lines:#?}");
            }
        }
        assert!(lines.contains(&"root/z#1 stopped shutdown".to_owned()));
        assert_eq!(lines.last().map(String::as_str), Some("root/a#1 stopped shutdown"));
        assert!(!play.did().iter().any(|line| line.contains("start")));
    });
}

/// 22 `sup_stop_non_shutdown_exit_dynamic`: what a child does in its `stop` does not hold up the end.
#[test]
fn a_stop_that_panics_is_reported_and_the_supervisor_ends_in_order() {
    virtual_time(async {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let stage = Stage::default();
            let mut root = Supervisor::one_for_one("root");
            let pool = root.dynamic("pool", |spec| spec);
            let panics = stage.scripted("child2", stage.journal.script("child2").stop([Step::Panic]));
            let mut play = stage.start(root).await;
            pool.start(play.stage.child("child1").restart(restart)).await.expect("it starts");
            pool.start(panics.restart(restart)).await.expect("it starts");
            assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
            let lines = play.events.take();
            assert!(lines.contains(&"root/pool/child2#1 crashed panic".to_owned()), "{lines:#?}");
            assert!(lines.contains(&"root/pool#1 stopped shutdown".to_owned()), "{lines:#?}");
        }
    });
}
