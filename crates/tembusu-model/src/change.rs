//! Change of a running supervisor's flags and specifications (OTP's `code_change`).

use std::mem;

use crate::process::{Child, Supervisor};
use crate::spec::{BadSpec, ChildSpec, Id, Kind, Strategy, SupervisorSpec};

impl Child {
    /// Whoever starts the supervisor `of` again calls the `init` that is in its code now.
    pub(crate) fn learn(&mut self, of: Id, spec: &SupervisorSpec) {
        learn(&mut self.spec, of, spec);
        if let Some(below) = self.below_mut() {
            below.flags.children.iter_mut().for_each(|child| learn(child, of, spec));
            below.children.iter_mut().for_each(|child| child.learn(of, spec));
        }
    }
}

fn learn(child: &mut ChildSpec, of: Id, new: &SupervisorSpec) {
    if let Kind::Supervisor(spec) = &mut child.kind {
        if child.id == of {
            **spec = new.clone();
        } else {
            spec.children.iter_mut().for_each(|child| learn(child, of, new));
        }
    }
}

impl Supervisor {
    /// Cases 84 to 94: flags are replaced; new children are added and not started; children that are not named any
    /// more are kept, after the others; a faulty specification changes nothing.
    pub(crate) fn change(&mut self, spec: SupervisorSpec) -> Result<(), BadSpec> {
        spec.check()?;
        let simple = |strategy| strategy == Strategy::SimpleOneForOne;
        if simple(spec.strategy) != simple(self.flags.strategy) {
            return Err(BadSpec::BadStartSpec);
        }
        if !simple(spec.strategy) {
            let mut kept = mem::take(&mut self.children);
            for new in &spec.children {
                let child = match kept.iter().position(|child| child.spec.id == new.id) {
                    Some(at) => Child { spec: new.clone(), ..kept.remove(at) },
                    None => Child::new(new.clone()),
                };
                self.children.push(child);
            }
            self.children.append(&mut kept);
        }
        self.flags = spec;
        Ok(())
    }
}
