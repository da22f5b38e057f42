//! One panic after the other, each followed by a comparison with the model: who was started how often, whose state
//! was dropped, who is up, and whether the tree is.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use tembusu::{ExitReason, State, Tree};
use tembusu_model::{Id, Reason, Start, Step, Tree as Model, World};

use crate::dice::Dice;
use crate::grove::{Grove, Handle, Shape, is_quiet};
use crate::unruly::Order;

/// How long a tree may take to do what the model says.
const PATIENCE: Duration = Duration::from_secs(20);
/// A tree that has not given up by then is stopped.
const PANICS: usize = 400;

/// How often each worker was started, and how many of its states were dropped.
type Counts = BTreeMap<Id, (u64, u64)>;

/// Returns how often the tree was compared.
pub(crate) async fn live(dice: Dice) -> Result<u64, String> {
    let mut grove = Grove::new(dice, Shape::frail());
    let (spec, root) = grove.grow();
    let mut model = Model::start(spec, World::default());
    let tree = root.start().await.map_err(|error| format!("it does not start: {error}"))?;
    let mut expected = Counts::new();
    let mut compared = 0;
    expect(&mut expected, &grove, &mut model);
    while model.is_up() && compared < PANICS as u64 {
        compared += 1;
        let running = model.running();
        let running: Vec<Id> = running.into_iter().filter(|id| grove.workers.contains_key(id)).collect();
        if running.is_empty() {
            break;
        }
        prepare(&mut grove, &mut model, &running);
        let id = grove.dice.pick(&running);
        strike(&mut grove, id)?;
        model.crash(id, Reason::Error);
        expect(&mut expected, &grove, &mut model);
        settle(&tree, &grove, &expected, &model).await?;
    }
    if model.is_up() {
        model.stop();
        expect(&mut expected, &grove, &mut model);
        tree.shutdown().await;
    }
    let reason = tree.wait().await;
    if !matches!(reason, ExitReason::Exhausted(_) | ExitReason::Shutdown) {
        return Err(format!("it ended with {reason}"));
    }
    check(&grove, &expected)?;
    Ok(compared)
}

/// Lets coming `init`s, `stop`s and destructors panic.
fn prepare(grove: &mut Grove, model: &mut Model, running: &[Id]) {
    if grove.dice.one_in(3) {
        let id = grove.dice.pick(running);
        let times = 1 + grove.dice.below(3);
        grove.workers[&id].args.tally.bad_inits.fetch_add(times as u64, SeqCst);
        model.world.script(id, vec![Start::Fail; times]);
    }
    if grove.dice.one_in(3) {
        let id = grove.dice.pick(running);
        grove.workers[&id].args.tally.bad_stop.store(true, SeqCst);
    }
    if grove.dice.one_in(3) {
        let id = grove.dice.pick(running);
        grove.workers[&id].args.tally.bad_drop.store(true, SeqCst);
    }
}

/// Lets a worker panic.
fn strike(grove: &mut Grove, id: Id) -> Result<(), String> {
    let position = grove.dice.below(4);
    let Handle { address, args } = &grove.workers[&id];
    let order = match position {
        0 => Order::Panic,
        1 => Order::PanicWithTrap,
        2 => Order::PanicLater,
        _ => {
            return match args.view.try_call(|view| view.fails()) {
                Err(tembusu::InlineError::Died(_)) => Ok(()),
                other => Err(format!("{id} runs, but its view says {other:?}")),
            };
        }
    };
    address.tell(order).map_err(|error| format!("{id} runs, but cannot be told: {error}"))
}

/// Takes what the model saw.
fn expect(expected: &mut Counts, grove: &Grove, model: &mut Model) {
    for step in model.steps() {
        match step {
            Step::Started(id) | Step::StartFailed(id) if grove.workers.contains_key(&id) => {
                expected.entry(id).or_default().0 += 1;
            }
            Step::Ended(id, _) if grove.workers.contains_key(&id) => expected.entry(id).or_default().1 += 1,
            _ => {}
        }
    }
}

fn seen(handle: &Handle) -> (u64, u64) {
    (handle.args.tally.starts.load(SeqCst), handle.args.tally.dropped.load(SeqCst))
}

/// Waits until the tree has done what the model says, and nothing more is on its way.
async fn settle(tree: &Tree, grove: &Grove, expected: &Counts, model: &Model) -> Result<(), String> {
    if !model.is_up() {
        tree.wait().await;
        return check(grove, expected);
    }
    let began = Instant::now();
    let mut rounds = 0_u32;
    // A supervisor may not have heard yet of an end that is followed by no start.
    while check(grove, expected).is_err() || !is_quiet(tree) || compare(tree, model).is_err() {
        rounds += 1;
        if rounds.is_multiple_of(1024) && began.elapsed() > PATIENCE {
            check(grove, expected)?;
            compare(tree, model)?;
            return Err("it does not come to rest".into());
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn check(grove: &Grove, expected: &Counts) -> Result<(), String> {
    for (id, handle) in &grove.workers {
        let (expected, seen) = (expected.get(id).copied().unwrap_or_default(), seen(handle));
        if expected != seen {
            return Err(format!("{id} was started and dropped {seen:?} times, the model says {expected:?}"));
        }
    }
    Ok(())
}

/// Those who run are those who run in the model.
fn compare(tree: &Tree, model: &Model) -> Result<(), String> {
    let snapshot = tree.handle().snapshot();
    let up = |state| matches!(state, State::Running);
    let mut running: Vec<Id> =
        snapshot.walk().filter(|node| up(node.state)).filter_map(|node| node.name.parse().ok()).collect();
    let mut expected = model.running();
    running.sort_unstable();
    expected.sort_unstable();
    if running == expected { Ok(()) } else { Err(format!("{running:?} run, in the model {expected:?}")) }
}
