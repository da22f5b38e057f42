//! The addresses that a system listens on: known once its sockets are open, whatever the
//! configuration left to the operating system.

use std::net::SocketAddr;

/// Where a system can be reached.
#[derive(Debug, Clone)]
pub struct Ports {
    /// Where bid requests arrive, in the order of the configuration.
    pub exchanges: Vec<ExchangeAddress>,
    /// The notices listener.
    pub notices: SocketAddr,
    /// The operators' API.
    pub admin: SocketAddr,
}

/// Where one exchange's bid requests arrive.
#[derive(Debug, Clone)]
pub struct ExchangeAddress {
    /// The exchange.
    pub name: String,
    /// Its listener.
    pub address: SocketAddr,
    /// The path of bid requests.
    pub path: String,
}

impl Ports {
    /// Finds one exchange.
    pub fn exchange(&self, name: &str) -> Option<&ExchangeAddress> {
        self.exchanges.iter().find(|exchange| exchange.name == name)
    }
}
