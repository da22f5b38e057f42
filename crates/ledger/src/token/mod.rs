//! The token that each notice URL carries: what was bid, sealed.
//!
//! Promises: a token made by a holder of the key opens for every holder of the key, on any machine and after any
//! restart; to others it is noise; one changed bit and it does not open. A token says all that the ledger needs, so
//! that a notice needs no memory of the bid.
//!
//! Never: the price that the exchange substitutes. That lies outside, and is limited by the bid inside.
//!
//! Form: base64url without padding of `version (1) · key id (1) · nonce (24) · sealed claims · tag (16)`, sealed with
//! XChaCha20-Poly1305, version and key id authenticated. The nonce is the issue time in milliseconds (6 bytes) and
//! 18 random bytes; its first 16 bytes are the [`TokenId`](crate::TokenId).
//!
//! Two keys open, one seals: the current key, and the previous one until tokens made with it have expired. They
//! come from a [key file](TokenKeys::load) that nobody but its owner can read.

mod claims;
mod error;
mod key_file;
mod keys;
mod nonces;

pub use claims::TokenClaims;
pub use error::{KeyFileError, TokenError};
pub use keys::{OpenedToken, TOKEN_LIFE, TokenKeys};
