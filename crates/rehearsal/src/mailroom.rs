//! How notices come in: as at the notices' listener, without its sockets.
//!
//! Promises to say whether a notice was acknowledged. Never repeats one: that is the exchange's business.

use std::sync::Arc;
use std::time::Duration;

use exchange::{BILLING_PATH, LOSS_PATH, WIN_PATH};
use ledger::{Clock, LedgerMessage, Notice, NoticeKind, PriceSeen, TokenKeys};
use money::Cpm;
use tembusu::Address;

use crate::world::LetterKind;

/// How long a notice waits to be made durable, as the notices' listener has it.
pub(crate) const RECORD_WITHIN: Duration = Duration::from_secs(2);
/// Scheme and authority of the notices.
pub(crate) const NOTICE_BASE: &str = "https://n.example";

/// What a notice is sent with.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Which notice.
    pub kind: LetterKind,
    /// The token out of its URL.
    pub token: Arc<str>,
    /// The price that the exchange substitutes, in micros per thousand.
    pub price: i64,
}

/// Brings notices in, as the notices' listener does.
#[derive(Clone, Debug)]
pub struct Mailroom {
    pub(crate) ledger: Address<LedgerMessage>,
    pub(crate) token_keys: Arc<TokenKeys>,
    pub(crate) clock: Clock,
}

impl Mailroom {
    /// Delivers one notice; whether it was acknowledged (200). Otherwise the exchange repeats it.
    pub async fn deliver(&self, stamp: &Stamp) -> bool {
        let opened = self.token_keys.open(&stamp.token, self.clock.now_ms()).expect("the token is our own and not old");
        let kind = match stamp.kind {
            LetterKind::Win => NoticeKind::Win,
            LetterKind::Billing => NoticeKind::Billing,
            LetterKind::Loss => NoticeKind::Loss,
        };
        let price = PriceSeen::Price(Cpm(stamp.price));
        let notice = Box::new(Notice { kind, token: opened.id, claims: opened.claims, price });
        self.ledger.call(|reply| LedgerMessage::Notice { notice, reply }, RECORD_WITHIN).await.is_ok()
    }
}

/// The token in a notice's URL.
pub fn token_of(url: &str) -> Option<Arc<str>> {
    let rest = url.strip_prefix(NOTICE_BASE)?;
    let rest = [WIN_PATH, BILLING_PATH, LOSS_PATH].iter().find_map(|path| rest.strip_prefix(path))?;
    rest.split('?').next().map(Arc::from)
}
