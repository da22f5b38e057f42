//! Binds an exchange's listener before anything else is started.
//!
//! The listener is a plain `std` one that the caller keeps: it outlives every incarnation of whoever accepts on it, so that a
//! crash refuses nobody. It never blocks and never hides why it could not bind.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait in the kernel to be accepted: a burst of reconnects of a whole exchange fits.
pub const BACKLOG: i32 = 4096;

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error("cannot listen on {address}: {source}; is another process bound to it, or the address not on this machine?")]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the operating system said.
    pub source: io::Error,
}

/// Binds `address` with a backlog of [`BACKLOG`] and hands back a non-blocking listener.
///
/// # Errors
///
/// [`BindError`] with the address and the operating system's reason.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    open(address).map_err(|source| BindError { address, source })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
