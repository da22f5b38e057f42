//! What is only ever reached through `&mut`, and so can be shared whatever it holds (`std::sync::Exclusive` is not
//! stable). It makes futures that hold a `&Context` over an await `Send` without asking more of messages and
//! closures than that they can be sent.

use std::sync::{Mutex, PoisonError};

/// Never locked.
#[derive(Debug, Default)]
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    #[inline(always)]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
