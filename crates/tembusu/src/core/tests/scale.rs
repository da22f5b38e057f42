//! What it costs when there are many: steps are counted in time, and the ratios leave much room.

use std::time::Instant;

use super::super::*;
use super::cast::{SEC, error, worker};
use crate::spec::policy::{Restart, Shutdown};

const MANY: u64 = if cfg!(debug_assertions) { 30_000 } else { 300_000 };

/// Quadratic would be 30 times and more; what is left is the processor's cache.
const LENIENCY: u64 = 15;

/// A supervisor of `count` running workers, and nothing of a test world around it.
fn many(strategy: Strategy, dynamic: bool, count: u64) -> (Core, Vec<Effect>) {
    let mut core = Core::new("sup".into(), strategy, dynamic, Intensity::new(1_000_000, SEC));
    let mut effects = Vec::new();
    let policy = ChildPolicy { shutdown: Shutdown::Within(SEC), ..worker(Restart::Permanent) };
    if dynamic {
        core.step(Time::ZERO, Event::Start, &mut effects);
    }
    for key in (0..count).map(ChildKey) {
        if dynamic {
            let request = Request::Add { key, name: "a".into(), policy: policy.clone() };
            core.step(Time::ZERO, Event::Request { id: RequestId(key.0), request }, &mut effects);
        } else {
            core.add(key, "a".into(), policy.clone());
        }
    }
    if !dynamic {
        core.step(Time::ZERO, Event::Start, &mut effects);
    }
    drive(&mut core, &mut effects);
    (core, Vec::new())
}

/// Lets every child do at once what it is told; returns how many effects there were.
fn drive(core: &mut Core, effects: &mut Vec<Effect>) -> usize {
    let mut count = 0;
    let mut queue = std::collections::VecDeque::from(std::mem::take(effects));
    while let Some(effect) = queue.pop_front() {
        count += 1;
        let now = core.now;
        match effect {
            Effect::Start { key, generation, .. } => core.step(now, Event::Started { key, generation }, effects),
            Effect::Stop { key } | Effect::Kill { key } => {
                let generation = core.children().get(key).expect("it lives").generation;
                core.step(now, Event::Exited { key, generation, reason: ExitReason::Shutdown }, effects);
            }
            _ => {}
        }
        queue.extend(effects.drain(..));
    }
    count
}

fn crash(core: &mut Core, key: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    let generation = core.children().get(ChildKey(key)).expect("it lives").generation;
    core.step(core.now, Event::Exited { key: ChildKey(key), generation, reason: error() }, &mut effects);
    effects
}

/// What it takes of this thread's processor time: what else runs on the machine does not count.
fn seconds(work: impl FnOnce()) -> f64 {
    let begun = (Instant::now(), on_processor());
    work();
    match (begun.1, on_processor()) {
        (Some(begun), Some(ended)) => (ended - begun) / 1e9,
        _ => begun.0.elapsed().as_secs_f64(),
    }
}

/// The nanoseconds that this thread has run, where the system says so.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[test]
fn a_group_restart_and_an_end_cost_each_child_the_same_however_many_there_are() {
    let per_child = |count: u64| {
        let (mut core, _) = many(Strategy::OneForAll, false, count);
        let restart = seconds(|| {
            let mut effects = crash(&mut core, count / 2);
            drive(&mut core, &mut effects);
        });
        assert!(core.is_up());
        let stop = seconds(|| {
            let mut effects = Vec::new();
            core.step(core.now, Event::Stop { kill: false }, &mut effects);
            drive(&mut core, &mut effects);
        });
        assert!(core.is_down());
        let (mut dynamic, _) = many(Strategy::OneForOne, true, count);
        let all_at_once = seconds(|| {
            let mut effects = Vec::new();
            dynamic.step(dynamic.now, Event::Stop { kill: false }, &mut effects);
            drive(&mut dynamic, &mut effects);
        });
        assert!(dynamic.is_down());
        [restart, stop, all_at_once].map(|seconds| (seconds * 1e9 / count as f64) as u64)
    };
    // As much work as with many, so that what else the machine does weighs the same.
    let mut few = [0; 3];
    for _ in 0..MANY / 1_000 {
        for (sum, nanos) in few.iter_mut().zip(per_child(1_000)) {
            *sum += nanos;
        }
    }
    let few = few.map(|sum| sum / (MANY / 1_000));
    let many = per_child(MANY);
    println!("{few:?} ns a child among 1,000 and {many:?} ns among {MANY}: group restart, stop in order, stop at once");
    for (few, many) in few.into_iter().zip(many) {
        assert!(many < LENIENCY * few.max(300), "{many} ns a child among many, {few} among few");
    }
}

