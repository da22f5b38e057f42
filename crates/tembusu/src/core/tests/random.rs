//! Random children, random histories: the laws hold after every event, and when the children behave again the
//! supervisor comes to rest.
//!
//! The seed is printed, and `TEMBUSU_SEED` runs it again.

use proptest::collection::vec;
use proptest::prelude::{Just, prop, prop_oneof};
use proptest::strategy::Strategy as Generator;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::*;
use super::cast::{INIT, Init, MS, SEC, SHUTDOWN, Stop, error, exhausted, panic, seed, supervisor, worker};
use super::world::World;
use crate::snapshot::Kind;
use crate::spec::Backoff;
use crate::spec::policy::{Restart, Shutdown};

const CASES: u32 = 3000;
const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

#[derive(Clone, Debug)]
struct Plan {
    strategy: Strategy,
    dynamic: bool,
    auto_shutdown: AutoShutdown,
    limit: u32,
    backs_off: bool,
    children: Vec<Cast>,
    acts: Vec<Act>,
}

/// A child, and how it will behave.
#[derive(Clone, Debug)]
struct Cast {
    policy: ChildPolicy,
    inits: Vec<Init>,
    stop: Stop,
}

#[derive(Clone, Debug)]
enum Act {
    Die(usize, u8),
    Condemn(usize),
    Stick(usize),
    Ready(usize),
    Ignore(usize),
    Say(u8),
    Pass(Duration),
    Add(Cast),
    Terminate(usize),
    Restart(usize),
    Delete(usize),
    Restore(usize),
    Change(Strategy, u32, usize),
    End,
    Stop { kill: bool },
    Start,
    Stale(usize, u8),
}

#[test]
fn the_laws_hold_in_every_history() {
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&plan(), |plan| {
        let log = run(&plan);
        assert_eq!(log, run(&plan), "the same history twice does the same");
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("TEMBUSU_SEED={seed}\n{error}");
    }
}

fn run(plan: &Plan) -> Vec<String> {
    let mut world = World::with(plan.strategy, plan.dynamic, plan.limit, 10 * SEC);
    world.shut_down_automatically(plan.auto_shutdown);
    if plan.backs_off {
        world.core.back_off(Backoff::exponential(SEC, 4 * SEC).jitter(0.5).first_at_once(), 7);
    }
    if !plan.dynamic {
        for (name, cast) in NAMES.into_iter().zip(&plan.children) {
            world.add(name, cast.policy.clone());
            cast_in(&mut world, name, cast);
        }
    }
    world.step(Event::Start);
    for act in &plan.acts {
        perform(&mut world, act);
    }
    come_to_rest(&mut world);
    check_rest(&world, plan);
    world.log
}

fn cast_in(world: &mut World, name: &'static str, cast: &Cast) {
    world.play(name).inits = cast.inits.iter().cloned().collect();
    world.play(name).stop = cast.stop;
}

