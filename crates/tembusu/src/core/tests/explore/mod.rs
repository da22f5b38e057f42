//! Every interleaving in the small: all that children, operators and the clock can do to supervisors of at most three
//! children and two levels, each state visited once.
//!
//! *Safety* is checked after every event, by [`world`]. *Liveness*: from every state that was reached, when everybody
//! goes on fairly, all comes to rest, and there every child that crashed has been restarted, or its supervisor
//! has given up, or it was to stay down ([`rest`]).
//!
//! The trees have groups, significant children, degraded mode with and without a fallback, trials, restarts that wait,
//! dynamic children, and failures that lapse.
//!
//! What bounds it: failures lapse all at once and at most once, operators ask for a few things only. Children may crash, fail, hang and
//! be deaf as often as they like. `TEMBUSU_EXPLORE` raises the bounds: see [`bound`].

mod code;
mod rest;
mod world;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::cast::SEC;
use crate::spec::policy::{AutoShutdown, Restart, Strategy};
use world::{Act, Plan, World};

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

/// Fair runs are short: everybody does what is expected next.
const FAIR_STEPS: usize = 500;

#[derive(Debug, Default)]
struct Explored {
    states: HashSet<u128>,
    /// States from which all comes to rest.
    restful: HashSet<u128>,
    transitions: u64,
    longest: usize,
}

/// Visits everything that is reachable; the first thing that should not be is an error, with the way to it.
fn explore(plan: &Plan) -> Result<Explored, String> {
    let mut explored = Explored::default();
    let start = World::new(plan)?;
    explored.states.insert(start.code());
    let mut path: Vec<(World, Vec<Act>, Act)> = Vec::new();
    let (mut here, mut acts) = (start.clone(), start.acts());
    check_liveness(&start, &mut explored).map_err(|what| report(plan, &path, &what))?;
    loop {
        let Some(act) = acts.pop() else {
            let Some((before, rest, _)) = path.pop() else { return Ok(explored) };
            (here, acts) = (before, rest);
            continue;
        };
        explored.transitions += 1;
        let mut next = here.clone();
        let done = next.perform(act);
        if let Err(what) = done {
            path.push((here, acts, act));
            return Err(report(plan, &path, &what));
        }
        if explored.states.insert(next.code()) {
            let further = next.acts();
            path.push((std::mem::replace(&mut here, next), std::mem::replace(&mut acts, further), act));
            explored.longest = explored.longest.max(path.len());
            check_liveness(&here, &mut explored).map_err(|what| report(plan, &path, &what))?;
        }
    }
}

/// Lets everybody go on fairly until all is at rest, or until a state from which that is known.
fn check_liveness(from: &World, explored: &mut Explored) -> Result<(), String> {
    let mut world = from.clone();
    let mut way = Vec::new();
    for _ in 0..FAIR_STEPS {
        let code = world.code();
        if explored.restful.contains(&code) {
            explored.restful.extend(way);
            return Ok(());
        }
        way.push(code);
        let Some(act) = world.fair_act() else {
            world.check_rest().map_err(|what| format!("at rest: {what}"))?;
            explored.restful.extend(way);
            return Ok(());
        };
        world.perform(act).map_err(|what| format!("going on fairly with {act:?}: {what}"))?;
    }
    Err(format!("it does not come to rest within {FAIR_STEPS} fair steps"))
}

fn report(plan: &Plan, path: &[(World, Vec<Act>, Act)], what: &str) -> String {
    let mut text = format!("{what}\n{plan:?}\n");
    for (_, _, act) in path {
        let _ = writeln!(text, "  {act:?}");
    }
    if let Some((before, ..)) = path.last() {
        let _ = writeln!(text, "{before:?}");
    }
    text
}

/// 0: a first look. 1: three children and two levels in full. 2: more requests, more restarts, all restart types.
fn bound() -> u32 {
    std::env::var("TEMBUSU_EXPLORE").ok().and_then(|bound| bound.parse().ok()).unwrap_or(0)
}

