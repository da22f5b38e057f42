//! The report that climbs: over three levels, down to the first crash, in words for an operator.

use std::time::Duration;

use tembusu::{Address, EventKind, ExitReason, Report, StartError, Supervisor, Tree, child};
use tembusu_testkit::{EventRecorder, Journal, Say, Script, Scripted, Step, ask, virtual_time};

const PERIOD: Duration = Duration::from_secs(10);
const SEC: Duration = Duration::from_secs(1);

struct World {
    events: EventRecorder,
    leaf: Address<Say>,
    script: Script,
    tree: Tree,
}

/// `root` and `root/middle` grant one restart, `root/middle/bottom` grants two.
async fn world() -> World {
    let journal = Journal::new();
    let script = journal.script("leaf");
    let mut bottom = Supervisor::one_for_one("bottom").intensity(2, PERIOD);
    let leaf = bottom.add(child::<Scripted>("leaf", script.clone()));
    let mut middle = Supervisor::one_for_one("middle").intensity(1, PERIOD);
    middle.supervisor(bottom);
    let mut root = Supervisor::one_for_one("root").intensity(1, PERIOD);
    root.supervisor(middle);
    let events = EventRecorder::of(&root.handle());
    World { events, leaf, script, tree: root.start().await.expect("it starts") }
}

impl World {
    async fn crash(&mut self, times: usize) {
        for _ in 0..times {
            self.leaf.tell(Step::Error.into()).expect("it is told");
            self.events.wait_for(|event| matches!(event.kind, EventKind::Crashed { .. })).await;
        }
    }

    /// Lets it crash until the root is exhausted; a second passes before the last three crashes.
    async fn end(mut self) -> std::sync::Arc<Report> {
        self.crash(9).await;
        ask(&self.leaf).await;
        tokio::time::sleep(SEC).await;
        self.leaf.tell(Step::Error.into()).expect("it is told");
        self.leaf.tell(Step::Error.into()).expect("it is told");
        self.leaf.tell(Step::Error.into()).expect("it is told");
        match self.tree.wait().await {
            ExitReason::Exhausted(report) => report,
            other => panic!("{other}"),
        }
    }
}

#[test]
fn the_chain_leads_from_the_root_to_the_first_crash() {
    virtual_time(async {
        let report = world().await.end().await;
        let chain: Vec<_> =
            report.chain().map(|link| (&*link.supervisor, &*link.child, link.incarnation, link.limit)).collect();
        let expected = [
            ("root", "root/middle", 2, 1),
            ("root/middle", "root/middle/bottom", 4, 1),
            ("root/middle/bottom", "root/middle/bottom/leaf", 12, 2),
        ];
        assert_eq!(chain, expected);
        let (path, cause) = report.root_cause();
        assert_eq!((&**path, cause.to_string().as_str()), ("root/middle/bottom/leaf", "error: boom"));
        let counts: Vec<_> = report.chain().map(|link| (link.failures.len(), link.omitted)).collect();
        assert_eq!(counts, [(2, 0), (2, 0), (3, 0)], "what used each intensity up");
    });
}

#[test]
fn an_operator_reads_it_in_several_lines() {
    virtual_time(async {
        let report = world().await.end().await;
        let expected = "\
root gave up: 2 failures within 10s, and 1 restart is granted
  1. root/middle #1, 1s ago, after 0ns: exhausted by root/middle/bottom/leaf #6: error: boom
  2. root/middle #2, after 1s: exhausted
    root/middle gave up: 2 failures within 10s, and 1 restart is granted
      1. root/middle/bottom #3, 1s ago, after 0ns: exhausted by root/middle/bottom/leaf #9: error: boom
      2. root/middle/bottom #4, after 1s: exhausted
        root/middle/bottom gave up: 3 failures within 10s, and 2 restarts are granted
          1. root/middle/bottom/leaf #10, after 1s: error: boom
          2. root/middle/bottom/leaf #11, after 0ns: error: boom
          3. root/middle/bottom/leaf #12, after 0ns: error: boom
root cause: root/middle/bottom/leaf #12: error: boom";
        // The timer of the runtime counts in whole milliseconds.
        let told = format!("{report:#}").replace("1.001s", "1s");
        assert_eq!(told, expected);
        assert_eq!(format!("{report}").lines().count(), 1, "in a log it is one line");
    });
}

#[test]
fn events_carry_the_report_of_their_level() {
    virtual_time(async {
        let mut world = world().await;
        world.crash(3).await;
        let event = world.events.wait_for(|event| matches!(event.kind, EventKind::Escalated { .. })).await;
        let EventKind::Escalated { report } = event.kind else { unreachable!("it was waited for") };
        assert_eq!((&*event.path, report.chain().count()), ("root/middle/bottom", 1));
        let incarnations: Vec<_> = report.failures.iter().map(|failure| failure.incarnation).collect();
        assert_eq!(incarnations, [1, 2, 3]);
        assert!(report.failures.iter().all(|failure| failure.ran_for.is_some()));
    });
}

#[test]
fn starts_that_fail_are_in_the_report() {
    virtual_time(async {
        let mut world = world().await;
        world.script.next_inits([Step::Error, Step::Panic]);
        world.crash(1).await;
        let event = world.events.wait_for(|event| matches!(event.kind, EventKind::Escalated { .. })).await;
        let EventKind::Escalated { report } = event.kind else { unreachable!("it was waited for") };
        let told: Vec<_> =
            report.failures.iter().map(|failure| (failure.reason.label(), failure.ran_for.is_some())).collect();
        assert_eq!(told, [("error", true), ("error", false), ("panic", false)]);
        assert!(format!("{report:#}").contains("#2, which did not start: error: boom"));
    });
}

#[test]
fn a_tree_whose_first_start_used_an_intensity_up_says_how() {
    virtual_time(async {
        let journal = Journal::new();
        let mut bottom = Supervisor::one_for_one("bottom").intensity(1, PERIOD);
        let crashing = journal.script("crashing");
        let crashes = bottom.add(child::<Scripted>("crashing", crashing.clone()));
        bottom.add(child::<Scripted>("hanging", journal.script("hanging").init([Step::Hang])));
        let mut root = Supervisor::one_for_one("root").intensity(0, PERIOD);
        root.supervisor(bottom);
        crashing.next_inits([Step::Ok, Step::Error, Step::Error]);
        crashes.tell(Step::Error.into()).expect("it is told before the start");
        let error = root.start().await.expect_err("it does not start");
        let StartError::Failed { path, reason: ExitReason::Exhausted(report) } = &error else { panic!("{error}") };
        assert_eq!(&**path, "root/bottom/crashing");
        assert_eq!(report.chain().last().map(|link| link.failures.len()), Some(2));
    });
}
