//! Reading JSON that says something else than the standard.
//!
//! Promises: a field of the wrong type is converted if its meaning is plain ("250" for 250, 1 for true) and absent
//! otherwise; it never fails the parse. Of a repeated key the last one counts, as in most parsers. Strings without
//! escapes are borrowed.
//! Never: recursion deeper than the types themselves. What is skipped is skipped without recursion.
//!
//! Scalars are taken as raw text first ([`RawValue`](serde_json::value::RawValue)), so that a price keeps its digits
//! and `1e400` is a number like any other.

mod list;
mod number;
mod object;
mod text;

use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::value::RawValue;

pub(crate) use object::{Object, object};
pub use text::Raw;

/// A field that takes whatever stands there. Errors are errors of JSON's syntax only.
pub(crate) trait Lenient<'de>: Sized {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Hands a [`Lenient`] type to serde.
pub(crate) struct Seed<T>(PhantomData<T>);

impl<T> Seed<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

/// The text of the value that comes next, as it stands.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    <&'de RawValue>::deserialize(deserializer).map(RawValue::get)
}
