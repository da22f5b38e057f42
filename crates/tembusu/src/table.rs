//! Tables with an owner: readers see what the owner published, whole, without asking it.
//!
//! A table is made before the tree and passed to its owner and to its readers as an ordinary argument. The owner
//! publishes through its context; what an incarnation has published is withdrawn when that incarnation ends,
//! and readers see nothing until its successor has published.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use crate::later;

/// A published value that has an owner.
///
/// Reading takes no lock.
///
/// ```
/// let prices = tembusu::Table::<Vec<u32>>::new("prices");
/// assert!(prices.read().is_none(), "nobody has published yet");
/// ```
pub struct Table<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    name: Box<str>,
    value: ArcSwapOption<T>,
    /// The incarnation that may withdraw the value.
    owner: Mutex<u64>,
}

impl<T: Send + Sync + 'static> Table<T> {
    /// A table without an owner yet.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { inner: Arc::new(Inner { name: name.into(), value: ArcSwapOption::empty(), owner: Mutex::new(0) }) }
    }

    /// What its owner has published, if one is there.
    #[must_use]
    pub fn read(&self) -> Option<Arc<T>> {
        self.inner.value.load_full()
    }

    /// Whether [`read`](Self::read) would find something.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.inner.value.load().is_some()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether `owner` is the one that published last.
    pub(crate) fn is_owned_by(&self, owner: u64) -> bool {
        *self.inner.owner.lock().unwrap_or_else(PoisonError::into_inner) == owner
    }

    /// Publishes, and returns what was there.
    pub(crate) fn publish(&self, owner: u64, value: Arc<T>) -> Option<Arc<T>> {
        let mut current = self.inner.owner.lock().unwrap_or_else(PoisonError::into_inner);
        *current = owner;
        self.inner.value.swap(Some(value))
    }

    pub(crate) fn withdrawer(&self) -> Box<dyn Withdraw> {
        Box::new(self.clone())
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

/// Takes back what an incarnation has published: at once, also from within a supervisor, which gives an incarnation up.
/// What is let go of with it is a user's, and so dropped as [`later`] says.
pub(crate) trait Withdraw: Send + Sync {
    fn withdraw(&self, owner: u64);
}

impl<T: Send + Sync + 'static> Withdraw for Table<T> {
    fn withdraw(&self, owner: u64) {
        let current = self.inner.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = if *current == owner { self.inner.value.swap(None) } else { None };
        drop(current);
        if let Some(previous) = previous {
            later::drop_value(previous);
        }
    }
}
