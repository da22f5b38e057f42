//! The fast lane of reading: definitions as most are written, one `key = value` a line.
//!
//! Promises what the TOML parser makes of the same text, or nothing: whatever is unusual (an escape, a table in braces, a string
//! or list over several lines, a key that is unknown, missing or stands twice) is left to that. Never says where anything stands: a definition with a flaw
//! is left to the parser too.

use toml::Spanned;

use super::scalar::{Amount, When};
use super::table::{CampaignTable, CreativeTable, PacingName, RulesTable, Values};

/// What may stand between words; in Unicode there is more.
const BLANKS: [char; 2] = [' ', '\t'];

/// Reads one campaign; `None` if the parser has to look at it.
pub(super) fn plain(text: &str) -> Option<CampaignTable> {
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n' && byte != b'\t') {
        return None;
    }
    let lines = text.split('\n').map(|line| line.trim_matches(BLANKS));
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines.next()? != "[[campaign]]" {
        return None;
    }
    let (mut campaign, mut creatives) = (Table::default(), Vec::<Table<'_>>::new());
    let (mut include, mut exclude) = (None, None);
    let (mut has_include, mut has_exclude) = (false, false);
    let mut table = &mut campaign;
    for line in lines {
        table = match line {
            "[[campaign.creative]]" => {
                creatives.push(Table::default());
                creatives.last_mut()?
            }
            "[campaign.include]" if !std::mem::replace(&mut has_include, true) => include.insert(Table::default()),
            "[campaign.exclude]" if !std::mem::replace(&mut has_exclude, true) => exclude.insert(Table::default()),
            pair => {
                table.add(pair)?;
                table
            }
        };
    }
    let table = CampaignTable {
        id: campaign.number("id")??,
        name: campaign.text("name")??,
        advertiser_domain: campaign.text("advertiser_domain")??,
        advertised_app: campaign.text("advertised_app")?,
        language: campaign.text("language")?,
        budget: campaign.amount("budget")??,
        bid_cpm: campaign.amount("bid_cpm")??,
        starts: campaign.moment("starts")??,
        ends: campaign.moment("ends")??,
        pacing: campaign.pacing()?,
        hour_weights: campaign.texts("hour_weights")?,
        strict_budget: campaign.flag("strict_budget")?,
        shading: campaign.flag("shading")?,
        bid_on_uncounted_users: campaign.flag("bid_on_uncounted_users")?,
        countries: campaign.texts("countries")??,
        exchanges: campaign.list("exchanges")?,
        categories: campaign.list("categories")?,
        cap_per_user_per_day: campaign.number("cap_per_user_per_day")?,
        caps: campaign.texts("caps")?,
        utc_offset: campaign.text("utc_offset")?,
        include: include.map_or(Some(None), |table| Some(Some(table.rules()?)))?,
        exclude: exclude.map_or(Some(None), |table| Some(Some(table.rules()?)))?,
        creative: creatives.into_iter().map(Table::creative).collect::<Option<_>>()?,
    };
    campaign.is_empty().then_some(table)
}

/// The pairs of one table that nobody has asked for yet.
#[derive(Default)]
struct Table<'a>(Vec<(&'a str, Value<'a>)>);

