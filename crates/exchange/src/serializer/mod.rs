//! Decision to bytes: the response serializer, as a plain struct and as an actor.
//!
//! It writes what was decided and decides nothing. [`ResponseSerializer`] publishes [`Serializer`] as its view.

mod actor;
mod write;

pub use actor::{ResponseSerializer, SerializerArgs, SerializerMessage};
pub use write::Serializer;
