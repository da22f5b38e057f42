//! Which campaigns may bid on an imp, found without looking at each.
//!
//! For every value of a dimension (country, exchange, size) a column has one bit a campaign; a request's candidates are the
//! AND of its columns. [`Index`] is an immutable snapshot, [`Want`] a request's side, [`Candidate`] a campaign that fits.

mod candidate;
mod candidates;
mod column;
mod snapshot;
mod source;
mod want;

pub use candidate::{Candidate, Condemned};
pub use candidates::Candidates;
pub use snapshot::Index;
pub(crate) use source::Source;
pub use want::Want;
