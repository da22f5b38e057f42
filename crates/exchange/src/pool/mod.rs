//! Admission: how many requests of one exchange may be in flight, and which are.
//!
//! The sockets own the connections; the pool owns what is allowed on them: the contracted rate, what is shed under overload, and
//! the places in flight.

mod actor;
mod admission;
mod in_flight;
pub mod overload;
mod quota;

pub use actor::{ConnectionPool, PoolArgs, PoolMessage};
pub use admission::{Admission, AdmissionArgs};
pub use in_flight::{InFlight, InFlightFigures, Ticket};
pub use quota::Quota;
