//! Why a token does not open, and why a key file is refused.
//!
//! Never says anything of the key.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a token could not be sealed or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not of a token's form: wrong alphabet, length or version.
    #[error("token is not well-formed")]
    Malformed,
    /// Sealed with a key that this process does not hold.
    #[error("token was sealed with key {0}, which is neither the current nor the previous key")]
    UnknownKey(u8),
    /// The seal does not match: forged or damaged.
    #[error("token seal does not match: forged or damaged")]
    Forged,
    /// Authentic, but issued too long ago.
    #[error("token expired: issued at {issued_ms} ms")]
    Expired {
        /// When it was issued. Unix milliseconds.
        issued_ms: i64,
    },
    /// A name in the claims is longer than a token holds.
    #[error("{field} is {bytes} bytes long, a token holds at most 255: use a shorter name")]
    TooLong {
        /// Which name.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(#[source] io::Error),
}

/// Why a key file is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("token key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others than the owner can read or write the file.
    #[error("token key file {} has mode {mode:04o}: anyone who reads it can forge notices; run chmod 0600 on it and replace the keys if others had access", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is not `<id> <key>`.
    #[error("token key file {} line {line}: {reason}; a line is an id from 0 to 255, a space, and 32 bytes in base64url", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Neither one nor two keys.
    #[error("token key file {} holds {found} keys: it must hold the current one, and may hold the previous one below it", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// How many keys it holds.
        found: usize,
    },
}
