//! The actor that accepts an exchange's connections, and sees to it that their thread is not lost.
//!
//! It stands outside of the exchange's subtree, and on another runtime than its connections. Listener and connections are its
//! arguments, not its state: a crash of it closes nothing and refuses nobody; only an orderly stop drains.
//!
//! When the exchange's runtime does not beat any more, it is given up: children and connections go on on a fresh one. It takes
//! one limit and a look to notice, and no more, and a tenth of it if the runtime burns its processor all that time; what was in
//! hand on the lost thread is lost with it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tembusu::{Actor, Context, ExitReason, Flow, Init, Missed, Supervisor, child};
use tokio::time::Instant;

use crate::ExchangePort;
use crate::lane::{Lane, LaneWatch, Sign};
use crate::sockets::{AcceptLoop, ServeArgs, TookOver};

/// Beyond the drain, for the accept loop and the last writes.
const SHUTDOWN_MARGIN: Duration = Duration::from_millis(500);

/// What the sockets are made from.
pub struct SocketsArgs {
    /// Listener, connections, and who answers them.
    pub serve: ServeArgs<ExchangePort>,
    /// Where the connections run.
    pub lane: Lane,
    /// A runtime that has not beaten for so long is lost, or for a tenth of it while it used a processor all the time.
    pub lost_after: Duration,
    /// Told of every loss.
    pub on_lost: Arc<dyn Fn(&LaneLost) + Send + Sync>,
}

impl fmt::Debug for SocketsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketsArgs").field("serve", &self.serve).field("lane", &self.lane).finish_non_exhaustive()
    }
}

/// A runtime was lost.
#[derive(Clone, Debug)]
pub struct LaneLost {
    /// How many this exchange has lost, with this one.
    pub lost: u32,
    /// What became of the connections; absent if there is no fresh runtime for them.
    pub connections: Option<TookOver>,
    /// Why there is none; what it says is for people.
    pub problem: Option<String>,
}

/// What one can say to the sockets.
#[derive(Debug)]
pub enum SocketsMessage {
    /// The accept loop of that number has ended.
    AcceptEnded(u64),
    /// It is time to look at the runtime.
    Look,
}

/// The sockets' infrastructure has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketsCrash {
    /// The listener could not be used.
    #[error("cannot accept on the listener: {0}; raise the limit of open files if it is reached")]
    Listener(#[from] io::Error),
    /// The accept loop gave up.
    #[error("the accept loop has ended; the log says which error went on for too long")]
    AcceptEnded,
}

/// Accepts connections, supervised.
///
/// # On restart
///
/// Open connections go on, and what has connected meanwhile waits in the kernel's backlog.
#[derive(Debug)]
pub struct Sockets {
    accepting: AcceptLoop,
    /// The number of the accept loop.
    loops: u64,
    args: Arc<SocketsArgs>,
    watch: LaneWatch,
    /// There is no fresh runtime any more.
    given_up: bool,
}

impl Sockets {
    fn accept(args: &SocketsArgs, number: u64, cx: &Context<Self>) -> io::Result<AcceptLoop> {
        let address = cx.address();
        let on_end = move || {
            // Should the queue be full of it, then it is known.
            let _ = address.tell(SocketsMessage::AcceptEnded(number));
        };
        AcceptLoop::start(&args.serve, &args.lane.runtime(), on_end)
    }

    fn look(&mut self, cx: &Context<Self>) -> Result<(), SocketsCrash> {
        let args = &*self.args;
        let sign = Sign { beats: args.lane.gauge().beats(), answers: args.serve.handler.answers() };
        if !self.watch.look(sign, Instant::now(), || args.lane.burnt()) {
            if self.watch.is_suspicious() {
                args.lane.nudge();
            }
            return Ok(());
        }
        self.watch.begin();
        let lost = match args.lane.replace() {
            // Gone when the connections have been taken from it.
            Ok(lost) => lost,
            Err(error) => {
                if !std::mem::replace(&mut self.given_up, true) {
                    let (lost, problem) = (args.lane.abandoned(), Some(error.to_string()));
                    (args.on_lost)(&LaneLost { lost, connections: None, problem });
                }
                return Ok(());
            }
        };
        self.loops += 1;
        let accepting = Self::accept(args, self.loops, cx).map(|accepting| self.accepting = accepting);
        // Whether or not somebody accepts there: nobody else would take them from the runtime that is lost.
        let connections = args.serve.take_over(&args.lane.runtime());
        (args.on_lost)(&LaneLost { lost: args.lane.abandoned(), connections: Some(connections), problem: None });
        drop(lost);
        Ok(accepting?)
    }
}

impl Actor for Sockets {
    type Message = SocketsMessage;
    type Args = Arc<SocketsArgs>;
    type Crash = SocketsCrash;

    async fn init(args: &Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>, SocketsCrash> {
        let watch = LaneWatch::new(args.lost_after);
        if args.lane.beats() {
            cx.every(watch.period(), Missed::Delay, || SocketsMessage::Look);
        }
        // Loops of earlier incarnations ended with them, and may say so late.
        let loops = cx.incarnation() << 32;
        Ok(Init::Ready(Self {
            accepting: Self::accept(args, loops, cx)?,
            loops,
            args: Arc::clone(args),
            watch,
            given_up: false,
        }))
    }

    async fn handle(&mut self, message: SocketsMessage, cx: &mut Context<Self>) -> Result<Flow, SocketsCrash> {
        match message {
            SocketsMessage::AcceptEnded(number) if number == self.loops => Err(SocketsCrash::AcceptEnded),
            // An earlier loop.
            SocketsMessage::AcceptEnded(_) => Ok(Flow::Continue),
            SocketsMessage::Look => self.look(cx).map(|()| Flow::Continue),
        }
    }

    async fn stop(self, _reason: &ExitReason) {
        // A connection that came after the drain has begun would be left out of it.
        self.accepting.stop().await;
        let drained = self.args.serve.tracker.drain(self.args.serve.limits.drain_timeout).await;
        tracing::debug!(?drained, "connections drained");
    }
}

/// The supervisor of one exchange's sockets, to be put beside the exchange's subtree and after it, so that it stops first.
pub fn sockets_supervisor(name: &str, args: SocketsArgs) -> Supervisor {
    let shutdown = args.serve.limits.drain_timeout + SHUTDOWN_MARGIN;
    let mut supervisor = Supervisor::one_for_one(name);
    supervisor.add(child::<Sockets>("sockets", Arc::new(args)).shutdown(shutdown));
    supervisor
}
