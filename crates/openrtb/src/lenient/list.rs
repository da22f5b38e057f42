//! Arrays.
//!
//! A single scalar where a list of scalars belongs is a list of one. A list of objects keeps the place of an element
//! that is no object (it reads as an object without fields): imps are named by their index.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Lenient, Object, Scanner, fill, scan};

/// How one element of a list is taken.
trait Element<'de>: Sized {
    /// Appends what stands there, unless it is absent.
    fn append<D: Deserializer<'de>>(list: &mut Vec<Self>, deserializer: D) -> Result<(), D::Error>;
    /// The same on the fast lane.
    fn scan(list: &mut Vec<Self>, scanner: &mut Scanner<'de>) -> Option<()>;
    fn from_text(_: Cow<'de, str>) -> Option<Self> {
        None
    }
    fn from_integer(_: i64) -> Option<Self> {
        None
    }
}

impl<'de, T: Object<'de>> Element<'de> for T {
    fn append<D: Deserializer<'de>>(list: &mut Vec<T>, deserializer: D) -> Result<(), D::Error> {
        fill(list.push_mut(T::default()), deserializer).map(|_| ())
    }
    fn scan(list: &mut Vec<T>, scanner: &mut Scanner<'de>) -> Option<()> {
        scan(list.push_mut(T::default()), scanner).map(|_| ())
    }
}

impl<'de> Element<'de> for Cow<'de, str> {
    fn append<D: Deserializer<'de>>(list: &mut Vec<Self>, deserializer: D) -> Result<(), D::Error> {
        append_scalar(list, deserializer)
    }
    fn scan(list: &mut Vec<Self>, scanner: &mut Scanner<'de>) -> Option<()> {
        scan_scalar(list, scanner)
    }
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text).filter(|text| !text.is_empty())
    }
    fn from_integer(value: i64) -> Option<Self> {
        Some(Cow::Owned(value.to_string()))
    }
}

impl<'de> Element<'de> for i64 {
    fn append<D: Deserializer<'de>>(list: &mut Vec<Self>, deserializer: D) -> Result<(), D::Error> {
        append_scalar(list, deserializer)
    }
    fn scan(list: &mut Vec<Self>, scanner: &mut Scanner<'de>) -> Option<()> {
        scan_scalar(list, scanner)
    }
    fn from_text(text: Cow<'de, str>) -> Option<i64> {
        text.trim().parse().ok()
    }
    fn from_integer(value: i64) -> Option<i64> {
        Some(value)
    }
}

fn append_scalar<'de, T, D>(list: &mut Vec<T>, deserializer: D) -> Result<(), D::Error>
where
    Option<T>: Lenient<'de>,
    D: Deserializer<'de>,
{
    let mut scalar = None;
    scalar.read(deserializer)?;
    list.extend(scalar);
    Ok(())
}

#[inline]
fn scan_scalar<'de, T>(list: &mut Vec<T>, scanner: &mut Scanner<'de>) -> Option<()>
where
    Option<T>: Lenient<'de>,
{
    let mut scalar = None;
    scalar.scan(scanner)?;
    list.extend(scalar);
    Some(())
}

struct Append<'s, T>(&'s mut Vec<T>);

impl<'de, T: Element<'de>> DeserializeSeed<'de> for Append<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        T::append(self.0, deserializer)
    }
}

impl<'de, T: Element<'de>> Lenient<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        self.clear();
        deserializer.deserialize_any(ListVisitor(self))
    }

    fn scan(&mut self, scanner: &mut Scanner<'de>) -> Option<()> {
        self.clear();
        match scanner.peek()? {
            b'[' => {
                let mut goes_on = scanner.enter(b']')?;
                while goes_on {
                    T::scan(self, scanner)?;
                    goes_on = scanner.goes_on(b']')?;
                }
                Some(())
            }
            b'"' => {
                let text = scanner.quoted().filter(|text| !text.has_escapes)?;
                self.extend(T::from_text(Cow::Borrowed(text.inner)));
                Some(())
            }
            b'{' | b'n' | b't' | b'f' => scanner.skip(),
            _ => None,
        }
    }
}

struct ListVisitor<'s, T>(&'s mut Vec<T>);

impl<'de, T: Element<'de>> Visitor<'de> for ListVisitor<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Append(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.0.extend(T::from_text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.extend(T::from_text(Cow::Owned(text.to_owned())));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.extend(T::from_integer(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.extend(i64::try_from(value).ok().and_then(T::from_integer));
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
