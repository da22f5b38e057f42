//! Decision to bytes: the response serializer, as a plain struct and as an actor.
//!
//! It writes what was decided and decides nothing.

mod actor;
mod write;

pub use actor::{ResponseSerializer, SerializerMessage, Written};
pub use write::Serializer;