/// The supervisors that are explored: of one level, and of two.
fn plans(bound: u32) -> Vec<Plan> {
    let mut plans = Vec::new();
    for strategy in STRATEGIES {
        for first in RESTARTS {
            for second in RESTARTS {
                let plan = Plan::new(strategy, &[first, second]).limit(1);
                plans.push(plan.clone().limit(1 + bound).requests(1).ignores(1));
                let permanent = (first, second) == (Restart::Permanent, Restart::Permanent);
                if bound > 1 || permanent && (bound == 1 || strategy == Strategy::RestForOne) {
                    let thirds = if bound == 0 { &RESTARTS[..1] } else { &RESTARTS };
                    let asked = bound.min(1);
                    let three = |third: &Restart| plan.clone().worker(*third).requests(asked).ignores(asked);
                    plans.extend(thirds.iter().map(three));
                }
                let same = bound == 1 && first == second;
                if bound > 1 || same || permanent && strategy == Strategy::RestForOne {
                    // One that gives up at once under one that restarts it, and the other way round.
                    let asked = bound.saturating_sub(1);
                    let below = Plan::new(Strategy::OneForOne, &[Restart::Permanent, second]);
                    plans.push(plan.clone().requests(asked).above(first, below.limit(asked)));
                    for below in STRATEGIES {
                        let below = Plan::new(below, &[Restart::Permanent, second]).limit(1);
                        plans.push(plan.clone().limit(asked).requests(asked).above(first, below));
                    }
                }
            }
        }
    }
    plans.extend(unusual_plans(bound));
    plans
}

/// Trees with what most have not.
fn unusual_plans(bound: u32) -> Vec<Plan> {
    use Restart::{Permanent, Temporary, Transient};
    let mut plans = Vec::new();
    let asked = bound.min(1);
    for strategy in STRATEGIES {
        for auto in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            for workers in [&[Transient, Transient][..], &[Transient, Permanent, Temporary]] {
                plans.push(Plan::new(strategy, workers).limit(1).ignores(1).requests(1).auto(auto));
            }
            // A significant supervisor that shuts down by itself takes the one above along.
            let below = Plan::new(Strategy::OneForOne, &[Transient]).auto(auto);
            plans.push(Plan::new(strategy, &[Permanent, Permanent]).requests(asked).auto(auto).above(Transient, below));
        }
        plans.push(Plan::new(strategy, &[Permanent, Transient]).limit(2).requests(1).back_off());
        plans.push(Plan::new(strategy, &[Permanent, Permanent]).limit(1).requests(1).lapses(1));
        for (fallback, probation) in [(false, None), (true, None), (false, Some(SEC)), (true, Some(SEC))] {
            let below = Plan::new(Strategy::OneForOne, &[Permanent]);
            let plan = Plan::new(strategy, &[Permanent, Permanent]).requests(asked.max(u32::from(!fallback)));
            plans.push(plan.degrade(fallback, probation).above(Permanent, below));
        }
    }
    for template in RESTARTS {
        plans.push(Plan::new(Strategy::OneForOne, &[template]).limit(1).requests(1).dynamic(2));
        let pool = Plan::new(Strategy::OneForOne, &[template]).dynamic(1 + asked);
        plans.push(Plan::new(Strategy::OneForAll, &[Permanent, Permanent]).limit(1).above(Permanent, pool));
    }
    plans
}

#[test]
fn every_interleaving_of_small_trees_is_safe_and_live() {
    let started = Instant::now();
    let plans = plans(bound());
    let next = AtomicUsize::new(0);
    let sums = Mutex::new((0, 0, 0));
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(4) {
            threads.spawn(|| {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let began = Instant::now();
                    let explored = explore(plan).unwrap_or_else(|what| panic!("{what}"));
                    if bound() > 1 {
                        println!("{:.1?}: {} states of {plan:?}", began.elapsed(), explored.states.len());
                    }
                    let mut sums = sums.lock().expect("no explorer panicked");
                    sums.0 += explored.states.len();
                    sums.1 += explored.transitions;
                    sums.2 = explored.longest.max(sums.2);
                }
            });
        }
    });
    let (states, transitions, longest) = sums.into_inner().expect("no explorer panicked");
    println!(
        "{} trees: {states} states, {transitions} transitions, the longest way {longest}, in {:.1?}",
        plans.len(),
        started.elapsed()
    );
    assert!(states > 10_000, "there is something to explore");
}

/// The explorer can fail: a core that overlooks one event does not pass.
#[test]
fn a_core_that_drops_one_event_is_found_out() {
    for strategy in STRATEGIES {
        for nth in 1..=8 {
            let inner = Plan::new(strategy, &[Restart::Permanent]).limit(1);
            let one = Plan::new(strategy, &[Restart::Permanent, Restart::Transient]).limit(1).requests(1);
            for plan in [one.clone(), one.above(Restart::Permanent, inner)] {
                let found = explore(&plan.dropping(nth));
                assert!(found.is_err(), "{strategy:?} overlooks event {nth} and nobody notices");
            }
        }
    }
}
