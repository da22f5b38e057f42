//! What children did, in the order in which they did it, over all children that share the journal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::scripted::Script;
use crate::world::PATIENCE;

/// A shared list of lines such as `a#1 start`.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Mutex<Vec<String>>,
    written: Notify,
}

impl Journal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The script of a child that writes into this journal under `name`.
    #[must_use]
    pub fn script(&self, name: &'static str) -> Script {
        Script::new(name, self.clone())
    }

    /// Writes a line.
    pub fn note(&self, line: impl Into<String>) {
        self.lines().push(line.into());
        self.inner.written.notify_waiters();
    }

    /// Everything that was written since the last time, in order.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines())
    }

    /// Waits until a line was written, since the journal was last taken.
    ///
    /// # Panics
    ///
    /// When it is not written within [`PATIENCE`].
    pub async fn wait_for(&self, line: &str) {
        let waited = timeout(PATIENCE, async {
            loop {
                let mut written = std::pin::pin!(self.inner.written.notified());
                written.as_mut().enable();
                if self.lines().iter().any(|written| written == line) {
                    return;
                }
                written.await;
            }
        });
        assert!(waited.await.is_ok(), "nobody wrote {line:?}; there is {:#?}", self.lines());
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
