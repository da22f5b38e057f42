//! What the operating system must give before the tree is wired: sockets, keys, secrets.
//!
//! Opened first and kept outside of the tree, so that no crash closes a socket or loses a key.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;

use exchange::sockets::bind;
use ledger::TokenKeys;
use openrtb::price::PriceCodec;
use region::CapKeys;
use socket2::SockRef;

use super::cap_secret::CapSecretFile;
use super::error::SystemError;
use super::ports::{ExchangeAddress, Ports};
use crate::config::AdserverConfig;

/// Opened sockets and keys.
pub(super) struct Parts {
    /// In the order of the configuration.
    pub(super) exchanges: Vec<Arc<TcpListener>>,
    pub(super) notices: Arc<TcpListener>,
    pub(super) admin: Arc<TcpListener>,
    pub(super) ports: Ports,
    pub(super) token_keys: TokenKeys,
    pub(super) cap_keys: CapKeys,
    pub(super) price_codecs: HashMap<String, PriceCodec>,
}

impl Parts {
    pub(super) fn open(config: &AdserverConfig, cap_secret: &CapSecretFile) -> Result<Parts, SystemError> {
        let price_codecs = config
            .exchanges
            .iter()
            .map(|exchange| Ok((exchange.name.clone(), exchange.read_price_codec()?)))
            .collect::<Result<_, SystemError>>()?;
        let token_keys = TokenKeys::load_or_create(&config.ledger.key_file)?.with_life(config.notices.token_ttl);
        let (notices, notices_address) = open(config.notices.listen)?;
        let (admin, admin_address) = open(config.admin.listen)?;
        let mut exchanges = Vec::new();
        let mut addresses = Vec::new();
        for exchange in &config.exchanges {
            let (socket, address) = open(exchange.listen)?;
            exchanges.push(socket);
            addresses.push(ExchangeAddress { name: exchange.name.clone(), address, path: exchange.path.clone() });
        }
        let ports = Ports { exchanges: addresses, notices: notices_address, admin: admin_address };
        Ok(Parts { exchanges, notices, admin, ports, token_keys, cap_keys: cap_secret.keys(), price_codecs })
    }

    /// The listening sockets, to be closed at the end.
    pub(super) fn listeners(&self) -> Listeners {
        Listeners { exchanges: self.exchanges.clone(), others: vec![self.notices.clone(), self.admin.clone()] }
    }
}

/// All listening sockets. Dropping them ends listening, whoever else holds them: the arguments of children do,
/// for as long as there is a handle to the tree.
#[derive(Debug)]
pub(super) struct Listeners {
    exchanges: Vec<Arc<TcpListener>>,
    others: Vec<Arc<TcpListener>>,
}

impl Listeners {
    /// Ends listening for bid requests.
    pub(super) fn close_exchanges(&self) {
        self.exchanges.iter().for_each(|listener| close(listener));
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.exchanges.iter().chain(&self.others).for_each(|listener| close(listener));
    }
}

fn close(listener: &TcpListener) {
    if let Err(error) = SockRef::from(listener).shutdown(Shutdown::Both) {
        // Closed before, as in a drain.
        tracing::trace!(%error, "a listening socket was closed already");
    }
}

fn open(address: SocketAddr) -> Result<(Arc<TcpListener>, SocketAddr), SystemError> {
    let socket = bind(address)?;
    let address = socket.local_addr().map_err(SystemError::Address)?;
    Ok((Arc::new(socket), address))
}
