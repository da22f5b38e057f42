//! Calls that have waited for long: they are told at once when the handler that has their message turns out to be
//! stuck.
//!
//! The reply of such a call lies on the stuck thread's stack, where nobody can settle it, and a message carries
//! nothing that leads back to its caller: that would cost every call. So a caller makes itself known, when it has
//! waited for [`KNOWN_AFTER`], under the deadline of its call; and what the scope of an incarnation knows of the message
//! at hand is just that deadline. A call that is answered sooner never comes here.
//!
//! Two calls may have the same deadline. Nobody is told anything while another one with that deadline waits in the
//! queue: it would not be known whose message is at hand, and what waits is the next incarnation's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::exit::ExitReason;
use crate::panics;
use crate::scope::{Lost, Settle};

/// After how long a caller makes itself known: much longer than calls take, and not long for whoever waits for a stuck
/// handler, which is found out after two heartbeats (2 s unless set).
pub(crate) const KNOWN_AFTER: Duration = Duration::from_millis(100);

/// How many calls are remembered whose callers were not known when their handlers were given up. More than handlers
/// are stuck at a time, and each is forgotten when its caller comes.
const LATE_MAX: usize = 16;

/// The callers of one queue that have waited for long.
#[derive(Default)]
pub(crate) struct Callers {
    waiting: HashMap<u64, Caller>,
    late: Vec<GivenUp>,
}

struct Caller {
    deadline: Instant,
    call: Arc<dyn Settle>,
}

/// A call that was in the hands of an incarnation that was given up, before its caller was known.
struct GivenUp {
    deadline: Instant,
    at: Instant,
    reason: ExitReason,
}

/// Those who are to be told, when no lock is held any more.
#[must_use = "they wait"]
pub(crate) struct Told(Vec<Caller>);

impl Callers {
    /// Remembers a caller that has waited `since`, or says what has become of its call.
    pub(crate) fn know(
        &mut self,
        key: u64,
        since: Instant,
        deadline: Instant,
        call: Arc<dyn Settle>,
    ) -> Result<(), ExitReason> {
        // A later call may have the same deadline: its message is not the one that was given up.
        let own = |given_up: &GivenUp| given_up.deadline == deadline && since < given_up.at;
        if let Some(index) = self.late.iter().position(own) {
            return Err(self.late.swap_remove(index).reason);
        }
        self.waiting.insert(key, Caller { deadline, call });
        Ok(())
    }

    /// Forgets a caller, and returns what it was known by, to be dropped without a lock.
    pub(crate) fn forget(&mut self, key: u64) -> Option<Arc<dyn Settle>> {
        Some(self.waiting.remove(&key)?.call)
    }

    /// The call with that deadline was in the hands of an incarnation that is given up.
    pub(crate) fn give_up(&mut self, deadline: Instant, now: Instant, reason: &ExitReason) -> Told {
        let told: Vec<_> = self.waiting.extract_if(|_, caller| caller.deadline == deadline).map(|(_, it)| it).collect();
        if told.is_empty() && deadline > now {
            self.late.retain(|given_up| given_up.deadline > now);
            if self.late.len() < LATE_MAX {
                self.late.push(GivenUp { deadline, at: now, reason: reason.clone() });
            }
        }
        Told(told)
    }
}

impl Told {
    /// Tells them. They may have brought wakers of their own.
    pub(crate) fn tell(self, reason: &ExitReason) {
        for Caller { call, .. } in self.0 {
            panics::drop_quietly(panics::catch(move || call.settle(Lost::Died(reason.clone()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::mailbox::{Caller as Sent, Hand, Lane, Mailbox, Queue, Received};
    use crate::reply::Reply;

    const SECOND: Duration = Duration::from_secs(1);

    type Message = Reply<u8>;

    /// A queue of calls whose deadlines are `deadlines`, the first of which has been received; and what their callers
    /// hear when they have waited since `since` and that one's handler is given up.
    fn heard(since: Instant, known: bool, deadlines: &[Instant]) -> Vec<Option<ExitReason>> {
        let mailbox = Mailbox::<Message>::new("a".into());
        let token = mailbox.attach();
        let mut answers = Vec::new();
        for deadline in deadlines {
            let (reply, answer) = Reply::channel();
            let caller = Sent { deadline: *deadline, settle: None };
            assert!(matches!(mailbox.push(Lane::Ordinary, reply, Some(caller)), Ok(())));
            answers.push(answer);
        }
        let mut cx = Context::from_waker(Waker::noop());
        let mut at_hand = Hand::default();
        let received = mailbox.poll_receive(token, &mut cx, &mut at_hand);
        assert!(matches!(received, Poll::Ready(Received::Message)));
        let deadline = at_hand.deadline.expect("it is a call");
        let reason = ExitReason::Unresponsive;
        if !known {
            mailbox.give_up_call(deadline, &reason);
        }
        let make_known = |(answer, at): (&crate::reply::Answer<u8>, &Instant)| {
            let call = || answer.settle().expect("it waits");
            mailbox.lives().know(since, *at, call()).map_err(|reason| (reason, call()))
        };
        let made_known: Vec<_> = answers.iter().zip(deadlines).map(make_known).collect();
        if known {
            mailbox.give_up_call(deadline, &reason);
        }
        let hear = |(answer, known): (crate::reply::Answer<u8>, Result<_, (ExitReason, _)>)| {
            if let Err((reason, _)) = known {
                return Some(reason);
            }
            match std::pin::pin!(answer).as_mut().poll(&mut cx) {
                Poll::Ready(Err(Lost::Died(reason))) => Some(reason),
                _ => None,
            }
        };
        answers.into_iter().zip(made_known).map(hear).collect()
    }

    #[test]
    fn the_caller_of_the_message_at_hand_is_told_whether_it_was_known_by_then_or_not() {
        for known in [true, false] {
            let since = Instant::now();
            let heard = heard(since, known, &[since + SECOND, since + 2 * SECOND]);
            assert!(matches!(heard[..], [Some(ExitReason::Unresponsive), None]), "{known}: {heard:?}");
        }
    }

    #[test]
    fn nobody_is_told_while_a_message_with_the_same_deadline_waits() {
        for known in [true, false] {
            let since = Instant::now();
            let heard = heard(since, known, &[since + SECOND, since + SECOND]);
            assert!(matches!(heard[..], [None, None]), "{known}: {heard:?}");
        }
    }

    #[test]
    fn a_later_call_with_the_deadline_of_one_that_was_given_up_is_not_told() {
        let deadline = Instant::now() + SECOND;
        let later = Instant::now() + SECOND / 2;
        assert!(matches!(heard(later, false, &[deadline])[..], [None]));
    }
}
