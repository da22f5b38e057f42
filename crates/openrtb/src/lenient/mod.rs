//! Reading JSON that says something else than the standard.
//!
//! Promises: a field of the wrong type is converted if its meaning is plain ("250" for 250, 1 for true) and absent
//! otherwise; it never fails the parse. Of a repeated key the last one counts, as in most parsers. Strings without
//! escapes are borrowed.
//! Never: recursion deeper than the types themselves. What is skipped is skipped without recursion.
//!
//! Values are read in place, into the field that keeps them: a request is 3 KB of fields, and moving them about took
//! a tenth of the time.
//!
//! Scalars are taken as raw text first ([`RawValue`](serde_json::value::RawValue)), so that a price keeps its digits
//! and `1e400` is a number like any other.

mod list;
mod number;
mod object;
mod text;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::value::RawValue;

pub(crate) use object::{Object, fill, object};
pub use text::Raw;

/// A field that takes whatever stands there. Errors are errors of JSON's syntax only.
pub(crate) trait Lenient<'de> {
    /// Replaces the field by what stands there.
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;
}

/// Hands a [`Lenient`] field to serde.
pub(crate) struct Seed<'s, T>(pub(crate) &'s mut T);

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.read(deserializer)
    }
}

/// The text of the value that comes next, as it stands.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    <&'de RawValue>::deserialize(deserializer).map(RawValue::get)
}
