//! What callers may do with an engine, or with whoever stands in for it, on their own threads.
//!
//! A call is no message: it runs to completion on the thread of the connection that it came by. A panic inside ends the
//! incarnation that published the view, never its caller.

use super::answer::EngineAnswer;
use crate::sockets::Framed;

/// The view that engines and stand-ins publish.
pub trait Decide: Send + Sync {
    /// Decides on one request.
    ///
    /// # Panics
    ///
    /// On what the engine did not foresee. An infrastructure failure is one too: there is no other way out of an inline call
    /// that is charged to its owner.
    fn decide(&self, request: &Framed) -> EngineAnswer;
}
