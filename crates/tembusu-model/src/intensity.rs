//! The maximum restart intensity.

use crate::process::Supervisor;
use crate::world::{Step, World};

impl Supervisor {
    /// Charges a restart; false if it is one too many.
    ///
    /// Manual, *Supervision Principles*: "if more than MaxR restarts occur within MaxT seconds, the supervisor will
    /// terminate all child processes and then itself." So intensity n survives n failures and dies of the next (case
    /// 47), each attempt to restart counts (case 48), and a charge exactly MaxT old still does (case 46).
    pub(crate) fn charge(&mut self, world: &mut World) -> bool {
        let (now, period) = (world.now, self.flags.period);
        self.charges.push(now);
        self.charges.retain(|&at| at + period >= now);
        let granted = self.charges.len() <= self.flags.intensity;
        world.saw(if granted { Step::Charged(self.id) } else { Step::Exhausted(self.id) });
        granted
    }
}
