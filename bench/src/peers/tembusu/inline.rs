//! Inline calls into a published view, beside a direct call through a trait object.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tembusu::{Actor, Context, Flow, Init, Inline, Supervisor, child};

use crate::figures::Figures;

const PATIENCE: Duration = Duration::from_secs(10);

trait Price: Send + Sync {
    fn of(&self, quantity: u64) -> u64;
}

struct PerPiece(u64);

impl Price for PerPiece {
    fn of(&self, quantity: u64) -> u64 {
        self.0.wrapping_mul(quantity)
    }
}

struct Pricing;

impl Actor for Pricing {
    type Message = ();
    type Args = Inline<dyn Price>;
    type Crash = std::convert::Infallible;

    async fn init(view: &Inline<dyn Price>, cx: &mut Context<Self>) -> Result<Init<Self>, Self::Crash> {
        cx.publish_view(view, Arc::new(PerPiece(7)));
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Self::Crash> {
        Ok(Flow::Continue)
    }
}

pub(super) async fn run(calls: usize) -> anyhow::Result<Figures> {
    let price = Inline::<dyn Price>::new("price");
    let mut root = Supervisor::one_for_one("root");
    root.add(child::<Pricing>("pricing", price.clone()));
    let tree = root.start().await?;
    let each = |begun: Instant| begun.elapsed().as_nanos() as f64 / calls as f64;

    let object: Arc<dyn Price> = black_box(Arc::new(PerPiece(7)));
    let begun = Instant::now();
    for n in 0..calls as u64 {
        black_box(object.of(black_box(n)));
    }
    let direct = each(begun);

    let begun = Instant::now();
    for n in 0..calls as u64 {
        black_box(price.try_call(|price| price.of(black_box(n))).is_ok());
    }
    let at_once = each(begun);

    let begun = Instant::now();
    for n in 0..calls as u64 {
        black_box(price.call(|price| price.of(black_box(n)), PATIENCE).await.is_ok());
    }
    let waiting = each(begun);
    drop(tree);
    Ok(Figures::from([
        ("direct_ns".to_owned(), direct),
        ("try_call_ns".to_owned(), at_once),
        ("call_ns".to_owned(), waiting),
        ("over_direct_ns".to_owned(), waiting - direct),
    ]))
}
