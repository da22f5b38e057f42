//! Arrays.
//!
//! A single scalar where a list of scalars belongs is a list of one. A list of objects keeps the place of an element
//! that is no object (it reads as an object without fields): imps are named by their index.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text::scan_plain_text;
use super::{Lenient, Object, Scanner, fill, scan};

/// Room that a list of scalars has from the first one on: most have fewer, and growing costs as much as reading them.
const SCALARS_USUAL: usize = 8;

/// How one element of a list is taken.
trait Element<'de>: Sized {
    /// Elements for which there is room from the first one on.
    const USUAL: usize = 0;

    /// Appends what stands there, unless it is absent.
    fn append<D: Deserializer<'de>>(list: &mut Vec<Self>, deserializer: D) -> Result<(), D::Error>;
    /// The same on the fast lane.
    fn scan(list: &mut Vec<Self>, scanner: Scanner<'de>, at: usize) -> Option<usize>;
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
    fn scan(list: &mut Vec<T>, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        scan(list.push_mut(T::default()), scanner, at).map(|(_, behind)| behind)
    }
}

impl<'de> Element<'de> for Cow<'de, str> {
    const USUAL: usize = SCALARS_USUAL;

    fn append<D: Deserializer<'de>>(list: &mut Vec<Self>, deserializer: D) -> Result<(), D::Error> {
        append_scalar(list, deserializer)
    }
    #[inline]
    fn scan(list: &mut Vec<Self>, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        if let Some((text, behind)) = scan_plain_text(scanner, at) {
            list.push(Cow::Borrowed(text));
            return Some(behind);
        }
        scan_scalar(list, scanner, at)
    }
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text).filter(|text| !text.is_empty())
    }
    fn from_integer(value: i64) -> Option<Self> {
        Some(Cow::Owned(value.to_string()))
    }
}

impl<'de> Element<'de> for i64 {
    const USUAL: usize = SCALARS_USUAL;

    fn append<D: Deserializer<'de>>(list: &mut Vec<Self>, deserializer: D) -> Result<(), D::Error> {
        append_scalar(list, deserializer)
    }
    #[inline]
    fn scan(list: &mut Vec<Self>, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        scan_scalar(list, scanner, at)
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
fn scan_scalar<'de, T>(list: &mut Vec<T>, scanner: Scanner<'de>, at: usize) -> Option<usize>
where
    Option<T>: Lenient<'de>,
{
    let mut scalar = None;
    let behind = scalar.scan(scanner, at)?;
    if let Some(scalar) = scalar {
        list.push(scalar);
    }
    Some(behind)
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

    fn scan(&mut self, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        self.clear();
        let (first, at) = scanner.peek(at)?;
        match first {
            b'[' => {
                let (mut goes_on, mut at) = scanner.enter(at + 1, b']')?;
                if goes_on {
                    self.reserve(T::USUAL);
                }
                while goes_on {
                    at = T::scan(self, scanner, at)?;
                    (goes_on, at) = scanner.goes_on(at, b']')?;
                }
                Some(at)
            }
            b'"' => {
                let text = scanner.quoted(at).filter(|text| !text.has_escapes)?;
                self.extend(T::from_text(Cow::Borrowed(text.inner)));
                Some(text.behind)
            }
            b'{' | b'n' | b't' | b'f' => scanner.skip(at),
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
