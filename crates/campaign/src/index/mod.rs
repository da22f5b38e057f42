//! Which campaigns may bid on an imp, found without looking at each.
//!
//! For every value of a dimension (country, exchange, size, device, ...) a column has one bit a campaign; a request's
//! candidates are the AND of its columns, block by block, and only over blocks that are empty in none of them. What no column
//! tells is checked for those that are left. That is a *part*; [`Index`], an immutable snapshot, is a large part and a small one
//! of what has changed since, [`Want`](crate::Want) a request's side,
//! [`Candidate`] a campaign that fits, [`Scratch`] what a search writes on.

mod build;
mod candidate;
mod candidates;
mod columns;
mod dimension;
mod hits;
mod overlay;
mod rest;
mod scratch;
mod snapshot;
mod source;

pub use candidate::{Candidate, Condemned};
pub use candidates::Candidates;
pub use overlay::Index;
pub use scratch::Scratch;
pub(crate) use snapshot::Part;
pub(crate) use source::Source;
