//! Live change of a supervisor's flags and of its children's policies (OTP, `supervisor`, code change).
//!
//! All of a change is checked first and nothing of a faulty one is kept. A change starts, stops and charges
//! nothing: what it says holds from the next failure, start or request on.

use std::sync::Arc;
use std::time::Duration;

use super::restarts::answer;
use super::{ChildKey, ChildPolicy, Core, Effect, Refused, RequestId, Time};
use crate::error::SpecError;
use crate::spec::policy::{AutoShutdown, Restart, Shutdown, Strategy};

/// What is to be different.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) strategy: Option<Strategy>,
    pub(crate) intensity: Option<(u32, Time)>,
    pub(crate) auto_shutdown: Option<AutoShutdown>,
    pub(crate) max_children: Option<usize>,
    pub(crate) policies: Vec<(ChildKey, PolicyChange)>,
    /// Added and not started.
    pub(crate) added: Vec<(ChildKey, Arc<str>, ChildPolicy)>,
    /// The first ones of the new start order; the others follow as they are.
    pub(crate) order: Vec<ChildKey>,
}

/// What is to be different for one child.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyChange {
    pub(crate) restart: Option<Restart>,
    pub(crate) significant: Option<bool>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) init_timeout: Option<Duration>,
}

impl PolicyChange {
    fn apply(&self, policy: &mut ChildPolicy) {
        policy.restart = self.restart.unwrap_or(policy.restart);
        policy.significant = self.significant.unwrap_or(policy.significant);
        policy.shutdown = self.shutdown.unwrap_or(policy.shutdown);
        policy.init_timeout = self.init_timeout.or(policy.init_timeout);
    }
}

impl Core {
    pub(super) fn change(&mut self, id: RequestId, change: Change, effects: &mut Vec<Effect>) {
        if let Err(refused) = self.check_change(&change) {
            self.refuse_change(id, &change, refused, effects);
            return;
        }
        self.await_no_end();
        self.strategy = change.strategy.unwrap_or(self.strategy);
        self.auto_shutdown = change.auto_shutdown.unwrap_or(self.auto_shutdown);
        self.max_children = change.max_children.or(self.max_children);
        if let Some((limit, period)) = change.intensity {
            self.intensity.change(limit, period);
        }
        for (key, policy) in change.policies {
            if let Some(child) = self.children.get_mut(key) {
                policy.apply(Arc::make_mut(&mut child.policy));
            }
        }
        for (key, name, policy) in change.added {
            self.children.insert(key, name, policy, true);
            self.close(key, effects);
        }
        if !change.order.is_empty() {
            self.children.reorder(&change.order);
        }
        answer(Some(id), Ok(()), effects);
    }

    /// The children that were to be added are let go again.
    pub(super) fn refuse_change(&self, id: RequestId, change: &Change, refused: Refused, effects: &mut Vec<Effect>) {
        effects.extend(change.added.iter().map(|(key, ..)| Effect::Removed { key: *key }));
        answer(Some(id), Err(refused), effects);
    }

    fn check_change(&self, change: &Change) -> Result<(), Refused> {
        self.check_flags(change).map_err(Refused::Faulty)?;
        let auto_shutdown = change.auto_shutdown.unwrap_or(self.auto_shutdown);
        for (key, policy) in &change.policies {
            let child = self.children.get(*key).ok_or(Refused::NotFound)?;
            let mut changed = ChildPolicy::clone(&child.policy);
            policy.apply(&mut changed);
            if child.is_supervisor() && policy.init_timeout.is_some() {
                return Err(self.not_changeable("the init time-out of a child that is a supervisor"));
            }
            if policy.init_timeout.is_some_and(|timeout| timeout.is_zero()) {
                let path = format!("{}/{}", self.path, child.name);
                return Err(Refused::Faulty(SpecError::ZeroInitTimeout { path }));
            }
            self.check_significance(&child.name, &changed, auto_shutdown)?;
        }
        for (_, name, policy) in &change.added {
            self.check_significance(name, policy, auto_shutdown)?;
        }
        let known = |key: &ChildKey| self.children.get(*key).is_some() || change.added.iter().any(|(at, ..)| at == key);
        if !change.order.iter().all(known) {
            return Err(Refused::NotFound);
        }
        if !change.order.is_empty() && self.pass.is_some() {
            // Who is up and who is to come is told by the order.
            return Err(Refused::Restarting);
        }
        Ok(())
    }

    fn check_flags(&self, change: &Change) -> Result<(), SpecError> {
        let supervisor = || self.path.to_string();
        let not_changeable = |what: &'static str| SpecError::NotChangeable { supervisor: supervisor(), what };
        if change.intensity.is_some_and(|(_, period)| period.is_zero()) {
            return Err(SpecError::ZeroPeriod { supervisor: supervisor() });
        }
        if self.dynamic && change.max_children == Some(0) {
            return Err(SpecError::ZeroMaxChildren { supervisor: supervisor() });
        }
        if self.dynamic && (change.strategy.is_some() || change.auto_shutdown.is_some()) {
            return Err(not_changeable("strategy and auto_shutdown of a dynamic supervisor"));
        }
        if self.dynamic && !(change.added.is_empty() && change.order.is_empty()) {
            return Err(not_changeable("children and order of a dynamic supervisor"));
        }
        if !self.dynamic && change.max_children.is_some() {
            return Err(not_changeable("max_children of a supervisor that is not dynamic"));
        }
        let (limit, period) = change.intensity.unwrap_or((self.intensity.limit(), self.intensity.period()));
        let changed = change.policies.iter().filter_map(|(_, policy)| policy.init_timeout);
        let added = change.added.iter().filter_map(|(.., policy)| policy.init_timeout);
        let present = self.children.iter().filter_map(|child| child.policy.init_timeout);
        let start = match change.intensity {
            Some(_) => changed.chain(added).chain(present).max(),
            None => changed.chain(added).max(),
        };
        start.map_or(Ok(()), |start| self.check_reach_of(limit, period, start))
    }

    fn check_significance(&self, name: &str, policy: &ChildPolicy, auto_shutdown: AutoShutdown) -> Result<(), Refused> {
        let path = || format!("{}/{name}", self.path);
        match (policy.significant, policy.restart, auto_shutdown) {
            (false, ..) => Ok(()),
            _ if self.dynamic => Err(Refused::Faulty(SpecError::SignificantInDynamic { path: path() })),
            (true, Restart::Permanent, _) => Err(Refused::Faulty(SpecError::SignificantPermanent { path: path() })),
            (true, _, AutoShutdown::Never) => Err(Refused::Faulty(SpecError::SignificantUnderNever { path: path() })),
            (true, ..) => Ok(()),
        }
    }

    fn not_changeable(&self, what: &'static str) -> Refused {
        Refused::Faulty(SpecError::NotChangeable { supervisor: self.path.to_string(), what })
    }
}
