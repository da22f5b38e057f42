//! What an imp asks for.
//!
//! Promises the whole of what the index looks at. Never holds a user's data.

use crate::{Country, Size};

/// The side of the request in the search for candidates.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// Where the user is.
    pub country: Country,
    /// The exchange's name in the configuration.
    pub exchange: &'a str,
    /// The sizes that the slot takes, in the order of preference. Without one there is no candidate.
    pub sizes: &'a [Size],
    /// Whether the markup must load over HTTPS.
    pub secure: bool,
    /// When the request came, in unix milliseconds.
    pub now_ms: i64,
}
