//! Objects.
//!
//! The `object!` macro writes a struct beside the JSON names of its fields. Unknown names are skipped; an object
//! where something else stands is absent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Lenient, Scanner};

/// A struct that takes its fields one by one.
pub(crate) trait Object<'de>: Default {
    /// Takes the value that belongs to `key`, or skips it.
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;

    /// The same on the fast lane.
    fn scan(&mut self, key: &[u8], scanner: &mut Scanner<'de>) -> Option<()>;
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

        // One comparison by length and first bytes for all names, which a match on text would not be.
        #[allow(non_upper_case_globals, reason = "named like their fields")]
        fn scan(&mut self, key: &[u8], scanner: &mut $crate::lenient::Scanner<$request>) -> Option<()> {
            $( const $field: &[u8] = $key.as_bytes(); )*
            match key {
                $( $field => $crate::lenient::Lenient::scan(&mut self.$field, scanner), )*
                _ => scanner.skip(),
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

    fn scan(&mut self, scanner: &mut Scanner<'de>) -> Option<()> {
        let is_object = scan(self.insert(T::default()), scanner)?;
        if !is_object {
            *self = None;
        }
        Some(())
    }
}

/// As [`fill`], on the fast lane.
pub(crate) fn scan<'de, T: Object<'de>>(object: &mut T, scanner: &mut Scanner<'de>) -> Option<bool> {
    match scanner.peek()? {
        b'{' => {
            let mut goes_on = scanner.enter(b'}')?;
            while goes_on {
                let key = scanner.key()?;
                object.scan(key, scanner)?;
                goes_on = scanner.goes_on(b'}')?;
            }
            Some(true)
        }
        b'"' if scanner.quoted()?.has_escapes => None,
        b'"' => Some(false),
        b'[' | b'n' | b't' | b'f' => scanner.skip().map(|()| false),
        _ => None,
    }
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
