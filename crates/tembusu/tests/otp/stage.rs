//! The helper processes of OTP's suite, as scripted children, and what its `terminate` and `counts` do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tembusu::{Address, ChildSpec, ExitReason, State, Supervisor, SupervisorRef, Tree, child};
use tembusu_testkit::{EventRecorder, Journal, Say, Script, Scripted, Step};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// OTP's suite counts restarts within an hour, unless said otherwise.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// The ways of OTP's suite to end a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Normal,
    Shutdown,
    Abnormal,
    /// What a kill from outside is in Erlang: an end without a word of its own.
    Panic,
}

impl End {
    pub(crate) const ALL: [Self; 4] = [Self::Normal, Self::Shutdown, Self::Abnormal, Self::Panic];

    pub(crate) fn is_abnormal(self) -> bool {
        matches!(self, Self::Abnormal | Self::Panic)
    }
}

/// Children by name, with what they are told and what they did.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) journal: Journal,
    addresses: RefCell<HashMap<&'static str, Address<Say>>>,
}

impl Stage {
    /// A permanent worker with a second to stop, as in OTP's suite.
    pub(crate) fn child(&self, name: &'static str) -> ChildSpec<Scripted> {
        self.scripted(name, self.journal.script(name))
    }

    pub(crate) fn scripted(&self, name: &'static str, script: Script) -> ChildSpec<Scripted> {
        let spec = child::<Scripted>(name, script).shutdown(SECOND);
        self.addresses.borrow_mut().insert(name, spec.address());
        spec
    }

    pub(crate) fn address(&self, name: &str) -> Address<Say> {
        self.addresses.borrow()[name].clone()
    }

    /// Ends a child in this way and waits until all that follows has happened.
    pub(crate) async fn end(&self, name: &str, how: End) {
        self.tell(
            name,
            match how {
                End::Normal => Step::Stop,
                End::Shutdown => Step::Shutdown("test"),
                End::Abnormal => Step::Error,
                End::Panic => Step::Panic,
            },
        );
        settled().await;
    }

    pub(crate) fn tell(&self, name: &str, step: Step) {
        self.address(name).tell(step.into()).unwrap_or_else(|error| panic!("{name} is told: {error}"));
    }

    /// The incarnation that runs under this name; 0 when none does.
    pub(crate) async fn incarnation(&self, name: &str) -> u64 {
        self.address(name).call(Say::Ask, SECOND / 100).await.unwrap_or(0)
    }

    pub(crate) async fn start(self, root: Supervisor) -> Play {
        let events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        drop(self.journal.take());
        Play { root: tree.handle(), stage: self, tree, events }
    }
}

/// A tree that runs.
pub(crate) struct Play {
    pub(crate) stage: Stage,
    pub(crate) root: SupervisorRef,
    pub(crate) tree: Tree,
    pub(crate) events: EventRecorder,
}

impl Play {
    /// Whether the root lives.
    pub(crate) fn lives(&self) -> bool {
        self.root.snapshot().state == State::Running
    }

    /// The root's children with their states, in start order.
    pub(crate) fn which(&self) -> Vec<String> {
        self.which_of(&self.root)
    }

    pub(crate) fn which_of(&self, supervisor: &SupervisorRef) -> Vec<String> {
        let children = supervisor.which_children().into_iter();
        children.map(|child| format!("{} {}", child.name, child.state.label())).collect()
    }

    /// `[specs, active, supervisors, workers]` of the root, as OTP's suite has them.
    pub(crate) fn counts(&self) -> [usize; 4] {
        let counts = self.root.count_children();
        [counts.specs, counts.active, counts.supervisors, counts.workers]
    }

    /// Why the root has ended.
    pub(crate) async fn ended(&self) -> ExitReason {
        self.tree.wait().await
    }

    /// What the children did since the last look.
    pub(crate) fn did(&self) -> Vec<String> {
        self.stage.journal.take()
    }
}

/// On the virtual clock time passes when nothing else is to do.
pub(crate) async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
