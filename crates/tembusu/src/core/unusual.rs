//! What most children never have: kept apart, so that a million ordinary ones stay small.
//!
//! It is made when it is first needed and stays with its child from then on; a plain child that crashes and is
//! restarted never needs it, so a restart allocates nothing for it.

use std::time::Duration;

use super::doomed::Doom;
use super::{Child, RequestId, Time};

/// Back-off, degraded mode and the trial after it, an end that nobody asked for, and who waits for one.
#[derive(Clone, Debug)]
pub(crate) struct Unusual {
    /// Who waits for its termination.
    pub(crate) terminators: Vec<RequestId>,
    /// Why it is being killed although nobody asked it to end.
    pub(crate) doom: Option<Doom>,
    /// Restarted alone, when its back-off is over.
    pub(crate) retry_at: Option<Time>,
    /// The wait before the next automatic restore.
    pub(crate) backoff: Option<Duration>,
    /// Degraded, and restored when the time has come.
    pub(crate) restore_at: Option<Time>,
    /// It was to be restored while its group was being restarted: it is afterwards.
    pub(crate) restore_due: bool,
    pub(crate) restored_at: Option<Time>,
    /// On trial until then.
    pub(crate) trusted_at: Option<Time>,
}

impl Unusual {
    const NOTHING: Self = Self {
        terminators: Vec::new(),
        doom: None,
        retry_at: None,
        backoff: None,
        restore_at: None,
        restore_due: false,
        restored_at: None,
        trusted_at: None,
    };

    /// The next of its own waits.
    fn deadline(&self) -> Option<Time> {
        self.restore_at.into_iter().chain(self.retry_at).chain(self.trusted_at).min()
    }

    /// Ends every wait of its own.
    pub(super) fn end_waits(&mut self) {
        self.retry_at = None;
        self.restore_at = None;
        self.restore_due = false;
        self.trusted_at = None;
    }

    /// Forgets degraded mode and the trial after it.
    pub(super) fn forget_degraded(&mut self) {
        self.backoff = None;
        self.restore_at = None;
        self.restore_due = false;
        self.restored_at = None;
        self.trusted_at = None;
    }
}

impl Child {
    pub(crate) fn unusual(&self) -> &Unusual {
        static NOTHING: Unusual = Unusual::NOTHING;
        self.unusual.as_deref().unwrap_or(&NOTHING)
    }

    /// To set something. To clear, see [`Child::if_unusual`].
    pub(super) fn unusual_mut(&mut self) -> &mut Unusual {
        self.unusual.get_or_insert_with(|| Box::new(Unusual::NOTHING))
    }

    /// To clear something: does nothing to a child that has nothing unusual.
    pub(super) fn if_unusual(&mut self, clear: impl FnOnce(&mut Unusual)) {
        if let Some(unusual) = &mut self.unusual {
            clear(unusual);
        }
    }

    pub(super) fn take_doom(&mut self) -> Option<Doom> {
        self.unusual.as_mut().and_then(|unusual| unusual.doom.take())
    }

    pub(super) fn take_terminators(&mut self) -> Vec<RequestId> {
        self.unusual.as_mut().map_or_else(Vec::new, |unusual| std::mem::take(&mut unusual.terminators))
    }

    /// When it is to be looked at.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let own = self.unusual.as_ref().and_then(|unusual| unusual.deadline());
        self.state.deadline().into_iter().chain(own).min()
    }
}
