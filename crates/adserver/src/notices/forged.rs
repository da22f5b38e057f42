//! Limits what forged notices cost, peer by peer.
//!
//! A peer has so many forged notices looked at in a second; what it sends beyond that is turned away unread until the
//! second is over. Who has sent a genuine notice is not limited: no exchange is turned away for a forger behind the
//! same address. What is remembered is bounded, however many addresses a forger has.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most peers remembered of each sort: about 100 KiB. Forgers are forgotten each second; one that finds no place is
/// not limited. When the genuine fill it they begin anew, each with its next notice.
const PEERS_MAX: usize = 4_096;

/// Counts forged notices by peer and second.
#[derive(Debug)]
pub(crate) struct ForgeryLimit {
    per_second_max: u32,
    started: Instant,
    peers: Mutex<Peers>,
}

#[derive(Debug, Default)]
struct Peers {
    /// Seconds since the start.
    second: u64,
    /// Forged notices in this second.
    forged: HashMap<IpAddr, u32>,
    genuine: HashSet<IpAddr>,
}

impl ForgeryLimit {
    pub(crate) fn new(per_second_max: u32) -> ForgeryLimit {
        ForgeryLimit { per_second_max, started: Instant::now(), peers: Mutex::default() }
    }

    /// Whether a notice of this peer is looked at.
    pub(crate) fn admits(&self, peer: IpAddr) -> bool {
        let peer = network(peer);
        let peers = self.peers_now();
        peers.genuine.contains(&peer) || peers.forged.get(&peer).is_none_or(|count| *count < self.per_second_max)
    }

    /// Takes note of a forged notice.
    pub(crate) fn forged(&self, peer: IpAddr) {
        let peer = network(peer);
        let mut peers = self.peers_now();
        if peers.forged.len() < PEERS_MAX || peers.forged.contains_key(&peer) {
            *peers.forged.entry(peer).or_default() += 1;
        }
    }

    /// Takes note of a genuine notice.
    pub(crate) fn genuine(&self, peer: IpAddr) {
        let mut peers = self.peers_now();
        if peers.genuine.len() == PEERS_MAX {
            peers.genuine.clear();
        }
        peers.genuine.insert(network(peer));
    }

    fn peers_now(&self) -> MutexGuard<'_, Peers> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.advance_to(self.started.elapsed().as_secs());
        peers
    }
}

impl Peers {
    fn advance_to(&mut self, second: u64) {
        if self.second < second {
            self.second = second;
            self.forged.clear();
        }
    }
}

/// Whom an address belongs to: in IPv6 a subscriber has 64 bits of addresses.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_forger_is_turned_away_until_the_second_is_over_and_nobody_else_is() {
        let limit = ForgeryLimit::new(2);
        let (forger, other) = (peer("203.0.113.1"), peer("203.0.113.2"));
        for _ in 0..2 {
            assert!(limit.admits(forger));
            limit.forged(forger);
        }
        assert!(!limit.admits(forger));
        assert!(limit.admits(other));
        limit.peers.lock().expect("not poisoned").advance_to(1);
        assert!(limit.admits(forger));
    }

    #[test]
    fn who_has_sent_a_genuine_notice_is_not_limited() {
        let limit = ForgeryLimit::new(1);
        let proxy = peer("203.0.113.1");
        limit.genuine(proxy);
        limit.forged(proxy);
        limit.forged(proxy);
        assert!(limit.admits(proxy));
    }

    #[test]
    fn the_addresses_of_one_ipv6_subscriber_are_one_peer() {
        let limit = ForgeryLimit::new(1);
        limit.forged(peer("2001:db8::1"));
        assert!(!limit.admits(peer("2001:db8::2")));
        assert!(limit.admits(peer("2001:db8:0:1::1")));
        limit.forged(peer("::ffff:203.0.113.1"));
        assert!(!limit.admits(peer("203.0.113.1")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let limit = ForgeryLimit::new(1);
        for n in 0..=u32::try_from(PEERS_MAX).expect("small") {
            limit.forged(IpAddr::V4(n.into()));
            limit.genuine(IpAddr::V4(n.into()));
        }
        let peers = limit.peers.lock().expect("not poisoned");
        assert_eq!((peers.forged.len(), peers.genuine.len()), (PEERS_MAX, 1));
    }
}
