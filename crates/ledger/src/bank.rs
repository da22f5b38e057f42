//! Who grants leases: the ledger of this process, or something that several nodes share.
//!
//! # Contract
//!
//! Whoever implements [`LeaseBank`] promises what the ledger does, so that nothing else has to know how many nodes there are:
//!
//! - A lease is debited from its campaign, durably, before it is granted: `budget = spent + leased + free` over all nodes.
//! - No two leases have the same number, whichever node asked.
//! - Money comes back when it is given back, or when a lease has closed; never because a node went silent. Its bids may still
//!   bill.
//!
//! A caller that gets no answer does not know whether it was granted a lease, and asks for another; the one that was not heard
//! of comes back when it closes.
//!
//! # Never
//!
//! On the bid path: regions ask ahead, and bid from what they hold.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use money::Nanos;
use tembusu::Address;
use thiserror::Error;

use crate::{LeaseAsk, LeaseGrant, LeaseId, LeaseLeft, LeaseRefusal, LedgerMessage, Totals};

/// An answer that is waited for.
pub type BankAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BankError>> + Send + 'a>>;

/// The bank did not answer, or not in time. What was asked may have been done.
#[derive(Debug, Error)]
#[non_exhaustive]
#[error("no answer from who grants leases: {cause}; ask again")]
pub struct BankError {
    /// What happened instead.
    pub cause: String,
}

impl BankError {
    /// An error of one's own bank.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self { cause: cause.to_string() }
    }
}

/// Grants leases and takes them back.
///
/// # Cancel safety
///
/// An answer that is dropped may have been done: see the module.
pub trait LeaseBank: fmt::Debug + Send + Sync + 'static {
    /// Asks for money to bid with. It is durable when it is granted.
    fn lease(&self, ask: LeaseAsk) -> BankAnswer<'_, Result<LeaseGrant, LeaseRefusal>>;

    /// Gives back what a lease holds beyond `keep`, the sum of its bids that may still bill, and says how much that was.
    /// Repeating it takes back nothing more.
    fn give_back(&self, lease: LeaseId, keep: Nanos) -> BankAnswer<'_, Nanos>;

    /// The same of a lease that its region leaves: nobody bids with it or follows its bids any more. The rest comes back when
    /// the last of them can no longer bill; never before, whatever becomes of the region. A bank that keeps no such times may
    /// take it when the lease closes, which is what it does if it says nothing else.
    fn leave(&self, left: LeaseLeft) -> BankAnswer<'_, Nanos> {
        self.give_back(left.lease, left.keep)
    }

    /// What each campaign has spent, over all regions and nodes.
    fn totals(&self) -> BankAnswer<'_, Totals>;
}

/// The ledger of this process as a bank.
#[derive(Clone, Debug)]
pub struct LedgerBank {
    ledger: Address<LedgerMessage>,
    within: Duration,
}

impl LedgerBank {
    /// A bank over a ledger that is waited for at most so long.
    #[must_use]
    pub fn new(ledger: Address<LedgerMessage>, within: Duration) -> Self {
        Self { ledger, within }
    }
}

impl LeaseBank for LedgerBank {
    fn lease(&self, ask: LeaseAsk) -> BankAnswer<'_, Result<LeaseGrant, LeaseRefusal>> {
        Box::pin(async move {
            let answer = self.ledger.call(|reply| LedgerMessage::Lease { ask, reply }, self.within).await;
            answer.map_err(BankError::new)
        })
    }

    fn give_back(&self, lease: LeaseId, keep: Nanos) -> BankAnswer<'_, Nanos> {
        Box::pin(async move {
            let answer = self.ledger.call(|reply| LedgerMessage::ReturnLease { lease, keep, reply }, self.within).await;
            answer.map_err(BankError::new)
        })
    }

    fn leave(&self, left: LeaseLeft) -> BankAnswer<'_, Nanos> {
        Box::pin(async move {
            let answer = self.ledger.call(|reply| LedgerMessage::LeaveLease { left, reply }, self.within).await;
            answer.map_err(BankError::new)
        })
    }

    fn totals(&self) -> BankAnswer<'_, Totals> {
        Box::pin(async move {
            let answer = self.ledger.call(|reply| LedgerMessage::Totals { reply }, self.within).await;
            answer.map_err(BankError::new)
        })
    }
}