enum Value<'a> {
    Text(&'a str),
    Number(u32),
    Flag(bool),
    Date(toml::value::Datetime),
    Texts(Vec<&'a str>),
    Numbers(Vec<u32>),
}

impl<'a> Table<'a> {
    fn add(&mut self, line: &'a str) -> Option<()> {
        let (key, rest) = line.split_once('=')?;
        let key = key.trim_end_matches(BLANKS);
        let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_bare || self.0.iter().any(|(known, _)| *known == key) {
            return None;
        }
        let (value, rest) = Value::read(rest.trim_start_matches(BLANKS))?;
        let rest = rest.trim_start_matches(BLANKS);
        (rest.is_empty() || rest.starts_with('#')).then(|| self.0.push((key, value)))
    }

    /// Takes a value out; of another type than asked for, none.
    fn take<T>(&mut self, key: &str, read: impl FnOnce(Value<'a>) -> Option<T>) -> Option<Option<Spanned<T>>> {
        let Some(at) = self.0.iter().position(|(known, _)| *known == key) else { return Some(None) };
        let (_, value) = self.0.swap_remove(at);
        Some(Some(somewhere(read(value)?)))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn text(&mut self, key: &str) -> Option<Option<Spanned<String>>> {
        self.take(key, |value| match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        })
    }

    fn number(&mut self, key: &str) -> Option<Option<Spanned<u32>>> {
        self.take(key, |value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        })
    }

    fn flag(&mut self, key: &str) -> Option<Option<Spanned<bool>>> {
        self.take(key, |value| match value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        })
    }

    fn amount(&mut self, key: &str) -> Option<Option<Spanned<Amount>>> {
        self.take(key, |value| match value {
            Value::Text(text) => Some(Amount(text.to_owned())),
            Value::Number(whole) => Some(Amount(whole.to_string())),
            _ => None,
        })
    }

    fn moment(&mut self, key: &str) -> Option<Option<Spanned<When>>> {
        self.take(key, |value| match value {
            Value::Text(text) => Some(When::Quoted(text.to_owned())),
            Value::Date(date) => Some(When::Bare(date)),
            _ => None,
        })
    }

    fn pacing(&mut self) -> Option<Option<Spanned<PacingName>>> {
        self.take("pacing", |value| match value {
            Value::Text("supply") => Some(PacingName::Supply),
            Value::Text("even") => Some(PacingName::Even),
            Value::Text("asap") => Some(PacingName::Asap),
            _ => None,
        })
    }

    fn texts(&mut self, key: &str) -> Option<Option<Spanned<Values>>> {
        self.take(key, |value| match value {
            Value::Texts(texts) => Some(texts.into_iter().map(|text| somewhere(text.to_owned())).collect()),
            _ => None,
        })
    }

    fn list(&mut self, key: &str) -> Option<Values> {
        Some(self.texts(key)?.map(Spanned::into_inner).unwrap_or_default())
    }

    fn creative(mut self) -> Option<Spanned<CreativeTable>> {
        let attributes = self.take("attributes", |value| match value {
            Value::Numbers(numbers) => {
                numbers.into_iter().map(|number| Some(somewhere(u8::try_from(number).ok()?))).collect()
            }
            // An empty list has no type.
            Value::Texts(texts) => texts.is_empty().then(Vec::new),
            _ => None,
        })?;
        let table = CreativeTable {
            id: self.number("id")??,
            w: self.number("w")?,
            h: self.number("h")?,
            sizes: self.texts("sizes")?,
            markup: self.text("markup")??,
            secure: self.flag("secure")?,
            caps: self.texts("caps")?,
            attributes: attributes.map(Spanned::into_inner).unwrap_or_default(),
            banner_types: self.list("banner_types")?,
            mimes: self.list("mimes")?,
            apis: self.list("apis")?,
        };
        self.is_empty().then(|| somewhere(table))
    }

    fn rules(mut self) -> Option<Spanned<RulesTable>> {
        let table = RulesTable {
            exchanges: self.list("exchanges")?,
            regions: self.list("regions")?,
            cities: self.list("cities")?,
            within: self.list("within")?,
            inventory: self.list("inventory")?,
            domains: self.list("domains")?,
            bundles: self.list("bundles")?,
            sites: self.list("sites")?,
            apps: self.list("apps")?,
            publishers: self.list("publishers")?,
            content_categories: self.list("content_categories")?,
            devices: self.list("devices")?,
            os: self.list("os")?,
            connections: self.list("connections")?,
            carriers: self.list("carriers")?,
            languages: self.list("languages")?,
            formats: self.list("formats")?,
            deals: self.list("deals")?,
            segments: self.list("segments")?,
            hours: self.list("hours")?,
        };
        self.is_empty().then(|| somewhere(table))
    }
}

impl<'a> Value<'a> {
    /// The value that a text begins with, and what follows it.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        match text.as_bytes().first()? {
            b'"' | b'\'' => string(text).map(|(text, rest)| (Self::Text(text), rest)),
            b'[' => Self::array(text[1..].trim_start_matches(BLANKS)),
            b't' => Some((Self::Flag(true), text.strip_prefix("true")?)),
            b'f' => Some((Self::Flag(false), text.strip_prefix("false")?)),
            _ => {
                let end = text.find([' ', '\t', '#']).unwrap_or(text.len());
                let (token, rest) = text.split_at(end);
                let value = match number(token) {
                    Some(number) => Self::Number(number),
                    None => Self::Date(token.parse().ok()?),
                };
                Some((value, rest))
            }
        }
    }

    fn array(mut rest: &'a str) -> Option<(Self, &'a str)> {
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        loop {
            match rest.as_bytes().first()? {
                b']' => break,
                b'"' | b'\'' => {
                    let (text, after) = string(rest)?;
                    texts.push(text);
                    rest = after.trim_start_matches(BLANKS);
                }
                _ => {
                    let end = rest.find([' ', '\t', ',', ']'])?;
                    numbers.push(number(&rest[..end])?);
                    rest = rest[end..].trim_start_matches(BLANKS);
                }
            }
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start_matches(BLANKS),
                None if rest.starts_with(']') => {}
                None => return None,
            }
        }
        let rest = &rest[1..];
        match (texts.is_empty(), numbers.is_empty()) {
            (true, false) => Some((Self::Numbers(numbers), rest)),
            (_, true) => Some((Self::Texts(texts), rest)),
            (false, false) => None,
        }
    }
}

/// A string of one line without escapes.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = char::from(*text.as_bytes().first()?);
    let (inside, rest) = text[1..].split_once(quote)?;
    let is_long = inside.is_empty() && rest.starts_with(quote);
    let has_escape = quote == '"' && inside.contains('\\');
    (!is_long && !has_escape).then_some((inside, rest))
}

/// A number as everybody writes it.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

fn somewhere<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}
