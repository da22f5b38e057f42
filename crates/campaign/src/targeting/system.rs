//! What is known of a device and of the ad's surroundings by code: kinds with a closed list of values.
//!
//! Promises that every value has a name in definitions, and that a code or name outside of the list reads as "does not
//! say". Never guesses from a user agent.

use std::fmt;
use std::str::FromStr;

use openrtb::{BidRequest, Imp, Inventory};

/// A text that is none of a list of values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no {what}: write {known}")]
pub struct ParseRuleError {
    found: String,
    what: &'static str,
    known: String,
}

/// Declares a closed list of values with their names in definitions.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident ($what:literal) { $( $(#[$value_meta:meta])* $value:ident = $text:literal, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$value_meta])* $value, )*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$( Self::$value, )*];

            /// The name in definitions.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$value => $text, )*
                }
            }
        }

        impl FromStr for $name {
            type Err = ParseRuleError;

            fn from_str(text: &str) -> Result<Self, ParseRuleError> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    ParseRuleError { found: text.to_owned(), what: $what, known: format!("one of {}", names.join(", ")) }
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

named! {
    /// Where the ad would be shown.
    Channel("inventory") {
        /// In an app.
        App = "app",
        /// On a website.
        Site = "site",
        /// On an out-of-home screen.
        Dooh = "dooh",
    }
}

named! {
    /// A kind of device (AdCOM, list *Device Types*).
    Device("device") {
        /// 1, 4 and 5: a phone or a tablet.
        Mobile = "mobile",
        /// 2.
        Desktop = "desktop",
        /// 3.
        Tv = "tv",
        /// 4.
        Phone = "phone",
        /// 5.
        Tablet = "tablet",
        /// 6.
        ConnectedDevice = "connected_device",
        /// 7.
        SetTopBox = "set_top_box",
        /// 8.
        Ooh = "ooh",
    }
}

named! {
    /// A kind of connection (AdCOM, list *Connection Types*).
    Connection("connection") {
        /// 1.
        Ethernet = "ethernet",
        /// 2.
        Wifi = "wifi",
        /// 3 to 7: of whatever generation.
        Cellular = "cellular",
        /// 4.
        G2 = "2g",
        /// 5.
        G3 = "3g",
        /// 6.
        G4 = "4g",
        /// 7.
        G5 = "5g",
    }
}

named! {
    /// A kind of ad.
    Format("format") {
        /// A banner.
        Banner = "banner",
        /// A video.
        Video = "video",
        /// An audio ad.
        Audio = "audio",
        /// A native ad.
        Native = "native",
    }
}

named! {
    /// An operating system.
    Os("operating system") {
        /// Android, Fire OS among it.
        Android = "android",
        /// Apple's phones and tablets.
        Ios = "ios",
        /// Windows.
        Windows = "windows",
        /// Apple's computers.
        Macos = "macos",
        /// Linux.
        Linux = "linux",
        /// Chrome OS.
        Chromeos = "chromeos",
        /// Apple's televisions.
        Tvos = "tvos",
        /// Samsung's televisions.
        Tizen = "tizen",
        /// LG's televisions.
        Webos = "webos",
        /// Roku.
        Roku = "roku",
    }
}

impl Channel {
    /// Which of them a request has.
    #[must_use]
    pub fn of(request: &BidRequest<'_>) -> Option<Self> {
        Some(match request.inventory()? {
            Inventory::App(_) => Self::App,
            Inventory::Site(_) => Self::Site,
            Inventory::Dooh(_) => Self::Dooh,
        })
    }
}

impl Device {
    /// The codes of `device.devicetype` that it covers.
    #[must_use]
    pub const fn codes(self) -> &'static [i64] {
        match self {
            Self::Mobile => &[1, 4, 5],
            Self::Desktop => &[2],
            Self::Tv => &[3],
            Self::Phone => &[4],
            Self::Tablet => &[5],
            Self::ConnectedDevice => &[6],
            Self::SetTopBox => &[7],
            Self::Ooh => &[8],
        }
    }
}

impl Connection {
    /// The codes of `device.connectiontype` that it covers.
    #[must_use]
    pub const fn codes(self) -> &'static [i64] {
        match self {
            Self::Ethernet => &[1],
            Self::Wifi => &[2],
            Self::Cellular => &[3, 4, 5, 6, 7],
            Self::G2 => &[4],
            Self::G3 => &[5],
            Self::G4 => &[6],
            Self::G5 => &[7],
        }
    }
}

