//! Sends notices and keeps the record.
//!
//! Promises: recorded before sent; sent until acknowledged, refused or out of attempts; a sending whose outcome is
//! unknown counts as sent and unacknowledged. Dropping the desk ends its connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::spool::Spool;
use super::{Notice, NoticeMethod, NoticePolicy, NoticeState, Record};
use crate::Dice;
use crate::client::{Connection, Endpoint, SendError};

/// Longest wait for a connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// How often [`NoticeDesk::settle`] looks.
const SETTLE_LOOK: Duration = Duration::from_millis(2);

/// The sender of notices.
#[derive(Debug)]
pub struct NoticeDesk {
    shared: Arc<Shared>,
    _senders: JoinSet<()>,
}

/// What puts notices on the desk. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Inbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    policy: NoticePolicy,
    record: Record,
    spool: Spool,
}

impl NoticeDesk {
    /// Starts the senders.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(policy: NoticePolicy, seed: u64) -> Self {
        let shared = Arc::new(Shared { policy, record: Record::new(), spool: Spool::default() });
        let mut senders = JoinSet::new();
        for position in 0..shared.policy.connections.max(1) as u64 {
            let sender = Sender { shared: shared.clone(), connection: None, dice: Dice::derive(seed, position) };
            senders.spawn(sender.run());
        }
        Self { shared, _senders: senders }
    }

    /// Returns the record.
    pub fn record(&self) -> Record {
        self.shared.record.clone()
    }

    /// Records a notice and sends it when it is due.
    pub fn post(&self, notice: Notice, due: Instant) {
        self.inbox().post(notice, due);
    }

    /// Waits until no notice waits or is in hand; says whether that came in time.
    ///
    /// Notices may be left unacknowledged: see [`Record::is_settled`].
    pub async fn settle(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        while !self.shared.spool.is_idle() {
            if end <= Instant::now() {
                return false;
            }
            sleep(SETTLE_LOOK).await;
        }
        true
    }

    /// Puts every notice that is neither acknowledged nor refused back into the queue, with all its attempts again.
    ///
    /// Call it when nothing is in hand ([`settle`](Self::settle)). `address` is where the server is now, if it moved.
    pub fn repeat_unacknowledged(&self, address: Option<SocketAddr>) -> usize {
        let open = self.shared.record.open_ids();
        let now = Instant::now();
        for id in &open {
            if let Some(address) = address {
                self.shared.record.redirect(*id, address);
            }
            self.inbox().put(*id, now);
        }
        open.len()
    }

    pub(crate) fn inbox(&self) -> Inbox {
        Inbox(self.shared.clone())
    }
}

impl Inbox {
    pub(crate) fn policy(&self) -> &NoticePolicy {
        &self.0.policy
    }

    pub(crate) fn post(&self, notice: Notice, due: Instant) {
        let id = self.0.record.add(notice);
        self.put(id, due);
    }

    fn put(&self, id: u64, due: Instant) {
        if !self.0.spool.put(due, id) {
            self.0.record.count(|totals| totals.overflowed += 1);
        }
    }
}

struct Sender {
    shared: Arc<Shared>,
    connection: Option<(SocketAddr, Connection)>,
    dice: Dice,
}

/// What an attempt led to.
enum Attempt {
    Settled,
    Again,
}

impl Sender {
    async fn run(mut self) {
        loop {
            let id = self.shared.spool.next().await;
            if let Some(recorded) = self.shared.record.get(id)
                && matches!(self.attempt(id, &recorded.notice).await, Attempt::Again)
            {
                // One more than before this attempt; attempts are counted over a round of repetition.
                let rounds = (recorded.attempts + 1) % self.shared.policy.attempts_max.max(1);
                let is_open = matches!(recorded.state, NoticeState::Queued | NoticeState::Unacknowledged);
                if is_open && rounds != 0 {
                    Inbox(self.shared.clone()).put(id, Instant::now() + self.shared.policy.retry_after);
                }
            }
            self.shared.spool.done();
        }
    }

    async fn attempt(&mut self, id: u64, notice: &Notice) -> Attempt {
        let Ok(answer) = self.send(id, notice).await else { return Attempt::Again };
        let policy = &self.shared.policy;
        match answer {
            200..300 if self.dice.chance(policy.lose_ack_per_mille) => Attempt::Again,
            200..300 => {
                self.shared.record.answered(id, answer);
                if self.dice.chance(policy.duplicate_per_mille) {
                    let _ = self.send(id, notice).await;
                }
                Attempt::Settled
            }
            408 | 429 | 500.. => Attempt::Again,
            refused => {
                self.shared.record.answered(id, refused);
                Attempt::Settled
            }
        }
    }

    /// Sends once, on a new connection if the one at hand is gone; the error says only that nobody knows.
    async fn send(&mut self, id: u64, notice: &Notice) -> Result<u16, ()> {
        let address = notice.destination.address;
        let endpoint = Endpoint::new(address, notice.destination.path.clone());
        let method = match notice.method {
            NoticeMethod::Get => Method::GET,
            NoticeMethod::Post => Method::POST,
        };
        if self.connection.as_ref().is_some_and(|(connected, _)| *connected != address) {
            self.connection = None;
        }
        if let Some((_, connection)) = &mut self.connection
            && connection.is_closed().await
        {
            self.connection = None;
            self.shared.record.count(|totals| totals.closed_by_server += 1);
        }
        let mut connection = match self.connection.take() {
            Some((_, connection)) => connection,
            None => match Connection::connect(address, CONNECT_WITHIN).await {
                Ok(connection) => connection,
                Err(_) => {
                    self.shared.record.count(|totals| totals.connects_failed += 1);
                    // The notice has used up an attempt, though no byte of it was sent.
                    self.shared.record.missed(id);
                    return Err(());
                }
            },
        };
        self.shared.record.sending(id);
        let request = endpoint.request(method, endpoint.path.clone(), Bytes::new());
        match connection.send(request, self.shared.policy.answer_within).await {
            Ok(answer) => {
                self.connection = Some((address, connection));
                Ok(answer.status.as_u16())
            }
            Err(error) => {
                if !matches!(error, SendError::TimedOut) {
                    self.shared.record.count(|totals| totals.closed_by_server += 1);
                }
                Err(())
            }
        }
    }
}
