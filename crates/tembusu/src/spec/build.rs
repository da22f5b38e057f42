//! From a specification to a tree: check the whole, place every slot, then start.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use super::supervisor::{Entry, Exhausted, Supervisor};
use super::{backoff, probe};
use crate::core::{ChildKey, ChildPolicy, Core, Doubling, Exhaustion, Intensity, Mode};
use crate::error::{SpecError, StartError};
use crate::exit::ExitReason;
use crate::ground::On;
use crate::mailbox::below;
use crate::panics;
use crate::shell::member::{Member, Nested, Shape};
use crate::shell::node::{Above, Node};
use crate::shell::slot::{Home, Site};
use crate::shell::tree::{Shared, TreeState};
use crate::snapshot::Kind;
use crate::spec::policy::{AutoShutdown, Restart, Shutdown};
use crate::tree::Tree;

pub(super) async fn start(root: Supervisor) -> Result<Tree, StartError> {
    if cfg!(panic = "abort") {
        return Err(SpecError::PanicAbort.into());
    }
    if !matches!(root.exhausted, Exhausted::Escalate) || root.restore_after.is_some() || root.probe.is_some() {
        return Err(SpecError::DegradedRoot { supervisor: root.name.to_string() }.into());
    }
    if root.significant {
        return Err(SpecError::SignificantRoot { supervisor: root.name.to_string() }.into());
    }
    check(&root, &root.name, false)?;
    panics::install_hook();
    let handle = Handle::current();
    let node = Arc::clone(&root.node);
    let shared = Shared::new(handle.clone(), node.events(), Arc::clone(&node), root.watch.unwrap_or_default());
    let path = Arc::clone(&root.name);
    place(root, path, Above::Program, &shared, &On::Runtime(handle));
    shared.run_timer();
    crate::watchdog::watch(&shared);
    let mut states = shared.watch();
    // From here on, dropping this future ends the tree.
    let tree = Tree::new(Arc::clone(&node), Arc::clone(&shared));
    node.start_as(1, Mode::Normal);
    loop {
        let state = states.borrow_and_update().clone();
        match state {
            TreeState::Starting => {}
            TreeState::Up => return Ok(tree),
            TreeState::Down(reason) => {
                let (path, reason) = match &reason {
                    ExitReason::FailedToStart(failure) => failure.root_cause(),
                    reason => (node.path(), reason),
                };
                let path = match reason {
                    // Children that had started used up an intensity before the last one was up.
                    ExitReason::Exhausted(report) => report.root_cause().0,
                    _ => path,
                };
                let (path, reason) = (Arc::clone(path), reason.clone());
                return Err(StartError::Failed { path, reason });
            }
        }
        if crate::poll::deferring(states.changed()).await.is_err() {
            return Err(StartError::Failed { path: Arc::clone(node.path()), reason: ExitReason::Killed });
        }
    }
}

/// Checks a supervisor and all below it.
pub(crate) fn check(supervisor: &Supervisor, path: &str, is_fallback: bool) -> Result<(), SpecError> {
    let at = || path.to_owned();
    if supervisor.name.is_empty() || supervisor.name.contains('/') {
        return Err(SpecError::BadName { supervisor: at(), name: supervisor.name.to_string() });
    }
    if supervisor.watch.is_some_and(|watch| watch.heartbeat.is_zero()) {
        return Err(SpecError::ZeroHeartbeat { path: at() });
    }
    if supervisor.period.is_zero() {
        return Err(SpecError::ZeroPeriod { supervisor: at() });
    }
    if supervisor.max_children == Some(0) {
        return Err(SpecError::ZeroMaxChildren { supervisor: at() });
    }
    for (name, added) in &supervisor.declared {
        if !added.load(Ordering::Acquire) {
            return Err(SpecError::NeverAdded { supervisor: at(), name: name.to_string() });
        }
    }
    check_degrade(supervisor, path)?;
    probe::check(supervisor, path)?;
    if supervisor.lacks_partitions {
        return Err(SpecError::NoPartitions { supervisor: at() });
    }
    let (limit, period, start) = (supervisor.limit, supervisor.period, backoff::longest_start(supervisor));
    backoff::check_reach(supervisor.backoff.as_ref(), path, limit, period, start)?;
    let mut names = HashSet::new();
    for entry in &supervisor.entries {
        let name = entry.name();
        if name.is_empty() || name.contains('/') {
            return Err(SpecError::BadName { supervisor: at(), name: name.to_string() });
        }
        let own = || below(path, name);
        check_significance(entry, own, supervisor.is_dynamic, supervisor.auto_shutdown)?;
        check_entry(entry, own, is_fallback)?;
        // Last: a stand-in in a wrong place often has the name of its neighbour, which is not what is wrong.
        if !names.insert(Arc::clone(name)) {
            return Err(SpecError::DuplicateName { supervisor: at(), name: name.to_string() });
        }
    }
    Ok(())
}

