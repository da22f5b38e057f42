//! What a supervisor lets go of is dropped when its thread is through with the supervisor.
//!
//! Arguments, messages and errors are a user's, and so is their `Drop`, which may be slow, or wait for something. The
//! thread that runs a supervisor's core keeps everybody else from it meanwhile. So such things go into a bin of the
//! thread, which is emptied when no core is run by it any more. What has to come after them, such as an operator's
//! answer, goes the same way: whoever has it finds them gone.

use std::cell::{Cell, RefCell};

use tokio::runtime::Handle;

use crate::exit::ExitReason;
use crate::panics;
use crate::poll;
use crate::shell::member::Member;

/// For how many things a thread keeps the memory.
const ROOM_KEPT: usize = 64;

/// Something that may be the last reference to what is a user's, or that comes after such.
enum Left {
    Reason(ExitReason),
    Member(Member),
    Act(Box<dyn FnOnce() + Send>),
}

impl Left {
    fn go(self) {
        match self {
            Self::Reason(reason) => drop(panics::drop_quietly(reason)),
            Self::Member(member) => drop(panics::drop_quietly(member)),
            Self::Act(act) => drop(panics::drop_quietly(panics::catch(act))),
        }
    }
}

/// Tells threads apart that live at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadMark(usize);

/// The mark of this thread.
pub(crate) fn this_thread() -> ThreadMark {
    ThreadMark(BIN.try_with(|bin| std::ptr::from_ref(bin).addr()).unwrap_or_default())
}

struct Bin {
    /// How many cores this thread runs, one because of the other.
    runs: Cell<u32>,
    /// One of them has taken events of others along.
    is_for_others: Cell<bool>,
    left: RefCell<Vec<Left>>,
}

thread_local! {
    static BIN: Bin = const { Bin { runs: Cell::new(0), is_for_others: Cell::new(false), left: RefCell::new(Vec::new()) } };
}

/// Drops a reason when no core is run by this thread.
pub(crate) fn drop_reason(reason: ExitReason) {
    put(Left::Reason(reason));
}

/// Drops a child with its arguments when no core is run by this thread.
pub(crate) fn drop_member(member: Member) {
    put(Left::Member(member));
}

/// Drops what may be a user's when no core is run by this thread.
pub(crate) fn drop_value<T: Send + 'static>(value: T) {
    if is_running() {
        put(Left::Act(Box::new(move || drop(value))));
    } else {
        panics::drop_quietly(value);
    }
}

/// Does something when no core is run by this thread. A panic of it goes no further.
pub(crate) fn act(act: impl FnOnce() + Send + 'static) {
    if is_running() {
        put(Left::Act(Box::new(act)));
    } else {
        panics::drop_quietly(panics::catch(act));
    }
}

/// Does something when all that was let go of before is gone: now, when there is nothing. A panic of it goes no further.
pub(crate) fn afterwards(then: impl FnOnce() + Send + 'static) {
    if BIN.try_with(|bin| bin.left.borrow().is_empty()).unwrap_or(true) {
        panics::drop_quietly(panics::catch(then));
    } else {
        act(then);
    }
}

fn is_running() -> bool {
    BIN.try_with(|bin| bin.runs.get() > 0).unwrap_or(false)
}

fn put(left: Left) {
    if is_running() {
        BIN.with(|bin| bin.left.borrow_mut().push(left));
    } else {
        left.go();
    }
}

/// A core is being run by this thread.
#[must_use = "the bin is emptied at its end"]
pub(crate) struct Running(());

impl Running {
    pub(crate) fn begin() -> Self {
        let _ = BIN.try_with(|bin| bin.runs.set(bin.runs.get() + 1));
        Self(())
    }

    /// Others can run the core again. What was let go of is dropped: here, or on a thread of `elsewhere` when it may be
    /// that of others, whose events this thread has taken along, while it is inside the poll of a child that has
    /// nothing to do with it.
    pub(crate) fn end(self, for_others: bool, elsewhere: &Handle) {
        let emptied = BIN.try_with(|bin| {
            let for_others = bin.is_for_others.get() || for_others;
            let is_last = bin.runs.replace(bin.runs.get() - 1) == 1;
            bin.is_for_others.set(for_others && !is_last);
            (is_last && !bin.left.borrow().is_empty()).then(|| (Emptied(bin.left.take()), for_others))
        });
        match emptied {
            Ok(Some((emptied, true))) if poll::is_in_poll() => {
                // A runtime that is shutting down drops it at once.
                drop(elsewhere.spawn_blocking(move || drop(emptied)));
            }
            Ok(Some((emptied, _))) => drop(emptied),
            _ => {}
        }
    }
}

struct Emptied(Vec<Left>);

impl Drop for Emptied {
    fn drop(&mut self) {
        for left in self.0.drain(..) {
            left.go();
        }
        if self.0.capacity() > ROOM_KEPT {
            return;
        }
        let _ = BIN.try_with(|bin| {
            let mut room = bin.left.borrow_mut();
            if room.capacity() == 0 {
                *room = std::mem::take(&mut self.0);
            }
        });
    }
}
