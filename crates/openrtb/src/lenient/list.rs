//! Arrays.
//!
//! A single scalar where a list of scalars belongs is a list of one. A list of objects keeps the place of an element
//! that is no object (it reads as an object without fields): imps are named by their index.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Lenient, Object, Seed};

/// How one element of a list is taken.
trait Element<'de>: Sized {
    type Read: Lenient<'de>;
    fn push(read: Self::Read, list: &mut Vec<Self>);
    fn from_text(_: Cow<'de, str>) -> Option<Self> {
        None
    }
    fn from_integer(_: i64) -> Option<Self> {
        None
    }
}

impl<'de, T: Object<'de>> Element<'de> for T {
    type Read = Option<T>;
    fn push(read: Option<T>, list: &mut Vec<T>) {
        list.push(read.unwrap_or_default());
    }
}

impl<'de> Element<'de> for Cow<'de, str> {
    type Read = Option<Self>;
    fn push(read: Option<Self>, list: &mut Vec<Self>) {
        list.extend(read);
    }
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text).filter(|text| !text.is_empty())
    }
    fn from_integer(value: i64) -> Option<Self> {
        Some(Cow::Owned(value.to_string()))
    }
}

impl<'de> Element<'de> for i64 {
    type Read = Option<i64>;
    fn push(read: Option<i64>, list: &mut Vec<i64>) {
        list.extend(read);
    }
    fn from_text(text: Cow<'de, str>) -> Option<i64> {
        text.trim().parse().ok()
    }
    fn from_integer(value: i64) -> Option<i64> {
        Some(value)
    }
}

impl<'de, T: Element<'de>> Lenient<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Element<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element_seed(Seed::<T::Read>::new())? {
            T::push(element, &mut list);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Vec::new())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Vec<T>, E> {
        Ok(T::from_text(Cow::Borrowed(text)).into_iter().collect())
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(T::from_text(Cow::Owned(text.to_owned())).into_iter().collect())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Vec<T>, E> {
        Ok(T::from_integer(value).into_iter().collect())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Vec<T>, E> {
        Ok(i64::try_from(value).ok().and_then(T::from_integer).into_iter().collect())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }
}
