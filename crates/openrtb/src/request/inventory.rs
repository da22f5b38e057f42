//! Where the ad would be shown.

use std::borrow::Cow;

use crate::lenient::object;

object! {
    /// A website.
    Site<'a> {
        /// The site on the exchange.
        "id" => id: Option<Cow<'a, str>>,
        /// Its name.
        "name" => name: Option<Cow<'a, str>>,
        /// Its domain.
        "domain" => domain: Option<Cow<'a, str>>,
        /// The taxonomy of its categories.
        "cattax" => cattax: Option<i64>,
        /// Its categories.
        "cat" => cat: Vec<Cow<'a, str>>,
        /// Categories of the section.
        "sectioncat" => sectioncat: Vec<Cow<'a, str>>,
        /// Categories of the page.
        "pagecat" => pagecat: Vec<Cow<'a, str>>,
        /// URL of the page.
        "page" => page: Option<Cow<'a, str>>,
        /// URL of the page before.
        "ref" => referrer: Option<Cow<'a, str>>,
        /// Its publisher.
        "publisher" => publisher: Option<Publisher<'a>>,
        /// What it shows.
        "content" => content: Option<Content<'a>>,
    }
}

object! {
    /// An app.
    App<'a> {
        /// The app on the exchange.
        "id" => id: Option<Cow<'a, str>>,
        /// Its name.
        "name" => name: Option<Cow<'a, str>>,
        /// Its bundle or store id.
        "bundle" => bundle: Option<Cow<'a, str>>,
        /// Its domain.
        "domain" => domain: Option<Cow<'a, str>>,
        /// Its page in the store.
        "storeurl" => storeurl: Option<Cow<'a, str>>,
        /// The taxonomy of its categories.
        "cattax" => cattax: Option<i64>,
        /// Its categories.
        "cat" => cat: Vec<Cow<'a, str>>,
        /// Categories of the section.
        "sectioncat" => sectioncat: Vec<Cow<'a, str>>,
        /// Categories of the page.
        "pagecat" => pagecat: Vec<Cow<'a, str>>,
        /// Its version.
        "ver" => ver: Option<Cow<'a, str>>,
        /// Its publisher.
        "publisher" => publisher: Option<Publisher<'a>>,
        /// What it shows.
        "content" => content: Option<Content<'a>>,
    }
}

object! {
    /// An out-of-home screen.
    Dooh<'a> {
        /// The venue on the exchange.
        "id" => id: Option<Cow<'a, str>>,
        /// Its name.
        "name" => name: Option<Cow<'a, str>>,
        /// Its domain.
        "domain" => domain: Option<Cow<'a, str>>,
        /// Its publisher.
        "publisher" => publisher: Option<Publisher<'a>>,
    }
}

object! {
    /// A publisher.
    Publisher<'a> {
        /// The publisher on the exchange.
        "id" => id: Option<Cow<'a, str>>,
        /// Its name.
        "name" => name: Option<Cow<'a, str>>,
        /// The taxonomy of its categories.
        "cattax" => cattax: Option<i64>,
        /// Its categories.
        "cat" => cat: Vec<Cow<'a, str>>,
        /// Its domain.
        "domain" => domain: Option<Cow<'a, str>>,
    }
}

object! {
    /// What a site or app shows.
    Content<'a> {
        /// The content.
        "id" => id: Option<Cow<'a, str>>,
        /// Its title.
        "title" => title: Option<Cow<'a, str>>,
        /// Its genre.
        "genre" => genre: Option<Cow<'a, str>>,
        /// The taxonomy of its categories.
        "cattax" => cattax: Option<i64>,
        /// Its categories.
        "cat" => cat: Vec<Cow<'a, str>>,
        /// Its language (ISO 639-1).
        "language" => language: Option<Cow<'a, str>>,
        /// Whether it is live.
        "livestream" => livestream: Option<bool>,
    }
}
