//! The time of day as a response's head says it.
//!
//! Promises a date that is a second old at most. Written once a second by each thread.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::fmt_http_date;
use tokio::time::Instant;

struct Written {
    text: String,
    /// When the second is over.
    until: Instant,
}

thread_local! {
    static WRITTEN: RefCell<Option<Written>> = const { RefCell::new(None) };
}

/// Hands out the date.
pub(super) fn with_date<R>(now: Instant, take: impl FnOnce(&str) -> R) -> R {
    WRITTEN.with_borrow_mut(|written| {
        let known = written.take_if(|written| now < written.until);
        take(&written.insert(known.unwrap_or_else(|| afresh(now))).text)
    })
}

#[cold]
fn afresh(now: Instant) -> Written {
    let wall = SystemTime::now();
    let into_second = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let left = Duration::from_secs(1) - Duration::from_nanos(into_second.into());
    Written { text: fmt_http_date(wall), until: now + left }
}
