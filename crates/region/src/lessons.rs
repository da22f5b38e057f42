//! What bids that have ended may still teach.
//!
//! Some exchanges tell what would have won only with a later request, when the bid was billed or lost long ago. Promises
//! bounded memory: the latest bids that ended untold. Never money.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use ledger::TokenId;

use crate::shading::Lesson;

/// Bids that are remembered: some seconds of a busy region, half a megabyte.
const LESSONS_MAX: usize = 8_192;

/// The lessons of bids that have ended.
#[derive(Debug, Default)]
pub(crate) struct Lessons {
    lessons: HashMap<TokenId, Lesson, RandomState>,
    /// The oldest first. Those that were told since stand here still.
    order: VecDeque<TokenId>,
}

impl Lessons {
    /// A bid has ended and was not told of.
    pub(crate) fn keep(&mut self, bid: TokenId, lesson: Lesson) {
        if self.order.len() == LESSONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.lessons.remove(&oldest);
        }
        self.order.push_back(bid);
        self.lessons.insert(bid, lesson);
    }

    /// Takes what a bid may teach: once.
    pub(crate) fn take(&mut self, bid: TokenId) -> Option<Lesson> {
        self.lessons.remove(&bid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::Format;
    use crate::shading::Segment;

    #[test]
    fn the_latest_are_kept_and_each_teaches_once() {
        let lesson = Lesson { segment: Segment::of("google_adx", Format::Web, (300, 250), 0), full_price: true };
        let bid = |number: usize| {
            let mut token = [0; TokenId::BYTES];
            token[..8].copy_from_slice(&(number as u64).to_be_bytes());
            TokenId(token)
        };
        let mut lessons = Lessons::default();
        (0..=LESSONS_MAX).for_each(|number| lessons.keep(bid(number), lesson));
        assert_eq!(lessons.take(bid(0)), None, "the oldest had to go");
        assert_eq!(lessons.take(bid(1)), Some(lesson));
        assert_eq!(lessons.take(bid(1)), None);
        (0..LESSONS_MAX).for_each(|number| lessons.keep(bid(LESSONS_MAX + 1 + number), lesson));
        assert_eq!((lessons.lessons.len(), lessons.order.len()), (LESSONS_MAX, LESSONS_MAX));
    }
}
