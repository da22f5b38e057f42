//! Crashes beside few and many siblings.

use std::sync::{Arc, OnceLock};

use tembusu::{Actor, Context, Flow, Init, Supervisor, child};

use super::restart::{Child, Shared};
use crate::cases::{ENDLESS, How, Plan, Shape};
use crate::figures::Figures;
use crate::probe::Probe;

/// Does nothing.
struct Sibling;

impl Actor for Sibling {
    type Message = ();
    type Args = ();
    type Crash = std::convert::Infallible;

    async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, Self::Crash> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Self::Crash> {
        Ok(Flow::Continue)
    }
}

pub(super) async fn run(crashes: usize) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    let mut medians = Vec::new();
    for (siblings, name) in [(10, "10"), (10_000, "10k"), (1_000_000, "1m")] {
        let plan =
            Plan { shape: Shape::Alone, how: How::Error, idle: false, reports: false, one_period: false, crashes };
        let shared = Arc::new(Shared { probe: Probe::new(plan, true), victim: OnceLock::new() });
        let mut root = Supervisor::one_for_one("root").intensity(ENDLESS.0, ENDLESS.1);
        for sibling in 0..siblings {
            root.add(child::<Sibling>(format!("sibling_{sibling}"), ()));
        }
        // It begins to crash when it is up, and so when all the others are.
        root.add(child::<Child>("crashes", Arc::clone(&shared)));
        let tree = root.start().await?;
        let run = shared.probe.figures().await;
        drop(tree);
        medians.push(run["init_us"]);
        figures.insert(format!("init_{name}_us"), run["init_us"]);
        figures.insert(format!("first_{name}_us"), run["first_us"]);
    }
    let slowest = medians.iter().copied().fold(f64::MIN, f64::max);
    let fastest = medians.iter().copied().fold(f64::MAX, f64::min);
    figures.insert("flat".to_owned(), slowest / fastest);
    Ok(figures)
}