impl Format {
    /// Tells whether an imp takes this kind of ad.
    #[must_use]
    pub const fn is_taken_by(self, imp: &Imp<'_>) -> bool {
        match self {
            Self::Banner => imp.banner.is_some(),
            Self::Video => imp.video.is_some(),
            Self::Audio => imp.audio.is_some(),
            Self::Native => imp.native.is_some(),
        }
    }
}

impl Os {
    /// Reads `device.os`, in any case and spelling that traffic has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // As nearly all of the traffic writes them.
        match text {
            "Android" | "android" => return Some(Self::Android),
            "iOS" | "ios" => return Some(Self::Ios),
            _ => {}
        }
        let folded = super::fold(text)?;
        let name = folded.as_str();
        let begins = |start: &str| name.starts_with(start);
        Some(match name {
            "ios" | "iphone os" | "iphoneos" | "ipados" | "ipad os" | "iphone" | "ipad" => Self::Ios,
            "macos" | "mac os" | "mac os x" | "macosx" | "os x" | "osx" | "mac" => Self::Macos,
            "chrome os" | "chromeos" | "cros" | "chromium os" => Self::Chromeos,
            "tvos" | "apple tvos" | "apple tv" => Self::Tvos,
            "webos" | "web0s" | "webos tv" => Self::Webos,
            "roku" | "roku os" | "rokuos" => Self::Roku,
            "fire os" | "fireos" => Self::Android,
            "linux" | "ubuntu" | "debian" | "fedora" => Self::Linux,
            _ if begins("android") => Self::Android,
            _ if begins("windows") => Self::Windows,
            _ if begins("tizen") => Self::Tizen,
            // "iOS 15.1": some put the version here too.
            _ if begins("ios ") || begins("iphone os ") => Self::Ios,
            _ => return None,
        })
    }
}

/// A version in up to four numbers; what is missing counts as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Version([u16; 4]);

impl Version {
    /// Reads the numbers at the beginning of a text: `15.1.1`, `10_3`, `12 (beta)`. `None` if it begins with none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > super::TEXT_BYTES_MAX {
            return None;
        }
        let mut numbers = [0; 4];
        let mut found = false;
        for (place, part) in numbers.iter_mut().zip(text.trim().split(['.', '_'])) {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                break;
            }
            // A number that is too large is the largest: newer than any that one asks for.
            *place = part[..digits].parse().unwrap_or(u16::MAX);
            found = true;
            if digits < part.len() {
                break;
            }
        }
        found.then_some(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, rest @ ..] = self.0;
        write!(f, "{major}")?;
        let shown = rest.iter().rposition(|number| *number > 0).map_or(0, |last| last + 1);
        rest[..shown].iter().try_for_each(|number| write!(f, ".{number}"))
    }
}

/// An operating system, from some version on or whatever its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OsRule {
    /// Which.
    pub os: Os,
    /// The least version; one that a request does not tell is none.
    pub at_least: Option<Version>,
}

/// As it is read.
impl fmt::Display for OsRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at_least {
            None => write!(f, "{}", self.os),
            Some(version) => write!(f, "{} >= {version}", self.os),
        }
    }
}

impl FromStr for OsRule {
    type Err = ParseRuleError;

    fn from_str(text: &str) -> Result<Self, ParseRuleError> {
        let (name, version) = match text.split_once(">=") {
            Some((name, version)) => (name.trim(), Some(version.trim())),
            None => (text, None),
        };
        let wrong = |what, known: &str| ParseRuleError { found: text.to_owned(), what, known: known.to_owned() };
        let plain = |version: &&str| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let at_least = match version {
            None => None,
            Some(version) => Some(
                Version::parse(version)
                    .filter(|_| plain(&version))
                    .ok_or_else(|| wrong("least version", "numbers, such as \"android >= 10\""))?,
            ),
        };
        Ok(Self { os: name.parse()?, at_least })
    }
}

/// A language: the part before the dash of a tag, two or three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language([u8; 3]);

impl Language {
    /// Reads a tag such as `en`, `zh-Hant-SG` or `id_ID`, in any case; `None` if it begins with no language.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next()?;
        let plain = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
        let mut letters = [0; 3];
        letters.get_mut(..language.len())?.copy_from_slice(language.as_bytes());
        letters.make_ascii_lowercase();
        plain.then_some(Self(letters))
    }
}

impl FromStr for Language {
    type Err = ParseRuleError;

    fn from_str(text: &str) -> Result<Self, ParseRuleError> {
        let alone = text.bytes().all(|byte| byte.is_ascii_lowercase());
        Self::parse(text).filter(|_| alone).ok_or_else(|| ParseRuleError {
            found: text.to_owned(),
            what: "language",
            known: "its code alone, in lower case, such as \"id\"".to_owned(),
        })
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0'))
    }
}
