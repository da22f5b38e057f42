//! Keeps the last payloads that crashed an engine, scrubbed.
//!
//! It never grows past [`KEPT_MAX`] payloads of [`PAYLOAD_BYTES_MAX`] bytes, and never hands out one unscrubbed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::scrub;

/// Payloads kept; with more crashes than that, the first ones have been seen.
pub const KEPT_MAX: usize = 16;

/// Bytes kept of each, from its beginning.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// One payload that crashed an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPayload {
    /// The engine's path in the tree: with `incarnation`, the key of the crash event that it belongs to.
    pub path: Arc<str>,
    /// The incarnation that died of it.
    pub incarnation: u64,
    /// When that was noticed.
    pub at: SystemTime,
    /// Length of the original in bytes.
    pub bytes: usize,
    /// The payload without ids and addresses, cut at [`PAYLOAD_BYTES_MAX`].
    pub text: Arc<str>,
}

/// Shared by the engines' incarnations, their stand-in, and whoever shows the payloads.
#[derive(Clone, Debug, Default)]
pub struct PayloadKeeper(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    raw: VecDeque<Raw>,
    scrubbed: VecDeque<KeptPayload>,
}

#[derive(Debug)]
struct Raw {
    path: Arc<str>,
    incarnation: u64,
    at: SystemTime,
    body: Bytes,
}

impl PayloadKeeper {
    /// A keeper without payloads.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a payload as it is, which an incarnation of the engine at `path` dies of. Cheap enough for a crash;
    /// [`tidy`](Self::tidy) scrubs it.
    pub fn keep(&self, path: &Arc<str>, incarnation: u64, body: &Bytes) {
        let mut kept = self.kept();
        if kept.raw.len() == KEPT_MAX {
            kept.raw.pop_front();
        }
        let at = SystemTime::now();
        kept.raw.push_back(Raw { path: Arc::clone(path), incarnation, at, body: body.clone() });
    }

    /// Whether there is something to scrub.
    #[must_use]
    pub fn is_untidy(&self) -> bool {
        !self.kept().raw.is_empty()
    }

    /// Scrubs what has been kept since the last time.
    pub fn tidy(&self) {
        let mut kept = self.kept();
        let Kept { raw, scrubbed } = &mut *kept;
        for Raw { path, incarnation, at, body } in raw.drain(..) {
            let text = scrub(&body[..body.len().min(PAYLOAD_BYTES_MAX)]).into();
            if scrubbed.len() == KEPT_MAX {
                scrubbed.pop_front();
            }
            scrubbed.push_back(KeptPayload { path, incarnation, at, bytes: body.len(), text });
        }
    }

    /// The payloads, oldest first.
    #[must_use]
    pub fn payloads(&self) -> Vec<KeptPayload> {
        self.tidy();
        self.kept().scrubbed.iter().cloned().collect()
    }
}
