//! When a user was billed: a few moments, each with how often.
//!
//! Promises that a window never holds less than what was billed within it: where moments are put together, the later one
//! stands for both. Exact for as long as there are no more than [`MARKS_MAX`](crate::limits::MARKS_MAX) of them. Pure: the
//! time is an argument.

use crate::limits::MARKS_MAX;

const SECOND_MS: i64 = 1_000;

/// So many impressions, none of them later than that second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    until_s: u32,
    count: u32,
}

impl Mark {
    fn until_ms(self) -> i64 {
        i64::from(self.until_s) * SECOND_MS
    }
}

/// The impressions of one user, the earliest first. Most users have one, which costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct CapMarks {
    first: Mark,
    #[expect(
        clippy::box_collection,
        reason = "a third of a vector in each of a million entries, most of which have none"
    )]
    more: Option<Box<Vec<Mark>>>,
}

impl CapMarks {
    /// Each moment as a second, with how often; the earliest first.
    pub(crate) fn moments(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.iter().map(|mark| (mark.until_s, mark.count))
    }

    /// When the last impression was.
    pub(crate) fn newest_ms(&self) -> Option<i64> {
        self.iter().last().map(Mark::until_ms)
    }

    fn iter(&self) -> impl Iterator<Item = Mark> + '_ {
        let first = (self.first.count != 0).then_some(self.first);
        first.into_iter().chain(self.more.iter().flat_map(|more| more.iter().copied()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.count == 0
    }

    /// How many impressions there were in the window of this length that ends now, at most as many as that.
    pub(crate) fn within(&self, window_ms: i64, now_ms: i64) -> u32 {
        let recent = self.iter().filter(|mark| now_ms < mark.until_ms().saturating_add(window_ms));
        recent.fold(0, |sum, mark| sum.saturating_add(mark.count))
    }

    /// How many impressions are remembered.
    pub(crate) fn total(&self) -> u32 {
        self.iter().fold(0, |sum, mark| sum.saturating_add(mark.count))
    }

    /// Adds impressions that were not later than `until_ms`.
    pub(crate) fn add(&mut self, until_ms: i64, count: u32, memory_ms: i64) {
        let until_s = u32::try_from(until_ms.max(1).saturating_add(SECOND_MS - 1) / SECOND_MS).unwrap_or(u32::MAX);
        let mark = Mark { until_s, count };
        let last = self.more.as_mut().and_then(|more| more.last_mut()).unwrap_or(&mut self.first);
        if last.count == 0 {
            *last = mark;
        } else if until_s <= last.until_s {
            last.count = last.count.saturating_add(count);
        } else {
            let more = self.more.get_or_insert_default();
            more.push(mark);
            if MARKS_MAX <= more.len() {
                self.shorten(until_ms.saturating_sub(memory_ms));
            }
        }
    }

    /// Forgets impressions that were not later than `until_ms`.
    pub(crate) fn forget_until(&mut self, until_ms: i64) {
        if self.iter().next().is_none_or(|mark| until_ms < mark.until_ms()) {
            return;
        }
        let kept: Vec<Mark> = self.iter().filter(|mark| until_ms < mark.until_ms()).collect();
        self.keep(&kept);
    }

    /// Forgets what is too old, or else puts two neighbours together: those that are closest for their age.
    fn shorten(&mut self, forget_until_ms: i64) {
        self.forget_until(forget_until_ms);
        let mut marks: Vec<Mark> = self.iter().collect();
        let Some(newest) = marks.last().copied().filter(|_| MARKS_MAX < marks.len()) else { return };
        let cost = |at: usize| {
            let (older, later) = (marks[at], marks[at + 1]);
            let lost = u64::from(later.until_s - older.until_s) * u64::from(older.count);
            (lost << 16) / (u64::from(newest.until_s - older.until_s) + 1)
        };
        // The newest is left alone: the next one is about to be compared with it.
        if let Some(at) = (0..marks.len() - 2).min_by_key(|at| cost(*at)) {
            let older = marks.remove(at);
            marks[at].count = marks[at].count.saturating_add(older.count);
        }
        self.keep(&marks);
    }

    fn keep(&mut self, marks: &[Mark]) {
        self.first = marks.first().copied().unwrap_or_default();
        let rest = marks.get(1..).unwrap_or_default();
        self.more = (!rest.is_empty()).then(|| Box::new(rest.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY_MS: i64 = 86_400_000;

    #[test]
    fn a_window_holds_what_is_in_it_to_the_second() {
        let mut marks = CapMarks::default();
        marks.add(10_000, 1, MEMORY_MS);
        marks.add(10_500, 1, MEMORY_MS);
        marks.add(12_000, 2, MEMORY_MS);
        assert_eq!(marks.within(60_000, 12_000), 4);
        assert_eq!(marks.within(60_000, 70_000), 3, "exactly a window later the first is out of it");
        assert_eq!(marks.within(60_000, 70_999), 3, "10.5 s counts as 11 s");
        assert_eq!(marks.within(60_000, 71_000), 2);
        assert_eq!(marks.within(60_000, 72_000), 0);
        assert_eq!(marks.total(), 4);
        marks.forget_until(11_000);
        assert_eq!(marks.total(), 2);
        marks.forget_until(12_000);
        assert!(marks.is_empty());
    }

    /// Whatever is put together: a window never holds less than the truth, and nothing is lost.
    #[test]
    fn what_is_put_together_counts_as_later_and_never_as_less() {
        let mut marks = CapMarks::default();
        let mut truth = Vec::new();
        let mut now_ms = 1_000_000;
        for step in 0..500_i64 {
            now_ms += 1 + (step * 7_919) % 600_000;
            marks.add(now_ms, 1, MEMORY_MS);
            truth.push(now_ms);
            assert!(marks.iter().count() <= MARKS_MAX + 1);
            for window_ms in [60_000, 3_600_000, MEMORY_MS] {
                let within = truth.iter().filter(|at| now_ms < **at + window_ms).count();
                let counted = usize::try_from(marks.within(window_ms, now_ms)).unwrap();
                assert!(within <= counted, "{counted} of {within} in {window_ms} ms");
            }
        }
        assert!(marks.iter().zip(marks.iter().skip(1)).all(|(one, next)| one.until_s < next.until_s));
    }

    #[test]
    fn up_to_the_limit_every_window_is_exact() {
        let mut marks = CapMarks::default();
        for number in 0..MARKS_MAX as i64 {
            marks.add(number * 60_000 + 1_000, 1, MEMORY_MS);
        }
        let now_ms = MARKS_MAX as i64 * 60_000;
        for minutes in 1..MARKS_MAX as i64 {
            assert_eq!(i64::from(marks.within(minutes * 60_000, now_ms)), minutes);
        }
    }
}
