//! What a campaign advertises beyond a domain, as far as requests may keep it out for that.
//!
//! Promises that a campaign that says nothing of it is kept out by none of it. Never guesses from the markup.

use crate::targeting::Language;

/// The longest id of an app in a store, in bytes.
pub(crate) const APP_BYTES_MAX: usize = 256;

/// What a campaign advertises: an app, in a language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advertised {
    /// The app, by its id in its store (`com.kopi.app`, `284882215`): the `bundle` of its bids; compared with a request's `bapp`.
    pub app: Option<Box<str>>,
    /// The language of its creatives: the `language` of its bids; compared with a request's `wlang`, else its `wlangb`.
    pub language: Option<Language>,
}

impl Advertised {
    /// Tells whether `bapp` blocks the app.
    pub(crate) fn is_blocked_by_app<T: AsRef<str>>(&self, bapp: &[T]) -> bool {
        let Some(ours) = &self.app else { return false };
        bapp.iter().any(|blocked| blocked.as_ref().trim().eq_ignore_ascii_case(ours))
    }

    /// Tells whether the language is one of `tags`; an empty list takes all. Regions and scripts of a tag do not count.
    pub(crate) fn is_in_language<T: AsRef<str>>(&self, tags: &[T]) -> bool {
        let Some(ours) = self.language else { return true };
        tags.is_empty() || tags.iter().any(|tag| Language::parse(tag.as_ref()) == Some(ours))
    }
}
