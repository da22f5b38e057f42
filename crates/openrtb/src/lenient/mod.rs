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
//!
//! Two lanes lead from the text to a field: the [`Scanner`], which takes what is sound, and serde_json, which takes all that is
//! JSON and knows what is wrong with the rest. They share what a value means; `tests/lanes.rs` shows that they agree.

mod list;
mod names;
mod number;
mod object;
mod scanner;
mod text;
mod words;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::value::RawValue;

pub(crate) use names::{Name, Slots, head_of};
pub(crate) use object::{Object, fill, object, scan};
pub(crate) use scanner::Scanner;
pub use text::Raw;
pub(crate) use words::plain_length;

/// A field that takes whatever stands there. Errors are errors of JSON's syntax only.
pub(crate) trait Lenient<'de> {
    /// Replaces the field by what stands there.
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;

    /// The same on the fast lane, from a place on: gives the place behind it. `None` leaves the body to the other lane.
    fn scan(&mut self, scanner: Scanner<'de>, at: usize) -> Option<usize>;
}

/// A field that is made from the text of one value, on whichever lane it comes.
macro_rules! scalar {
    ($(#[$meta:meta])* $type:ty, $raw:ident => $value:expr $(, $small:ident => $from_small:expr)?) => {
        $(#[$meta])*
        impl<'de> $crate::lenient::Lenient<'de> for $type {
            fn read<D: serde::Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                let $raw = $crate::lenient::raw(deserializer)?;
                *self = $value;
                Ok(())
            }

            fn scan(&mut self, scanner: $crate::lenient::Scanner<'de>, at: usize) -> Option<usize> {
                $(
                    // What most numbers are is made without their text.
                    if let Some(($small, behind)) = scanner.small_number(at) {
                        *self = $from_small;
                        return Some(behind);
                    }
                )?
                let ($raw, behind) = scanner.value(at)?;
                *self = $value;
                Some(behind)
            }
        }
    };
}

pub(crate) use scalar;

/// Hands a [`Lenient`] field to serde.
pub(crate) struct Seed<'s, T>(pub(crate) &'s mut T);

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.read(deserializer)
    }
}

/// The text of the value that comes next, as it stands.
pub(crate) fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    <&'de RawValue>::deserialize(deserializer).map(RawValue::get)
}
