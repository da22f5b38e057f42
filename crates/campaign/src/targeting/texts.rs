//! A list of texts in one piece of memory.
//!
//! Promises the texts as they were given, in their order, for four bytes each beyond what they say: the block lists of agencies
//! have thousands of names. Never changes once made.

use std::fmt;

/// A list of texts, of names of domains or bundles.
///
/// # Examples
///
/// ```
/// use campaign::targeting::Texts;
///
/// let texts: Texts = ["kopi.example", "", "teh.example"].into_iter().collect();
/// assert_eq!(texts, ["kopi.example", "", "teh.example"]);
/// assert_eq!(texts.iter().nth(2), Some("teh.example"));
/// assert_eq!((texts.len(), texts.is_empty()), (3, false));
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Texts {
    text: String,
    /// Where each ends in the text.
    ends: Vec<u32>,
}

impl Texts {
    pub(super) const NONE: Self = Self { text: String::new(), ends: Vec::new() };

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            &self.text[std::mem::replace(&mut start, end)..end]
        })
    }
}

/// # Panics
///
/// At four gigabytes of text, which no definition has.
impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut all = Self::default();
        for text in texts {
            all.text.push_str(text.as_ref());
            all.ends.push(u32::try_from(all.text.len()).expect("a definition is far below 4 GB"));
        }
        all.text.shrink_to_fit();
        all.ends.shrink_to_fit();
        all
    }
}

impl<T: AsRef<str>, const N: usize> PartialEq<[T; N]> for Texts {
    fn eq(&self, other: &[T; N]) -> bool {
        self.iter().eq(other.iter().map(AsRef::as_ref))
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
