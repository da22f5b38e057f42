//! The random part of tokens, asked of the operating system for many tokens at a time.
//!
//! Promises that no bytes are given out twice, by whatever thread. Never shares them between threads: each has its own store,
//! so that nobody waits for another.

use std::cell::Cell;

use super::TokenError;
use super::keys::random;

/// Random bytes of one token's nonce.
pub(super) const RANDOM_BYTES: usize = 18;

/// Tokens for which the system is asked at once: a call of it costs as much as a few hundred bytes of what it gives.
const TOKENS: usize = 32;

struct Store {
    bytes: [u8; RANDOM_BYTES * TOKENS],
    /// How many bytes at the front have not been given out.
    left: usize,
}

thread_local! {
    static STORE: Cell<Option<Box<Store>>> = const { Cell::new(None) };
}

/// Gives each caller other bytes.
///
/// # Errors
/// [`TokenError::Random`]; the store is then empty, and the next call asks again.
pub(super) fn fresh() -> Result<[u8; RANDOM_BYTES], TokenError> {
    let mut store = STORE.take().unwrap_or_else(|| Box::new(Store { bytes: [0; RANDOM_BYTES * TOKENS], left: 0 }));
    if store.left == 0 {
        random(&mut store.bytes)?;
        store.left = store.bytes.len();
    }
    store.left -= RANDOM_BYTES;
    let given = &mut store.bytes[store.left..][..RANDOM_BYTES];
    let mut bytes = [0; RANDOM_BYTES];
    bytes.swap_with_slice(given);
    STORE.set(Some(store));
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_thread_gets_bytes_that_any_got_before() {
        let some = || (0..TOKENS * 3 + 1).map(|_| fresh().expect("the system gives bytes")).collect::<Vec<_>>();
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(some)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
        });
        let different: HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(!different.contains(&[0; RANDOM_BYTES]), "what was given out is wiped, and not given out again");
    }
}
