//! Admission: how many requests of one exchange may be in flight, and which are.
//!
//! The sockets own the connections; the pool owns what is allowed on them.

mod actor;
mod in_flight;
mod pace;

pub use actor::{ConnectionPool, PoolArgs, PoolMessage};
pub use in_flight::{InFlight, InFlightFigures, Ticket};
