//! Money on disk: leases, spend, notices, and the token that a notice carries.
//!
//! # Contract
//!
//! - **A budget belongs to the campaign.** Regions bid with durable leases that were debited before they were granted:
//!   `budget = spent + leased + free` on every event and on replay ([`Books`]): when a ledger is opened, up to a length
//!   of history, and whenever an operator asks ([`Audit::verify`]).
//! - **Money moves on billing**, once per token, at most the price that was bid. What names no price is recorded and
//!   not billed. A billing whose lease is closed is booked as late; none is dropped.
//! - **Durable before the answer** ([`Store`], [`Ledger`]): `acknowledged ⊆ ledger ⊆ sent`, whatever crashes.
//! - **Every event has a number**, in the ledger and in its region. A region starts from a [`RegionSnapshot`] taken at
//!   n, ignores events up to n, and fetches what it missed.
//! - **It lives for months**: old events are folded into balances that are carried forward ([`Store::fold`]), a few at a time.
//!   How long what is kept says [`Retention`].
//! - A notice brings all that is known of its bid in a sealed token ([`TokenKeys`]).
//!
//! # Failure
//!
//! A write or flush that fails crashes the [`Ledger`]; the next incarnation believes what is on disk and nothing else.
//! When its restarts are used up ([`supervisor`]) its address answers `Degraded`: notices get 503 and are sent again by
//! the exchange, bids stop when their leases end. A file that is damaged, of another version, or does not balance is
//! refused with advice and left as it is.
//!
//! # Never
//!
//! Floats; a notice that is answered before it is durable; a retry of a failed flush; repair of a damaged file.

#![warn(clippy::disallowed_methods)]

mod actor;
mod bank;
mod books;
mod campaign_word;
mod cap;
mod caps;
mod event;
mod figures;
mod id;
mod notice;
mod report;
mod store;
mod token;

pub use actor::{
    Clock, FOLD_ROWS_MAX, FORGET_ROWS_MAX, GROUP_MAX, LINGER, LINGER_MAX, Ledger, LedgerArgs, LedgerCrash,
    LedgerMessage, SWEEP_EVERY, Subscriber, Subscribers, Timer, chaos, supervisor,
};
pub use bank::{BankAnswer, BankError, LeaseBank, LedgerBank};
pub use books::{Account, Books, BooksError, LeaseAsk, LeaseGrant, LeaseLeft, LeaseRefusal, OpenLease};
pub use campaign_word::{BudgetTooLow, CampaignAction, CampaignEntry, CampaignWord, DefinitionSource, DefinitionText};
pub use cap::{CAP_SLOT_MS, CapCount, CapKey, CapSubject};
pub use caps::{CapAnswer, CapReader, CapStore, CapStoreError, LedgerCaps};
pub use event::{BidFacts, EventKind, Flags, LastBids, LeaseTerm, LedgerEvent};
pub use figures::{LedgerFigures, LedgerGauge, LedgerSize};
pub use id::{LeaseId, TokenId};
pub use notice::{Notice, NoticeAnswer, NoticeKind, Outcome, PriceSeen};
pub use report::{AccountTotals, DAY_MS, EVENTS_PAGE_MAX, EventPage, RegionSnapshot, Totals};
pub use store::{
    Audit, Billed, CampaignLine, Folding, LEASE_GRACE, LedgerCapReader, Retention, Store, StoreError, StoreOptions,
};
pub use token::{KeyFileError, OpenedToken, TOKEN_LIFE, TokenClaims, TokenError, TokenKeys};
