//! What the service manager is told: ready, alive, draining. Without one, nothing happens.
//!
//! A lost notification is never an error of ours: the service manager acts on silence.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells that the start has completed.
pub(crate) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells that the process lives. Due every [`watchdog_interval`].
pub(crate) fn alive(status: &str) {
    notify(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

/// Tells that the process drains.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Returns how often [`alive`] is due: half of what the service manager waits. `None` if it does not.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not reached");
    }
}
