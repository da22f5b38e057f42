//! Objects.
//!
//! The `object!` macro writes a struct beside the JSON names of its fields. Unknown names are skipped; an object
//! where something else stands is absent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Lenient, Name, Scanner};

/// A struct that takes its fields one by one.
pub(crate) trait Object<'de>: Default {
    /// Takes the value that belongs to `key`, or skips it.
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;

    /// The same on the fast lane.
    fn scan(&mut self, key: Name<'de>, scanner: Scanner<'de>, at: usize) -> Option<usize>;
}

/// Declares a struct of OpenRTB: JSON name, field, type.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident<$request:lifetime> {
            $( $(#[$field_meta:meta])* $key:literal => $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name<$request> {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl<$request> $crate::lenient::Object<$request> for $name<$request> {
            $crate::lenient::object!(@take $request, $($key => $field,)*);
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $key:literal => $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl<'de> $crate::lenient::Object<'de> for $name {
            $crate::lenient::object!(@take 'de, $($key => $field,)*);
        }
    };
    (@take $request:lifetime, $($key:literal => $field:ident,)*) => {
        fn take<A: serde::de::MapAccess<$request>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
            match key {
                $( $key => map.next_value_seed($crate::lenient::Seed(&mut self.$field)), )*
                _ => map.next_value::<serde::de::IgnoredAny>().map(|_| ()),
            }
        }

        // One jump and one comparison for all names, which a match on text would not be.
        #[allow(non_upper_case_globals, reason = "named like their fields")]
        #[inline]
        fn scan(
            &mut self,
            key: $crate::lenient::Name<$request>,
            scanner: $crate::lenient::Scanner<$request>,
            value_at: usize,
        ) -> Option<usize> {
            const SLOTS: $crate::lenient::Slots = $crate::lenient::Slots::of(&[$($key),*]);
            $( const $field: u64 = SLOTS.slot_of($key); )*
            match SLOTS.slot(&key) {
                $( $field if key.is($key, const { $crate::lenient::head_of($key.as_bytes()) }) =>
                    $crate::lenient::Lenient::scan(&mut self.$field, scanner, value_at), )*
                _ => scanner.skip(value_at),
            }
        }
    };
}

pub(crate) use object;

/// The name of a field, borrowed unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de, T: Object<'de>> Lenient<'de> for Option<T> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let is_object = fill(self.insert(T::default()), deserializer)?;
        if !is_object {
            *self = None;
        }
        Ok(())
    }

    fn scan(&mut self, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        let (is_object, behind) = scan(self.insert(T::default()), scanner, at)?;
        if !is_object {
            *self = None;
        }
        Some(behind)
    }
}

/// As [`fill`], on the fast lane.
pub(crate) fn scan<'de, T: Object<'de>>(object: &mut T, scanner: Scanner<'de>, at: usize) -> Option<(bool, usize)> {
    let (b'{', at) = scanner.peek(at)? else { return not_an_object(scanner, at) };
    let (mut goes_on, mut at) = scanner.enter(at + 1, b'}')?;
    while goes_on {
        let (key, value) = scanner.key(at)?;
        at = object.scan(key, scanner, value)?;
        (goes_on, at) = scanner.goes_on(at, b'}')?;
    }
    Some((true, at))
}

/// Goes over something else where an object belongs.
#[cold]
fn not_an_object(scanner: Scanner<'_>, at: usize) -> Option<(bool, usize)> {
    let (first, at) = scanner.peek(at)?;
    let behind = match first {
        b'"' => scanner.quoted(at).filter(|text| !text.has_escapes)?.behind,
        b'[' | b'n' | b't' | b'f' => scanner.skip(at)?,
        _ => return None,
    };
    Some((false, behind))
}

/// Gives a fresh object the fields that stand there; says whether it was an object at all.
pub(crate) fn fill<'de, T, D>(object: &mut T, deserializer: D) -> Result<bool, D::Error>
where
    T: Object<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ObjectVisitor(object))
}

struct ObjectVisitor<'s, T>(&'s mut T);

impl<'de, T: Object<'de>> Visitor<'de> for ObjectVisitor<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(key) = map.next_key::<Key<'de>>()? {
            self.0.take(&key.0, &mut map)?;
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}
