//! The worker of the storm: it panics wherever it is told to, and counts.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tembusu::{Actor, Context, ExitReason, Flow, Init, Inline, Reply};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many panics there were so far.
pub(crate) fn panics() -> u64 {
    PANICS.load(SeqCst)
}

/// What is known of a worker from outside, and where it is to panic next.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How often `init` has begun.
    pub(crate) starts: AtomicU64,
    /// How many states were made, and how many dropped.
    pub(crate) made: AtomicU64,
    pub(crate) dropped: AtomicU64,
    /// How often it has panicked in `init`, and in `handle`.
    pub(crate) init_panics: AtomicU64,
    pub(crate) handle_panics: AtomicU64,
    /// How many of the next `init`s panic.
    pub(crate) bad_inits: AtomicU64,
    pub(crate) bad_stop: AtomicBool,
    pub(crate) bad_drop: AtomicBool,
}

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Order {
    Panic,
    /// With a payload that panics when it is dropped.
    PanicWithTrap,
    PanicLater,
    Ask(Reply<u64>),
}

/// What a worker publishes.
pub(crate) trait View: Send + Sync {
    fn fails(&self);
}

#[derive(Clone)]
pub(crate) struct Args {
    pub(crate) tally: Arc<Tally>,
    pub(crate) view: Inline<dyn View>,
}

pub(crate) struct Unruly {
    tally: Arc<Tally>,
    incarnation: u64,
}

struct Fails;

impl View for Fails {
    fn fails(&self) {
        panic_now()
    }
}

/// A payload whose destructor panics.
struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        panic_if_bearable();
    }
}

fn panic_now() -> ! {
    PANICS.fetch_add(1, SeqCst);
    panic!("the storm");
}

/// A second panic during an unwind would end the process: see `tests/panics.rs` of `tembusu`.
fn panic_if_bearable() {
    if !std::thread::panicking() {
        panic_now();
    }
}

impl Actor for Unruly {
    type Message = Order;
    type Args = Args;
    type Crash = Infallible;

    async fn init(args: &Args, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        let tally = &args.tally;
        tally.starts.fetch_add(1, SeqCst);
        if tally.bad_inits.fetch_update(SeqCst, SeqCst, |bad| bad.checked_sub(1)).is_ok() {
            tally.init_panics.fetch_add(1, SeqCst);
            panic_now();
        }
        cx.publish_view(&args.view, Arc::new(Fails));
        tally.made.fetch_add(1, SeqCst);
        Ok(Init::Ready(Self { tally: Arc::clone(tally), incarnation: cx.incarnation() }))
    }

    async fn handle(&mut self, order: Order, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        if !matches!(order, Order::Ask(_)) {
            self.tally.handle_panics.fetch_add(1, SeqCst);
        }
        match order {
            Order::Panic => panic_now(),
            Order::PanicWithTrap => {
                PANICS.fetch_add(1, SeqCst);
                std::panic::panic_any(Trap)
            }
            Order::PanicLater => {
                tokio::task::yield_now().await;
                panic_now()
            }
            Order::Ask(reply) => drop(reply.send(self.incarnation)),
        }
        Ok(Flow::Continue)
    }

    async fn stop(self, _: &ExitReason) {
        if self.tally.bad_stop.swap(false, SeqCst) {
            panic_now();
        }
    }
}

impl Drop for Unruly {
    fn drop(&mut self) {
        self.tally.dropped.fetch_add(1, SeqCst);
        if self.tally.bad_drop.swap(false, SeqCst) {
            panic_if_bearable();
        }
    }
}