pub(crate) fn check_entry(entry: &Entry, path: impl Fn() -> Arc<str>, is_fallback: bool) -> Result<(), SpecError> {
    match entry {
        Entry::Supervisor(child) if child.watch.is_some() => {
            Err(SpecError::WatchBelowRoot { path: path().to_string() })
        }
        Entry::Supervisor(child) => check(child, &path(), is_fallback),
        Entry::Worker(worker) if worker.heartbeat.is_some_and(|heartbeat| heartbeat.is_zero()) => {
            Err(SpecError::ZeroHeartbeat { path: path().to_string() })
        }
        Entry::Worker(worker) if worker.capacity == 0 => Err(SpecError::ZeroCapacity { path: path().to_string() }),
        Entry::Worker(worker) if worker.init_timeout.is_zero() => {
            Err(SpecError::ZeroInitTimeout { path: path().to_string() })
        }
        Entry::Worker(worker) if worker.slot.used.is_stand_in && !is_fallback => {
            Err(SpecError::StandInOutsideFallback { path: path().to_string() })
        }
        Entry::Worker(_) => Ok(()),
    }
}

/// Whether a child may be significant under its supervisor.
pub(crate) fn check_significance(
    entry: &Entry,
    path: impl Fn() -> Arc<str>,
    is_dynamic: bool,
    auto_shutdown: AutoShutdown,
) -> Result<(), SpecError> {
    let (significant, restart) = match entry {
        Entry::Worker(worker) => (worker.significant, worker.restart),
        Entry::Supervisor(child) => (child.significant, child.restart),
    };
    let path = || path().to_string();
    match (significant, restart, auto_shutdown) {
        (false, ..) => Ok(()),
        _ if is_dynamic => Err(SpecError::SignificantInDynamic { path: path() }),
        (true, Restart::Permanent, _) => Err(SpecError::SignificantPermanent { path: path() }),
        (true, _, AutoShutdown::Never) => Err(SpecError::SignificantUnderNever { path: path() }),
        (true, ..) => Ok(()),
    }
}

fn check_degrade(supervisor: &Supervisor, path: &str) -> Result<(), SpecError> {
    if let Some((first, max)) = supervisor.restore_after {
        if matches!(supervisor.exhausted, Exhausted::Escalate) {
            return Err(SpecError::RestoreWithoutDegrade { supervisor: path.to_owned() });
        }
        if let Some(figure) = backoff::fault_of_waits(first, max) {
            return Err(SpecError::BadBackoff { supervisor: path.to_owned(), figure });
        }
    }
    let Exhausted::DegradeTo(fallback) = &supervisor.exhausted else { return Ok(()) };
    if supervisor.entries.iter().any(|entry| *entry.name() == fallback.name) {
        return Err(SpecError::DuplicateName { supervisor: path.to_owned(), name: fallback.name.to_string() });
    }
    let path = format!("{path}/{}", fallback.name);
    if !matches!(fallback.exhausted, Exhausted::Escalate)
        || fallback.restore_after.is_some()
        || fallback.probe.is_some()
    {
        return Err(SpecError::DegradedFallback { supervisor: path });
    }
    if fallback.significant {
        return Err(SpecError::SignificantFallback { supervisor: path });
    }
    check(fallback, &path, true)?;
    let mut own = HashSet::new();
    queues(supervisor, &mut |id, _| {
        own.insert(id);
        Ok(())
    })?;
    let mut taken = HashSet::new();
    queues(fallback, &mut |id, stand_in| match stand_in {
        Some(name) if !own.contains(&id) => Err(SpecError::StandInForStranger { path: format!("{path}/{name}") }),
        Some(name) if !taken.insert(id) => Err(SpecError::SecondStandIn { path: format!("{path}/{name}") }),
        _ => Ok(()),
    })
}

/// Visits the queues below a supervisor; stand-ins with their names.
fn queues(
    supervisor: &Supervisor,
    visit: &mut impl FnMut(usize, Option<&str>) -> Result<(), SpecError>,
) -> Result<(), SpecError> {
    for entry in &supervisor.entries {
        match entry {
            Entry::Worker(worker) => {
                visit(worker.slot.queue().id(), worker.slot.used.is_stand_in.then_some(&*worker.name))?;
            }
            Entry::Supervisor(child) => queues(child, visit)?,
        }
    }
    Ok(())
}

