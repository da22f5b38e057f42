//! Money on disk: leases, spend, notices, and the token that a notice carries.

mod books;
mod event;
mod id;
mod notice;
mod report;
mod store;
mod token;

pub use books::{Account, Books, BooksError, LeaseAsk, LeaseGrant, LeaseRefusal, OpenLease};
pub use event::{BidFacts, EventKind, Flags, LeaseTerm, LedgerEvent};
pub use id::{CapKey, LeaseId, TokenId};
pub use notice::{Notice, NoticeAnswer, NoticeKind, Outcome, PriceSeen};
pub use report::{AccountTotals, CapCount, EVENTS_PAGE_MAX, EventPage, RegionSnapshot, Totals};
pub use store::{Audit, Billed, Store, StoreError, StoreOptions};
pub use token::{KeyFileError, OpenedToken, TOKEN_LIFE, TokenClaims, TokenError, TokenKeys};