fn perform(world: &mut World, act: &Act) {
    let named = |world: &World, index: usize| {
        let names: Vec<_> = world.plays.values().map(|play| play.name).collect();
        (!names.is_empty()).then(|| names[index % names.len()])
    };
    match act {
        Act::Die(index, reason) => {
            let Some(name) = named(world, *index).filter(|name| world.plays[&world.key(name)].alive) else { return };
            let is_supervisor = world.child(name).is_some_and(Child::is_supervisor);
            let reason = match reason {
                0 => error(),
                1 => panic(),
                2 => ExitReason::Normal,
                3 => ExitReason::Shutdown,
                4 => ExitReason::Killed,
                _ if is_supervisor => exhausted(),
                _ => error(),
            };
            world.die_silently(name, reason);
        }
        Act::Condemn(index) => {
            if let Some((key, generation)) = named(world, *index).and_then(|name| worker_that_lives(world, name)) {
                world.step(Event::Condemned { key, generation, reason: panic() });
            }
        }
        Act::Stick(index) => {
            if let Some((key, generation)) = named(world, *index).and_then(|name| worker_that_lives(world, name)) {
                world.step(Event::Stuck { key, generation });
            }
        }
        Act::Ready(index) => {
            let Some(name) = named(world, *index).filter(|name| world.plays[&world.key(name)].alive) else { return };
            let (key, generation) = (world.key(name), world.generation(name));
            world.step(Event::Started { key, generation });
        }
        Act::Ignore(index) => {
            let starting = |child: &Child| !child.is_supervisor() && matches!(child.state, ChildState::Starting { .. });
            let Some(name) = named(world, *index) else { return };
            if world.child(name).is_some_and(starting) {
                world.ignore(name);
            }
        }
        Act::Say(count) => {
            for _ in 0..*count {
                world.say_one();
            }
        }
        Act::Pass(by) => world.pass(*by),
        Act::Add(cast) => {
            let used = world.plays.len() + world.removed.len();
            let Some(name) = NAMES.get(used) else { return };
            world.start_child_as(name, cast.policy.clone(), cast.inits.clone());
            if world.child(name).is_some() {
                world.play(name).stop = cast.stop;
            }
        }
        Act::Terminate(index) => ask(world, named(world, *index), |key| Request::Terminate { key }),
        Act::Restart(index) => ask(world, named(world, *index), |key| Request::Restart { key }),
        Act::Delete(index) => ask(world, named(world, *index), |key| Request::Delete { key }),
        Act::Restore(index) => ask(world, named(world, *index), |key| Request::Restore { key }),
        Act::Change(strategy, limit, first) => {
            let keys = world.core.children().keys();
            let order: Vec<ChildKey> = keys.iter().copied().cycle().skip(*first).take(keys.len().min(2)).collect();
            // What was granted under another limit was.
            world.charges.clear();
            world.core.intensity.clear();
            let change = match world.core.is_dynamic() {
                true => Change { intensity: Some((*limit, 10 * SEC)), max_children: Some(*first), ..Change::default() },
                false => Change {
                    strategy: Some(*strategy),
                    intensity: Some((*limit, 10 * SEC)),
                    order,
                    ..Change::default()
                },
            };
            world.request_silently(Request::Change(Box::new(change)));
        }
        Act::End => drop(world.request_silently(Request::Stop)),
        Act::Stop { kill } => world.step(Event::Stop { kill: *kill }),
        Act::Start => world.step(Event::Start),
        Act::Stale(index, kind) => {
            let Some(name) = named(world, *index) else { return };
            let (key, mut generation) = (world.key(name), world.generation(name));
            if world.plays[&key].alive {
                generation = generation.saturating_sub(1);
            }
            world.bring_stale(match kind % 6 {
                0 => Event::Started { key, generation },
                1 => Event::Ignored { key, generation },
                2 => Event::Condemned { key, generation, reason: panic() },
                3 => Event::Stuck { key, generation },
                4 => Event::Stranded { key, generation },
                _ => Event::Exited { key, generation, reason: error() },
            });
        }
    }
}

/// Only workers are judged: a supervisor makes no inline calls and cannot be stuck.
fn worker_that_lives(world: &World, name: &str) -> Option<(ChildKey, Generation)> {
    let child = world.child(name).filter(|child| !child.is_supervisor())?;
    world.plays[&child.key].alive.then_some((child.key, child.generation))
}

fn ask(world: &mut World, name: Option<&'static str>, request: impl FnOnce(ChildKey) -> Request) {
    if let Some(name) = name {
        let request = request(world.key(name));
        world.request_silently(request);
    }
}

/// From now on every `init` succeeds and every stop is obeyed; what hangs is timed out.
fn come_to_rest(world: &mut World) {
    for play in world.plays.values_mut() {
        play.inits.clear();
        play.stop = Stop::Obey;
    }
    world.settle();
    for _ in 0..200 {
        let on_its_way = |child: &&Child| child.state.is_alive() && !matches!(child.state, ChildState::Running { .. });
        let Some(child) = world.core.children().iter().find(on_its_way) else { break };
        let name = world.plays[&child.key].name;
        match child.state {
            ChildState::Starting { .. } if child.is_supervisor() => world.ready(name),
            ChildState::Stopping { until: None } | ChildState::Killing { until: None } => {
                world.die(name, ExitReason::Shutdown);
            }
            _ => world.pass(SEC),
        }
    }
    // Every restore comes due.
    world.pass(100 * SEC);
}

fn check_rest(world: &World, plan: &Plan) {
    assert!(world.core.pass.is_none() && !world.core.is_stopping(), "it is at rest: {:?}", world.core);
    for id in 0..world.asked {
        assert!(world.answers.contains_key(&RequestId(id)), "request {id} is answered");
    }
    let mut up = false;
    for outcome in &world.up {
        match outcome {
            Outcome::Started => assert!(!std::mem::replace(&mut up, true), "it starts once in a life"),
            Outcome::Exited(_) => up = false,
        }
    }
    let last = world.last_up().expect("it has said something");
    assert_eq!(world.core.is_down(), matches!(last, Outcome::Exited(_)), "{last:?}");
    if world.core.is_down() {
        return check_end(world, plan);
    }
    for child in world.core.children().iter() {
        let running = matches!(child.state, ChildState::Running { .. });
        let down = child.at_rest || child.is_vacant();
        assert!(running != down, "{child:?}");
        assert!(child.intent.is_none() && child.unusual().terminators.is_empty(), "{child:?}");
        let untouched =
            plan.acts.iter().all(|act| matches!(act, Act::Die(..) | Act::Say(_) | Act::Pass(_) | Act::Ready(_)));
        let obliging = plan.children.iter().all(|cast| !cast.inits.contains(&Init::Ignore));
        if untouched && obliging && child.policy.restart == Restart::Permanent && !child.is_vacant() {
            assert!(running, "a permanent child runs: {child:?}");
        }
    }
}