/// 73 `simple_one_for_one_scale_many_temporary_children`, 74 `scale_start_stop_many_children`: one by one, on request.
#[test]
fn to_add_and_to_terminate_a_child_on_request_costs_the_same_however_many_there_are() {
    let per_child = |dynamic: bool, count: u64| {
        let mut core = Core::new("sup".into(), Strategy::OneForOne, dynamic, Intensity::new(1, SEC));
        let mut effects = Vec::new();
        core.step(Time::ZERO, Event::Start, &mut effects);
        drive(&mut core, &mut effects);
        let mut ask = |core: &mut Core, id: u64, request: Request| {
            core.step(core.now, Event::Request { id: RequestId(id), request }, &mut effects);
            drive(core, &mut effects);
        };
        let policy = worker(if dynamic { Restart::Temporary } else { Restart::Permanent });
        let add = seconds(|| {
            for key in 0..count {
                let name = format!("{key}").into();
                ask(&mut core, key, Request::Add { key: ChildKey(key), name, policy: policy.clone() });
            }
        });
        let running = |core: &Core| core.children().iter().filter(|child| child.state.is_alive()).count() as u64;
        assert_eq!(running(&core), count);
        let terminate = seconds(|| {
            for key in 0..count {
                ask(&mut core, count + key, Request::Terminate { key: ChildKey(key) });
            }
        });
        assert_eq!(running(&core), 0);
        [add, terminate].map(|seconds| (seconds * 1e9 / count as f64) as u64)
    };
    for dynamic in [true, false] {
        let (few, many) = (per_child(dynamic, 1_000), per_child(dynamic, MANY));
        println!("{few:?} ns a child among 1,000 and {many:?} ns among {MANY}: add, terminate");
        for (few, many) in few.into_iter().zip(many) {
            assert!(many < LENIENCY * few.max(3_000), "{many} ns a child among many, {few} among few");
        }
    }
}

#[test]
fn a_restart_costs_the_same_among_ten_and_among_many() {
    let each = |count: u64| {
        let (mut core, _) = many(Strategy::OneForOne, false, count);
        let rounds = 5_000;
        let taken = seconds(|| {
            for _ in 0..rounds {
                let mut effects = crash(&mut core, count / 2);
                drive(&mut core, &mut effects);
            }
        });
        assert!(core.deadlines.len() <= 4 * 64 + 2 * count as usize, "waits that have ended are tidied up");
        println!("{count} children: {} ns a restart", (taken * 1e9 / f64::from(rounds)) as u64);
        taken
    };
    // The best of three: a disturbed cache is no property of the code.
    let best = |count: u64| (0..3).map(|_| each(count)).fold(f64::MAX, f64::min);
    let (few, many) = (best(10), best(MANY));
    assert!(many < 6.0 * few, "{many} s among many, {few} among ten");
    println!("a child's record takes {} bytes", size_of::<Child>());
}

#[test]
fn a_child_is_small_and_what_few_have_is_not_part_of_it() {
    assert!(size_of::<Child>() <= 184, "{} bytes, a million times over", size_of::<Child>());
    let (mut core, _) = many(Strategy::OneForOne, true, 3);
    for key in 0..3 {
        let _ = crash(&mut core, key);
    }
    let [first, second, third] = [0, 1, 2].map(|key| core.children().get(ChildKey(key)).expect("it lives").clone());
    assert!([&first, &second, &third].iter().all(|child| child.unusual.is_none()), "a plain restart needs no more");
    assert!(Arc::ptr_eq(&first.policy, &second.policy) && Arc::ptr_eq(&second.policy, &third.policy));
}
