//! What one can say to an engine, or to whoever stands in for it.

use tembusu::Reply;

use super::answer::EngineAnswer;
use crate::sockets::Framed;

/// The engine's one message type, shared with its stand-in.
#[derive(Debug)]
pub enum EngineMessage {
    /// Decide on a request. The call's deadline is the request's.
    Decide {
        /// The request.
        request: Framed,
        /// Answered once, or settled by the crash.
        reply: Reply<EngineAnswer>,
    },
    /// Scrub the payloads that were kept at a restart.
    TidyPayloads,
}
