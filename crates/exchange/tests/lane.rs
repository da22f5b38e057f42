//! When a runtime is lost, and what becomes of it.

use std::sync::mpsc;
use std::time::Duration;

use exchange::lane::{ABANDONED_MAX, Lane, LaneError, LaneThreads, LaneWatch, Sign};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

fn one_thread(threads: &LaneThreads) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all();
    threads.follow(&mut builder);
    builder.build()
}

/// A look at a runtime that has beaten so often, of whose threads nothing is known.
fn look(watch: &mut LaneWatch, beats: u64, now: Instant) -> bool {
    watch.look(Sign { beats, answers: 0 }, now, || None)
}

#[test]
fn time_in_which_nobody_looked_is_no_runtimes_fault() {
    let start = Instant::now();
    let mut watch = LaneWatch::new(LIMIT);
    let mut now = start;
    assert!(!look(&mut watch, 1, now));
    // The whole process slept for a minute.
    now += Duration::from_secs(60);
    assert!(!look(&mut watch, 1, now));
    for _ in 0..19 {
        now += watch.period();
        assert!(!look(&mut watch, 1, now));
    }
    now += watch.period();
    assert!(look(&mut watch, 1, now), "half a second of that minute counts, as it would have been seen");
}

#[test]
fn a_beat_at_any_time_begins_anew_and_so_does_a_fresh_runtime() {
    let mut now = Instant::now();
    let mut watch = LaneWatch::new(LIMIT);
    for beats in 0..20 {
        for _ in 0..40 {
            assert!(!look(&mut watch, beats, now));
            now += watch.period();
        }
    }
    while !look(&mut watch, 19, now) {
        now += watch.period();
    }
    watch.begin();
    assert!(!look(&mut watch, 19, now));
}

/// After how much time a runtime is lost whose threads get `percent` of a processor, and that answers somebody every `answers`
/// looks; none if it is not lost within the limit.
fn lost_after(percent: u32, answers: Option<u64>) -> Option<Duration> {
    let (start, mut watch) = (Instant::now(), LaneWatch::new(LIMIT));
    let looks = (0..).map(|look| (look, watch.period() * look)).take_while(|(_, after)| *after < LIMIT);
    for (look, after) in looks.collect::<Vec<_>>() {
        let answers = answers.map_or(0, |every| u64::from(look) / every);
        if watch.look(Sign { beats: 1, answers }, start + after, || Some(after * percent / 100)) {
            return Some(after);
        }
    }
    None
}

#[test]
fn a_loop_is_found_by_what_it_burns_and_one_that_only_waits_for_a_processor_is_not() {
    let alone = lost_after(100, None).expect("it is lost");
    assert!(alone <= Duration::from_millis(150), "{alone:?}");
    let halved = lost_after(50, None).expect("it is lost");
    assert!((Duration::from_millis(200)..=Duration::from_millis(250)).contains(&halved), "{halved:?}");
    assert_eq!(lost_after(0, None), None, "it got no processor");
    assert_eq!(lost_after(9, None), None, "next to none");
    assert_eq!(lost_after(100, Some(2)), None, "a long queue that is worked off");
    assert!(lost_after(100, Some(8)).is_some(), "an answer from before");
}

#[test]
fn one_that_beats_is_not_asked_what_it_burns() {
    let (start, mut watch) = (Instant::now(), LaneWatch::new(LIMIT));
    for beats in 0..100 {
        let sign = Sign { beats, answers: 0 };
        assert!(!watch.look(sign, start + watch.period() * 100, || panic!("asked")));
        assert!(!watch.is_suspicious());
    }
}

#[test]
fn a_lane_beats_on_every_runtime_that_it_has_and_leaves_only_so_many_behind() {
    let lane = Lane::start(one_thread).expect("it starts");
    let (beaten, beats) = mpsc::channel();
    lane.beat(move |_| {
        // The test may be over.
        let _ = beaten.send(());
    });
    for lost in 0..ABANDONED_MAX {
        while beats.try_recv().is_ok() {}
        let before = lane.runtime().id();
        assert_eq!(lane.replace().expect("a fresh one").children(), 0, "nobody stands on it");
        assert_ne!(lane.runtime().id(), before);
        assert_eq!(lane.abandoned(), lost + 1);
        let begun = std::time::Instant::now();
        while lane.gauge().beats() == 0 {
            assert!(begun.elapsed() < PATIENCE, "the fresh one does not beat");
            beats.recv_timeout(PATIENCE).expect("it beats");
        }
    }
    assert!(matches!(lane.replace(), Err(LaneError::Abandoned(ABANDONED_MAX))));
    lane.end();
    assert!(matches!(lane.replace(), Err(LaneError::Given)));
}

/// The calling thread's priority: 0 is everybody's unless whoever started the test says otherwise, 19 the lowest.
#[cfg(target_os = "linux")]
fn nice() -> i32 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("there is one");
    // The name in parentheses may hold anything; `nice` is the 17th after it (proc_pid_stat(5)).
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    rest.split_ascii_whitespace().nth(16).expect("nice").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_is_left_behind_gives_way_to_all_others() {
    // Whoever runs the tests may have given way already.
    let usual = nice();
    let lane = Lane::start(one_thread).expect("it starts");
    let (said, priorities) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let of_lost = said.clone();
    lane.runtime().spawn(async move {
        of_lost.send(nice()).expect("the test waits");
        // It does not yield until it is let go.
        held.recv().expect("the test lets it go");
        of_lost.send(nice()).expect("the test waits");
    });
    let priority = || priorities.recv_timeout(PATIENCE).expect("said in time");
    assert_eq!(priority(), usual);
    drop(lane.replace().expect("a fresh one"));
    lane.runtime().spawn(async move { said.send(nice()).expect("the test waits") });
    assert_eq!(priority(), usual, "the fresh one is as it should be");
    release.send(()).expect("it is held");
    assert_eq!(priority(), 19);
    assert_eq!(nice(), usual);
}

#[cfg(target_os = "linux")]
#[test]
fn a_lane_says_what_its_thread_has_burnt() {
    let lane = Lane::start(one_thread).expect("it starts");
    let (turns, turned) = mpsc::channel();
    lane.runtime().spawn(async move {
        let mut sum = 0_u64;
        while turns.send(()).is_ok() {
            sum = (0..100_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
    });
    let enough = Duration::from_millis(20);
    // Its thread is there. It ends at what is burnt, however long the machine takes for that.
    turned.recv_timeout(PATIENCE).expect("it turns");
    while lane.burnt().expect("Linux says it") < enough {
        turned.recv_timeout(PATIENCE).expect("it turns");
    }
    drop(turned);
    lane.end();
}
