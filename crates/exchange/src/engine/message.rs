//! What one can say to an engine, or to whoever stands in for it.
//!
//! Requests are no messages: see [`Decide`](super::Decide).

/// The engine's one message type, shared with its stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineMessage {
    /// Scrub the payloads that were kept at a crash.
    TidyPayloads,
}
