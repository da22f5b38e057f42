//! JSON as the exchange sees it: objects whose order, duplicates and digits are kept, read leniently.
//!
//! Promises: what is not changed is written back as it stood, byte for byte. A number is its digits, never a float.
//! Shares no code with the ad server's parser, so that the two check each other.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object as an ordered list of its members, each value left as its text.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawObject<'a> {
    members: Vec<(String, Cow<'a, str>)>,
}

impl<'a> RawObject<'a> {
    /// Reads an object; `None` if the text is anything else.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the text of a member; the last one counts if there are several, `null` counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.members.iter().rev().find(|(name, _)| name == key)?;
        (value.as_ref() != "null").then_some(value.as_ref())
    }

    /// Reads a member that is an object.
    pub(crate) fn object(&self, key: &str) -> Option<RawObject<'_>> {
        RawObject::read(self.get(key)?)
    }

    /// Reads a member that is a list of objects; other elements are left out.
    pub(crate) fn objects(&self, key: &str) -> Vec<RawObject<'_>> {
        self.list(key).into_iter().filter_map(RawObject::read).collect()
    }

    /// Reads a member that is a list of texts; numbers count as texts.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        self.list(key).into_iter().filter_map(text_of).collect()
    }

    /// Reads a member that is a text or a number.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        text_of(self.get(key)?)
    }

    /// Reads a member that is an integer, or a text that holds one.
    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        let text = self.text(key)?;
        let text = text.trim();
        // 300.0 is an integer in JSON.
        text.strip_suffix(".0").unwrap_or(text).parse().ok()
    }

    /// Reads a member that is a flag: 1, true, or a text that says so.
    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.text(key).as_deref(), Some("1" | "true"))
    }

    /// Sets a member to a JSON text, in place or at the end; further members of that name go.
    pub(crate) fn set(&mut self, key: &str, json: String) {
        let mut json = Some(json);
        self.members.retain_mut(|(name, value)| {
            if name != key {
                return true;
            }
            match json.take() {
                Some(json) => {
                    *value = Cow::Owned(json);
                    true
                }
                None => false,
            }
        });
        if let Some(json) = json {
            self.members.push((key.to_owned(), Cow::Owned(json)));
        }
    }

    /// Writes the object.
    pub(crate) fn write(&self) -> String {
        let mut text = String::from("{");
        for (position, (name, value)) in self.members.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            text.push_str(&quote(name));
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        text
    }

    /// Returns the texts of the elements of a list.
    pub(crate) fn list(&self, key: &str) -> Vec<&str> {
        let Some(text) = self.get(key) else { return Vec::new() };
        let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        elements.into_iter().map(RawValue::get).collect()
    }
}

/// Writes a text as a JSON string.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn text_of(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
            type Value = RawObject<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, Cow::Borrowed(value.get())));
                }
                Ok(RawObject { members })
            }
        }

        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}
