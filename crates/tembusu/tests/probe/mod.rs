//! An actor that runs what it is handed: with it a test says what an actor does where the test says it.

use std::sync::Arc;

use tembusu::{Actor, Address, Context, Down, Exit, ExitReason, Flow, Init, Reply};
use tembusu_testkit::{Boom, Gate, Journal, PATIENCE};

pub(crate) type Run = Box<dyn FnOnce(&mut Context<Probe>) + Send>;

type InEachInit = dyn Fn(&mut Context<Probe>) + Send + Sync;

pub(crate) enum Do {
    Run(Run),
    /// Writes `name#1 text`.
    Note(String),
    Down(Down),
    Exit(Exit),
    Ask(Reply<u64>),
    Pass(Gate),
    End(End),
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    Normal,
    Error,
    Panic,
}

/// What a probe writes into, and what it does in each `init`.
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) journal: Journal,
    pub(crate) init: Option<Arc<InEachInit>>,
}

impl Setup {
    pub(crate) fn new(name: &'static str, journal: &Journal) -> Self {
        Self { name, journal: journal.clone(), init: None }
    }

    pub(crate) fn init(mut self, init: impl Fn(&mut Context<Probe>) + Send + Sync + 'static) -> Self {
        self.init = Some(Arc::new(init));
        self
    }
}

pub(crate) struct Probe {
    prefix: String,
    journal: Journal,
}

impl Actor for Probe {
    type Message = Do;
    type Args = Setup;
    type Crash = Boom;

    async fn init(setup: &Setup, cx: &mut Context<Self>) -> Result<Init<Self>, Boom> {
        if let Some(init) = &setup.init {
            init(cx);
        }
        let prefix = format!("{}#{}", setup.name, cx.incarnation());
        Ok(Init::Ready(Self { prefix, journal: setup.journal.clone() }))
    }

    async fn handle(&mut self, message: Do, cx: &mut Context<Self>) -> Result<Flow, Boom> {
        match message {
            Do::Run(run) => run(cx),
            Do::Note(text) => self.journal.note(format!("{} {text}", self.prefix)),
            Do::Down(Down { path, incarnation, reason, .. }) => {
                self.journal.note(format!("{} down {path}#{incarnation} {}", self.prefix, reason.label()));
            }
            Do::Exit(Exit { path, incarnation, reason, .. }) => {
                self.journal.note(format!("{} exit {path}#{incarnation} {}", self.prefix, reason.label()));
            }
            Do::Ask(reply) => drop(reply.send(cx.incarnation())),
            Do::Pass(gate) => gate.pass().await,
            Do::End(End::Normal) => return Ok(Flow::Stop),
            Do::End(End::Error) => return Err(Boom),
            Do::End(End::Panic) => panic!("boom"),
        }
        Ok(Flow::Continue)
    }

    fn describe(&self) -> String {
        self.prefix.clone()
    }

    async fn stop(self, reason: &ExitReason) {
        self.journal.note(format!("{} stop {}", self.prefix, reason.label()));
    }
}

/// Runs `what` in the actor and waits until it is done.
pub(crate) async fn run<T: Send + 'static>(
    address: &Address<Do>,
    what: impl FnOnce(&mut Context<Probe>) -> T + Send + 'static,
) -> T {
    let called = address.call(
        |reply| {
            Do::Run(Box::new(move |cx| {
                let _ = reply.send(what(cx));
            }))
        },
        PATIENCE,
    );
    called.await.expect("it runs")
}

/// Waits until everything that was told before has been handled; the incarnation's number.
pub(crate) async fn settle(address: &Address<Do>) -> u64 {
    address.call(Do::Ask, PATIENCE).await.expect("it answers")
}
