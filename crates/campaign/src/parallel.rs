//! The same for many, on as many threads as there are processors.
//!
//! Promises the results in the order of the items, and the caller's panic if one of them panics. For work that takes a while
//! and waits for nobody: never on the bid path, never for a handful.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many items are one thread's: what starting another costs is paid back many times by more.
const ITEMS_PER_THREAD_MIN: usize = 256;
/// Items that a thread takes at a time: about a millisecond.
const PORTION: usize = 64;
/// More threads than this do not help: what follows is one thread's.
const THREADS_MAX: usize = 8;

/// Does something to each item.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    map_on(threads.min(items.len() / ITEMS_PER_THREAD_MIN), items, each)
}

fn map_on<T: Sync, R: Send>(threads: usize, items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads < 2 {
        return items.iter().map(each).collect();
    }
    let (portions, next) = (items.chunks(PORTION), AtomicUsize::new(0));
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(portion) = portions.clone().nth(at) else { return done };
            done.push((at, portion.iter().map(&each).collect::<Vec<R>>()));
        }
    };
    let mut done: Vec<(usize, Vec<R>)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_whoever_does_what() {
        for (threads, count) in [(0, 10), (1, 10), (2, 0), (2, 63), (2, 64), (3, 1_000), (8, 65)] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map_on(threads, &items, |item| item * 2), doubled, "{count} on {threads}");
        }
    }

    #[test]
    #[should_panic(expected = "item 700")]
    fn a_panic_is_the_callers() {
        let items: Vec<usize> = (0..1_000).collect();
        map_on(3, &items, |item| assert!(*item != 700, "item {item}"));
    }
}
