//! Panics from several tasks at once. What is comparable then: everybody is up again, as in a model whose intensity
//! is never used up; every state that was made was dropped but the last; and under one_for_one each worker was
//! started exactly once more than it has panicked.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tembusu::{TellError, Tree};
use tembusu_model::{Id, Strategy};

use crate::dice::Dice;
use crate::grove::{Grove, Shape};
use crate::unruly::Order;

const TASKS: u64 = 4;
const STRIKES: usize = 400;
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns how many workers were compared.
pub(crate) async fn live(mut dice: Dice) -> Result<u64, String> {
    let alone = dice.one_in(2);
    let all = &[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
    let strategies: &[Strategy] = if alone { &[Strategy::OneForOne] } else { all };
    let mut grove = Grove::new(dice, Shape::hardy(strategies));
    let (_, root) = grove.grow();
    let tree = root.start().await.map_err(|error| format!("it does not start: {error}"))?;
    let grove = Arc::new(grove);
    let tasks: Vec<_> = (1..=TASKS)
        .map(|task| {
            let dice = Dice(grove.dice.0.wrapping_add(task << 32));
            tokio::spawn(strike(Arc::clone(&grove), dice, !alone))
        })
        .collect();
    for task in tasks {
        task.await.map_err(|panic| panic.to_string())??;
    }
    let compared = compare(&tree, &grove, alone).await;
    tree.shutdown().await;
    for (id, handle) in &grove.workers {
        let (made, dropped) = (handle.args.tally.made.load(SeqCst), handle.args.tally.dropped.load(SeqCst));
        if made != dropped {
            return Err(format!("of {made} states of {id} {dropped} were dropped"));
        }
    }
    compared
}

async fn strike(grove: Arc<Grove>, mut dice: Dice, inline: bool) -> Result<(), String> {
    let ids: Vec<Id> = grove.workers.keys().copied().collect();
    for _ in 0..STRIKES {
        let handle = &grove.workers[&dice.pick(&ids)];
        let tally = &handle.args.tally;
        let order = match dice.below(if inline { 8 } else { 6 }) {
            0 => {
                tally.bad_inits.fetch_add(1, SeqCst);
                continue;
            }
            1 => {
                tally.bad_stop.store(true, SeqCst);
                continue;
            }
            2 => {
                tally.bad_drop.store(true, SeqCst);
                continue;
            }
            3 => Order::Panic,
            4 => Order::PanicWithTrap,
            5 => Order::PanicLater,
            _ => {
                let _ = handle.args.view.try_call(|view| view.fails());
                tokio::task::yield_now().await;
                continue;
            }
        };
        let mut order = Some(order);
        while let Some(next) = order.take() {
            match handle.address.tell(next) {
                Ok(()) => {}
                Err(TellError::Full(back)) => {
                    tokio::task::yield_now().await;
                    order = Some(back);
                }
                Err(error) => return Err(format!("it always comes back, but says {error}")),
            }
        }
    }
    Ok(())
}

async fn compare(tree: &Tree, grove: &Grove, alone: bool) -> Result<u64, String> {
    // Whoever answers has handled all that it was told; twice, since one may fall with its group after the other has
    // answered.
    for _ in 0..2 {
        for (id, handle) in &grove.workers {
            while let Err(error) = handle.address.call(Order::Ask, PATIENCE).await {
                if !matches!(error, tembusu::CallError::Died(_)) {
                    return Err(format!("{id} is not up again: {error}"));
                }
            }
        }
    }
    let snapshot = tree.handle().snapshot();
    for node in snapshot.walk() {
        let Some(handle) = node.name.parse().ok().and_then(|id: Id| grove.workers.get(&id)) else { continue };
        let tally = &handle.args.tally;
        let (starts, made) = (tally.starts.load(SeqCst), tally.made.load(SeqCst));
        let bad = tally.init_panics.load(SeqCst);
        // One that falls with its group before its `init` was polled has a number and no start.
        let numbered = if alone { node.incarnation == starts } else { node.incarnation >= starts };
        if !numbered || made + bad != starts {
            return Err(format!("{} is {}, of {starts} starts {bad} failed, {made} not", node.path, node.incarnation));
        }
        let crashes = tally.handle_panics.load(SeqCst);
        if alone && starts != 1 + crashes + bad {
            return Err(format!("{} was started {starts} times for {crashes} + {bad} panics", node.path));
        }
    }
    Ok(grove.workers.len() as u64)
}
