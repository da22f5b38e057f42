//! The identities that money goes by.
//!
//! Promises distinct types, so that one cannot be passed for another. Never says whether the thing exists.

use std::fmt;

/// Identifies a lease; given out by the ledger, 1 upwards, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseId(pub u64);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Identifies a token, and with it the bid that the token was made for.
///
/// The first 16 bytes of the token's nonce: 48 bits of time, so that a database index grows at its end, then 80
/// random bits. The token's seal binds it to the claims, so that nobody can give other claims the same identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(pub [u8; TokenId::BYTES]);

impl TokenId {
    /// Length in bytes.
    pub const BYTES: usize = 16;
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

pub(crate) fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
