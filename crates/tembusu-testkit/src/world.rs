//! Runtimes for tests: one with a clock that jumps, one with threads.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// How long anything here waits before it fails a test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `test` on one thread with a virtual clock, which jumps to the next deadline when nothing else is to do.
///
/// # Panics
///
/// When the runtime cannot be made, or `test` panics.
pub fn virtual_time<F: Future>(test: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(test)
}

/// Runs `test` on four threads with the real clock.
///
/// # Panics
///
/// When the runtime cannot be made, or `test` panics.
pub fn real_time<F: Future>(test: F) -> F::Output {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    let runtime = InBackground(Some(runtime));
    runtime.0.as_ref().expect("it is there until it is dropped").block_on(test)
}

/// Shut down without waiting, also when a test panics: a child that never yields would hold an ordinary shutdown up.
struct InBackground(Option<Runtime>);

impl Drop for InBackground {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs `test` with the virtual clock, then on four threads.
///
/// # Panics
///
/// When `test` panics on either.
pub fn on_both<F: Future>(test: impl Fn() -> F) {
    virtual_time(test());
    real_time(test());
}