fn check_end(world: &World, plan: &Plan) {
    let asked = plan.acts.iter().any(|act| matches!(act, Act::Stop { .. } | Act::End));
    let Some(reason) = world.ended() else { unreachable!("it is down") };
    // In its last life; `Started` would stand before the end.
    let failed_to_start = !matches!(world.up[..], [.., Outcome::Started, Outcome::Exited(_)]);
    let by_itself = world.reports.iter().any(|(_, what)| matches!(what, Happening::AutoShutdown));
    assert!(asked || failed_to_start || by_itself || matches!(reason, ExitReason::Exhausted(_)), "{reason}");
    for play in world.plays.values() {
        assert!(!play.alive, "{} is no orphan", play.name);
    }
}

fn plan() -> impl Generator<Value = Plan> {
    let strategy = any_strategy();
    let auto_shutdown = prop_oneof![
        3 => Just(AutoShutdown::Never),
        1 => Just(AutoShutdown::AnySignificant),
        1 => Just(AutoShutdown::AllSignificant),
    ];
    let flags = (auto_shutdown, prop::bool::weighted(0.15), prop::bool::weighted(0.4));
    (strategy, flags, 0_u32..6, vec(cast(), 1..6), vec(act(), 0..60)).prop_map(
        |(strategy, (auto_shutdown, dynamic, backs_off), limit, children, acts)| {
            let strategy = if dynamic { Strategy::OneForOne } else { strategy };
            let auto_shutdown = if dynamic { AutoShutdown::Never } else { auto_shutdown };
            Plan { strategy, dynamic, auto_shutdown, limit, backs_off, children, acts }
        },
    )
}

fn any_strategy() -> impl Generator<Value = Strategy> {
    prop_oneof![Just(Strategy::OneForOne), Just(Strategy::OneForAll), Just(Strategy::RestForOne)]
}

fn cast() -> impl Generator<Value = Cast> {
    let restart =
        prop_oneof![4 => Just(Restart::Permanent), 1 => Just(Restart::Transient), 1 => Just(Restart::Temporary)];
    let init =
        prop_oneof![5 => Just(Init::Ready), 2 => Just(Init::Fail), 1 => Just(Init::Ignore), 2 => Just(Init::Hang)];
    let stop = prop_oneof![4 => Just(Stop::Obey), 1 => Just(Stop::Deaf), 1 => Just(Stop::Undead)];
    (restart, 0_u8..6, vec(init, 0..6), stop).prop_map(|(restart, kind, mut inits, stop)| {
        let backoff = Some(Doubling { first: SEC, max: 4 * SEC });
        let policy = match kind {
            0 => ChildPolicy { shutdown: Shutdown::Kill, ..worker(restart) },
            1 => supervisor(
                restart,
                Exhaustion::Degrade { fallback: true, backoff: backoff.filter(|_| inits.len() > 2) },
            ),
            2 => supervisor(
                restart,
                Exhaustion::Degrade { fallback: false, backoff: backoff.filter(|_| inits.len() > 2) },
            ),
            _ => worker(restart),
        };
        if policy.kind == Kind::Supervisor {
            inits.retain(|init| *init != Init::Ignore);
        }
        let significant = restart != Restart::Permanent && inits.len() % 2 == 1;
        let probation = (inits.len() > 3).then_some(3 * SEC);
        Cast { policy: ChildPolicy { significant, probation, ..policy }, inits, stop }
    })
}

fn act() -> impl Generator<Value = Act> {
    let child = 0_usize..8;
    let by = prop_oneof![Just(MS), Just(SEC), Just(INIT), Just(SHUTDOWN), Just(KILL_GRACE), Just(11 * SEC)];
    prop_oneof![
        8 => (child.clone(), 0_u8..7).prop_map(|(index, reason)| Act::Die(index, reason)),
        2 => child.clone().prop_map(Act::Condemn),
        2 => child.clone().prop_map(Act::Stick),
        4 => child.clone().prop_map(Act::Ready),
        1 => child.clone().prop_map(Act::Ignore),
        8 => (1_u8..8).prop_map(Act::Say),
        4 => by.prop_map(Act::Pass),
        2 => cast().prop_map(Act::Add),
        2 => child.clone().prop_map(Act::Terminate),
        2 => child.clone().prop_map(Act::Restart),
        1 => child.clone().prop_map(Act::Delete),
        2 => child.clone().prop_map(Act::Restore),
        1 => prop::bool::weighted(0.3).prop_map(|kill| Act::Stop { kill }),
        1 => Just(Act::End),
        2 => (any_strategy(), 0_u32..6, child.clone()).prop_map(|(strategy, limit, first)| Act::Change(strategy, limit, first)),
        1 => Just(Act::Start),
        3 => (child, 0_u8..5).prop_map(|(index, kind)| Act::Stale(index, kind)),
    ]
}
