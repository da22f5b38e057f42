//! Panics of supervised code: caught, described, and kept out of the process's panic output.
//!
//! The hook is installed with the first tree. Inside a supervised poll it only notes message, location and
//! instant; elsewhere it delegates to the hook that was there before.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe, Location, PanicHookInfo};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};
use std::time::Instant;

use crate::exit::ExitReason;

thread_local! {
    static SUPERVISED: Cell<bool> = const { Cell::new(false) };
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
    /// The place of this thread's last panic: a crash loop panics at one place, and its text is made once.
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

struct Place {
    file: String,
    line: u32,
    column: u32,
    text: Arc<str>,
}

impl Place {
    fn is(&self, location: &Location<'_>) -> bool {
        self.line == location.line() && self.column == location.column() && self.file == location.file()
    }
}

/// `file:line:column`.
fn describe_place(location: &Location<'_>) -> Arc<str> {
    let known =
        PLACE.try_with(|place| Some(Arc::clone(&place.borrow().as_ref().filter(|place| place.is(location))?.text)));
    if let Ok(Some(text)) = known {
        return text;
    }
    let text: Arc<str> = location.to_string().into();
    let (file, line, column) = (location.file().to_owned(), location.line(), location.column());
    let place = Place { file, line, column, text: Arc::clone(&text) };
    let _ = PLACE.try_with(|last| last.replace(Some(place)));
    text
}

struct Noted {
    location: Arc<str>,
    at: Instant,
}

/// A caught panic.
pub(crate) struct Caught {
    pub(crate) reason: ExitReason,
    /// When the panic was raised, if the hook saw it.
    pub(crate) raised: Option<Instant>,
    /// When the unwinding had ended.
    pub(crate) caught: Instant,
}

/// Installs the hook, once for the process.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if SUPERVISED.try_with(Cell::get).unwrap_or(false) {
                note(info);
            } else {
                previous(info);
            }
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let at = Instant::now();
    let location = info.location().map_or_else(|| "unknown".into(), describe_place);
    let _ = NOTED.try_with(|noted| noted.replace(Some(Noted { location, at })));
}

/// Runs `f` and catches its panic.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Caught> {
    let outer = SUPERVISED.replace(true);
    // The state that a panic may have left torn is dropped, never used again.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    let result = result.map_err(|payload| describe(payload, Instant::now()));
    SUPERVISED.set(outer);
    result
}

/// Awaits `future` where it is, and catches the panic of a poll. By reference: it is part of what every idle actor
/// occupies, and must not be there twice.
pub(crate) fn catch_async<F: Future>(future: Pin<&mut F>) -> Catching<'_, F> {
    Catching(future)
}

/// See [`catch_async`].
pub(crate) struct Catching<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for Catching<'_, F> {
    type Output = Result<F::Output, Caught>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_poll(self.0.as_mut(), cx) {
            Ok(poll) => poll.map(Ok),
            Err(caught) => Poll::Ready(Err(caught)),
        }
    }
}

/// Polls and catches, in a frame of its own: an unwinding walks through the table of each frame that it passes, twice,
/// up to the one that catches. That of an actor's whole life is long, and this one is short.
#[inline(never)]
fn catch_poll<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Result<Poll<F::Output>, Caught> {
    catch(|| future.poll(cx))
}

/// Drops a value that may panic when it is dropped. Returns whether it did.
pub(crate) fn drop_quietly<T>(value: T) -> bool {
    if !std::mem::needs_drop::<T>() {
        return false;
    }
    catch(move || drop(value)).is_err()
}

/// How many payloads that panic when they are dropped may follow one another; what comes then is leaked.
const PAYLOADS_MAX: u32 = 8;

/// Drops a payload, which may panic, whose payload may panic, and so on.
fn drop_payload(mut payload: Box<dyn Any + Send>) {
    for _ in 0..PAYLOADS_MAX {
        let Err(next) = panic::catch_unwind(AssertUnwindSafe(move || drop(payload))) else { return };
        payload = next;
    }
    std::mem::forget(payload);
}

fn describe(payload: Box<dyn Any + Send>, caught: Instant) -> Caught {
    let message: Arc<str> = if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).into()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.as_str().into()
    } else {
        "a panic whose payload is no text".into()
    };
    let noted = NOTED.try_with(RefCell::take).ok().flatten();
    drop_payload(payload);
    let _ = NOTED.try_with(RefCell::take);
    let (location, raised) = noted.map_or((None, None), |noted| (Some(noted.location), Some(noted.at)));
    Caught { reason: ExitReason::Panic { message, location }, raised, caught }
}
