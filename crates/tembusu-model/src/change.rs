//! Change of a running supervisor's flags and specifications (OTP's `code_change`).

use std::mem;

use crate::process::{Child, Supervisor};
use crate::spec::{BadSpec, Strategy, SupervisorSpec};

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