/// Places a checked supervisor into the tree, with everything below it.
fn place(supervisor: Supervisor, path: Arc<str>, above: Above, shared: &Arc<Shared>, inherited: &On) -> Arc<Node> {
    let node = supervisor.node;
    let on = supervisor.on.unwrap_or_else(|| inherited.clone());
    let intensity = Intensity::new(supervisor.limit, supervisor.period);
    let mut core = Core::new(Arc::clone(&path), supervisor.strategy, supervisor.is_dynamic, intensity)
        .with_auto_shutdown(supervisor.auto_shutdown)
        .with_max_children(supervisor.max_children);
    if let Some(backoff) = supervisor.backoff {
        core.back_off(backoff, RandomState::new().hash_one(&*path));
    }
    let site = Arc::new(Site { node: Arc::downgrade(&node), on, heartbeat: shared.heartbeat() });
    for entry in supervisor.entries {
        let key = node.new_key();
        let name = Arc::clone(entry.name());
        let (policy, member) = place_entry(entry, key, &site, &path, shared);
        core.add(key, Arc::clone(&name), policy);
        let taken = node.with_members(|members| members.insert(key, name, member, None)).err();
        assert!(taken.is_none(), "names were checked");
    }
    let _ = node.site.set(site);
    node.settle_in(path, above, Arc::clone(shared), core);
    node
}

/// Places one checked child of the supervisor whose site it is, and whose path is the one above.
pub(crate) fn place_entry(
    entry: Entry,
    key: ChildKey,
    site: &Arc<Site>,
    above_path: &Arc<str>,
    shared: &Arc<Shared>,
) -> (ChildPolicy, Member) {
    let above = || Above::Parent { node: Weak::clone(&site.node), key };
    match entry {
        Entry::Worker(worker) => {
            let own_path = if worker.slot.used.is_stand_in {
                worker.slot.queue().take_stand_in();
                Some(Box::new(below(above_path, &worker.name)))
            } else {
                worker.slot.queue().settle_in(above_path, &worker.name, worker.capacity);
                None
            };
            let site = match (worker.on, worker.heartbeat) {
                (None, None) => Arc::clone(site),
                (on, heartbeat) => Arc::new(Site {
                    node: Weak::clone(&site.node),
                    on: on.unwrap_or_else(|| site.on.clone()),
                    heartbeat: heartbeat.unwrap_or(site.heartbeat),
                }),
            };
            shared.count_heartbeat(site.heartbeat);
            worker.slot.settle_in(Home { site, key, own_path });
            let policy = ChildPolicy {
                kind: Kind::Worker,
                restart: worker.restart,
                significant: worker.significant,
                shutdown: worker.shutdown,
                init_timeout: Some(worker.init_timeout),
                exhaustion: Exhaustion::Escalate,
                probation: None,
            };
            (policy, Member::Worker(worker.slot))
        }
        Entry::Supervisor(mut child) => {
            let path = below(above_path, &child.name);
            let probed = child.probe.map(|probe| (probe.first, probe.max));
            let backoff = child.restore_after.or(probed).map(|(first, max)| Doubling { first, max });
            let on = child.on.clone().unwrap_or_else(|| site.on.clone());
            let exhausted = std::mem::replace(&mut child.exhausted, Exhausted::Escalate);
            let (exhaustion, fallback) = match exhausted {
                Exhausted::Escalate => (Exhaustion::Escalate, None),
                Exhausted::Quarantine => (Exhaustion::Degrade { fallback: false, backoff }, None),
                Exhausted::DegradeTo(fallback) => (Exhaustion::Degrade { fallback: true, backoff }, Some(*fallback)),
            };
            let policy = ChildPolicy {
                kind: Kind::Supervisor,
                restart: child.restart,
                significant: child.significant,
                shutdown: match child.shutdown {
                    // A supervisor has children to end: it is asked even when it should go at once.
                    Shutdown::Kill => Shutdown::Within(std::time::Duration::ZERO),
                    shutdown => shutdown,
                },
                init_timeout: None,
                exhaustion,
                probation: child.probe.map(|probe| probe.probation()),
            };
            let fallback = fallback.map(|fallback| {
                let path = format!("{path}/{}", fallback.name).into();
                place(fallback, path, above(), shared, &on)
            });
            let normal = place(*child, path, above(), shared, &site.on);
            (policy, Member::Supervisor(Arc::new(Nested { normal, fallback, shape: Shape::default() })))
        }
    }
}

impl Entry {
    pub(crate) fn name(&self) -> &Arc<str> {
        match self {
            Self::Worker(worker) => &worker.name,
            Self::Supervisor(child) => &child.name,
        }
    }
}
