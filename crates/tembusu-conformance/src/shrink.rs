//! Makes a scenario smaller while it still shows what it shows.

use crate::scenario::{Node, Scenario, Step, Sup};

/// The smallest that was found by taking away one step or one child at a time; `shows` is asked at most `limit` times.
///
/// # Errors
///
/// What `shows` fails with.
pub fn shrink<E>(
    scenario: &Scenario,
    limit: usize,
    mut shows: impl FnMut(&Scenario) -> Result<bool, E>,
) -> Result<Scenario, E> {
    let mut best = scenario.clone();
    let mut asked = 0;
    'again: loop {
        for smaller in candidates(&best) {
            if asked == limit {
                return Ok(best);
            }
            asked += 1;
            if shows(&smaller)? {
                best = smaller;
                continue 'again;
            }
        }
        return Ok(best);
    }
}

fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    for end in 0..scenario.steps.len() {
        all.push(Scenario { steps: scenario.steps[..end].to_vec(), ..scenario.clone() });
    }
    for at in 0..scenario.steps.len() {
        let mut smaller = scenario.clone();
        smaller.steps.remove(at);
        all.push(smaller);
    }
    let names: Vec<String> = children(&scenario.root);
    for name in names {
        let mut smaller = scenario.clone();
        let gone = remove(&mut smaller.root, &name);
        smaller.steps.retain(|step| !gone.iter().any(|name| concerns(step, name)));
        all.push(smaller);
    }
    all
}

fn children(sup: &Sup) -> Vec<String> {
    let mut names = Vec::new();
    for child in &sup.children {
        names.push(child.name().to_owned());
        if let Node::Sup(sup) = child
            && sup.strategy != crate::scenario::Strategy::Dynamic
        {
            names.extend(children(sup));
        }
    }
    names
}

/// Removes a child, and returns the names of all that went with it.
fn remove(sup: &mut Sup, name: &str) -> Vec<String> {
    let mut gone = Vec::new();
    sup.children.retain_mut(|child| {
        if child.name() == name {
            gone.push(name.to_owned());
            if let Node::Sup(below) = child {
                gone.extend(below.all().into_iter().map(|sup| sup.name.clone()));
                gone.extend(children(below));
            }
            return false;
        }
        if let Node::Sup(below) = child {
            gone.extend(remove(below, name));
        }
        true
    });
    gone
}

fn concerns(step: &Step, gone: &str) -> bool {
    match step {
        Step::Crash { sup, name, .. }
        | Step::Terminate { sup, name }
        | Step::Restart { sup, name }
        | Step::Delete { sup, name } => sup == gone || name == gone,
        Step::Burst { sup, hits } => sup == gone || hits.iter().any(|(name, _)| name == gone),
        Step::Bursts { sups, hits } => {
            sups.iter().any(|sup| sup == gone) || hits.iter().any(|(_, name, _)| name == gone)
        }
        Step::Meanwhile { sup, name, ask, .. } => sup == gone || name == gone || concerns(ask, gone),
        Step::Change { sup, to } => sup == gone || to.contains(gone),
        Step::Start { sup, child } => sup == gone || child.name() == gone,
        Step::Which { sup } | Step::Count { sup } => sup == gone,
        Step::Wait { .. } => false,
    }
}
