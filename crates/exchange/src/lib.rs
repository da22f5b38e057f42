//! The sockets and the actors of one exchange.
pub mod sockets;
