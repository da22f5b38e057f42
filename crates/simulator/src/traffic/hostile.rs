//! Payloads that a healthy exchange never sends, the incident's among them.
//!
//! Promises: each kind says which answers are right, so that a test needs no list of its own. Bounded in size.

use bytes::Bytes;
use http::{HeaderValue, header};

use super::{Generator, TrafficMix};
use crate::client::{Endpoint, Outgoing};
use crate::json::RawObject;
use crate::{Dialect, Dice};

/// A way to be malformed or hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HostileKind {
    /// The incident: a valid request whose only fault is a negative `imp.bidfloor`.
    NegativeFloor,
    /// No byte.
    Empty,
    /// A request cut off in the middle.
    Truncated,
    /// Something that is not JSON.
    NotJson,
    /// JSON, but a list.
    TopLevelList,
    /// A byte that is not UTF-8 inside a string.
    NotUtf8,
    /// Thousands of lists inside each other.
    DeepNesting,
    /// A floor with hundreds of digits.
    HugeNumber,
    /// A floor with an exponent beyond any number.
    HugeExponent,
    /// Half of a surrogate pair in an escape.
    LoneSurrogate,
    /// The same key twice, with different values.
    DuplicateKeys,
    /// No `id`.
    NoId,
    /// No `imp`.
    NoImp,
    /// An empty `imp`.
    EmptyImp,
    /// An impression without an id.
    ImpWithoutId,
    /// An impression without any media.
    ImpWithoutMedia,
    /// Two impressions with one id.
    DuplicateImpIds,
    /// Hundreds of impressions.
    ManyImps,
    /// Sizes of zero, below zero and beyond 32 bits.
    AbsurdSizes,
    /// Lists for texts, texts for numbers, numbers for objects.
    WrongTypes,
    /// An id of 100 KB.
    HugeId,
    /// A `tmax` of zero.
    NoTime,
    /// Control characters and quotes in ids, to break an answer that copies them.
    InjectingIds,
    /// Said to be gzip, and is not.
    BrokenGzip,
    /// Some 30 KB of gzip that inflate to 32 MB.
    GzipBomb,
}

/// Which answers to a payload are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// 400 only.
    BadRequest,
    /// 204 only.
    NoBid,
    /// 400 or 204.
    NoBidOrBadRequest,
    /// 400 or 413: it cannot be a request.
    Refusal,
    /// 200, 204 or 400: it is odd, but not wrong.
    AnyValid,
}

impl Expectation {
    /// Says whether a status is among the right ones.
    pub fn allows(self, status: u16) -> bool {
        match self {
            Self::BadRequest => status == 400,
            Self::NoBid => status == 204,
            Self::NoBidOrBadRequest => matches!(status, 204 | 400),
            Self::Refusal => matches!(status, 400 | 413),
            Self::AnyValid => matches!(status, 200 | 204 | 400),
        }
    }
}

/// A payload, ready to be sent.
#[derive(Clone, Debug)]
pub struct HostilePayload {
    /// What is wrong with it.
    pub kind: HostileKind,
    /// The body as it goes over the wire.
    pub body: Bytes,
    /// Whether it must be sent with `Content-Encoding: gzip`; otherwise with none.
    pub gzip: bool,
    /// Which answers are right.
    pub expectation: Expectation,
}

impl HostilePayload {
    /// Makes the POST of this payload to an endpoint of any dialect.
    pub fn post(&self, endpoint: &Endpoint) -> Outgoing {
        let mut request = endpoint.post(self.body.clone());
        request.headers_mut().remove(header::CONTENT_ENCODING);
        // hyper says no length for a body without a byte, which is another fault than that of the body.
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        if self.gzip {
            request.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        request
    }
}

/// Depth of [`HostileKind::DeepNesting`]: enough to overflow a stack that recurses without a limit.
const NESTING: usize = 20_000;

/// Impressions of [`HostileKind::ManyImps`].
const IMPS: usize = 500;

/// Bytes that [`HostileKind::GzipBomb`] inflates to.
const BOMB_BYTES: usize = 32 << 20;

impl HostileKind {
    /// All kinds.
    pub const ALL: [Self; 25] = [
        Self::NegativeFloor,
        Self::Empty,
        Self::Truncated,
        Self::NotJson,
        Self::TopLevelList,
        Self::NotUtf8,
        Self::DeepNesting,
        Self::HugeNumber,
        Self::HugeExponent,
        Self::LoneSurrogate,
        Self::DuplicateKeys,
        Self::NoId,
        Self::NoImp,
        Self::EmptyImp,
        Self::ImpWithoutId,
        Self::ImpWithoutMedia,
        Self::DuplicateImpIds,
        Self::ManyImps,
        Self::AbsurdSizes,
        Self::WrongTypes,
        Self::HugeId,
        Self::NoTime,
        Self::InjectingIds,
        Self::BrokenGzip,
        Self::GzipBomb,
    ];

    /// Makes a payload of this kind.
    pub fn payload(self, seed: u64) -> HostilePayload {
        let good = good_request(seed);
        let (body, gzip) = match self {
            Self::BrokenGzip => (good.into_bytes(), true),
            Self::GzipBomb => (gzip_bomb(), true),
            Self::NotUtf8 => (replace_id(&good, b"\"bad \xff\xfe id\""), false),
            _ => (self.text(good, seed).into_bytes(), false),
        };
        HostilePayload { kind: self, body: body.into(), gzip, expectation: self.expectation() }
    }

    fn expectation(self) -> Expectation {
        match self {
            Self::NegativeFloor => Expectation::NoBid,
            Self::Empty | Self::Truncated | Self::NotJson | Self::TopLevelList => Expectation::BadRequest,
            Self::NoId | Self::NoImp | Self::EmptyImp | Self::DuplicateImpIds => Expectation::NoBidOrBadRequest,
            Self::ImpWithoutId | Self::ImpWithoutMedia => Expectation::NoBidOrBadRequest,
            Self::AbsurdSizes | Self::HugeNumber | Self::HugeExponent => Expectation::NoBidOrBadRequest,
            Self::BrokenGzip | Self::GzipBomb => Expectation::Refusal,
            Self::NotUtf8
            | Self::DeepNesting
            | Self::NoTime
            | Self::LoneSurrogate
            | Self::DuplicateKeys
            | Self::ManyImps
            | Self::WrongTypes
            | Self::HugeId
            | Self::InjectingIds => Expectation::AnyValid,
        }
    }

    fn text(self, good: String, seed: u64) -> String {
        const BANNER: &str = r#"{"w":300,"h":250}"#;
        match self {
            Self::NegativeFloor => {
                let cents = Dice::derive(seed, 2).between(1, 500);
                with_imp(&good, |imp| imp.set("bidfloor", format!("-{}.{:02}", cents / 100, cents % 100)))
            }
            Self::Empty => String::new(),
            Self::Truncated => {
                let keep = Dice::derive(seed, 3).between(1, good.len() as i64 - 1).unsigned_abs() as usize;
                good.chars().take(keep).collect()
            }
            Self::NotJson => "<bid-request id=\"1\"/>".to_owned(),
            Self::TopLevelList => format!("[{good}]"),
            Self::DeepNesting => with_member(&good, "ext", format!("{}{}", "[".repeat(NESTING), "]".repeat(NESTING))),
            Self::HugeNumber => with_imp(&good, |imp| imp.set("bidfloor", "9".repeat(400))),
            Self::HugeExponent => with_imp(&good, |imp| imp.set("bidfloor", "1e999999999".to_owned())),
            Self::LoneSurrogate => with_member(&good, "id", r#""a\ud800b""#.to_owned()),
            Self::DuplicateKeys => good.replacen('{', r#"{"id":"first","tmax":1000,"at":7,"#, 1),
            Self::NoId => with_member(&good, "id", "null".to_owned()),
            Self::NoImp => with_member(&good, "imp", "null".to_owned()),
            Self::EmptyImp => with_member(&good, "imp", "[]".to_owned()),
            Self::ImpWithoutId => with_imp(&good, |imp| imp.set("id", "null".to_owned())),
            Self::ImpWithoutMedia => with_imp(&good, |imp| imp.set("banner", "null".to_owned())),
            Self::DuplicateImpIds => {
                let imp = format!(r#"{{"id":"1","banner":{BANNER}}}"#);
                with_member(&good, "imp", format!("[{imp},{imp}]"))
            }
            Self::ManyImps => {
                let imps: Vec<String> = (0..IMPS).map(|n| format!(r#"{{"id":"{n}","banner":{BANNER}}}"#)).collect();
                with_member(&good, "imp", format!("[{}]", imps.join(",")))
            }
            Self::AbsurdSizes => with_imp(&good, |imp| {
                imp.set(
                    "banner",
                    r#"{"w":0,"h":-250,"format":[{"w":99999999999999999999,"h":1},{"w":-1,"h":-1}]}"#.to_owned(),
                );
            }),
            Self::WrongTypes => {
                let good = with_member(&good, "device", "7".to_owned());
                let good = with_member(&good, "at", r#""second""#.to_owned());
                let good = with_member(&good, "bcat", r#""IAB25""#.to_owned());
                let good = with_member(&good, "user", "[true]".to_owned());
                with_imp(&good, |imp| imp.set("secure", r#"{"yes":1}"#.to_owned()))
            }
            Self::HugeId => with_member(&good, "id", format!("\"{}\"", "i".repeat(100_000))),
            Self::NoTime => with_member(&good, "tmax", "0".to_owned()),
            Self::InjectingIds => {
                let id = r#""\"}],\"x\":\u0000\r\n\r\nHTTP/1.1 200 OK<script>""#.to_owned();
                let good = with_member(&good, "id", id.clone());
                with_imp(&good, |imp| imp.set("id", id.clone()))
            }
            Self::NotUtf8 | Self::BrokenGzip | Self::GzipBomb => good,
        }
    }
}

fn gzip_bomb() -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing into a vector cannot fail.
    let _ = encoder.write_all(&vec![b' '; BOMB_BYTES]);
    encoder.finish().unwrap_or_default()
}

fn good_request(seed: u64) -> String {
    let mix = TrafficMix {
        multi_imp_per_mille: 0,
        lmt_per_mille: 0,
        dnt_per_mille: 0,
        coppa_per_mille: 0,
        test_per_mille: 0,
        local_currency_per_mille: 0,
        ..TrafficMix::usual()
    };
    let request = Generator::new(Dialect::xandr(), mix, seed).next_request();
    String::from_utf8(request.json).unwrap_or_default()
}

fn with_member(request: &str, key: &str, json: String) -> String {
    let mut request = RawObject::read(request).unwrap_or_default();
    request.set(key, json);
    request.write()
}

fn with_imp(request: &str, change: impl Fn(&mut RawObject<'_>)) -> String {
    let object = RawObject::read(request).unwrap_or_default();
    let imps: Vec<String> = object
        .objects("imp")
        .into_iter()
        .map(|mut imp| {
            change(&mut imp);
            imp.write()
        })
        .collect();
    with_member(request, "imp", format!("[{}]", imps.join(",")))
}

fn replace_id(request: &str, id: &[u8]) -> Vec<u8> {
    const MARK: &str = "\"id-goes-here\"";
    let marked = with_member(request, "id", MARK.to_owned());
    let Some(at) = marked.find(MARK) else { return marked.into_bytes() };
    let (before, after) = (&marked.as_bytes()[..at], &marked.as_bytes()[at + MARK.len()..]);
    [before, id, after].concat()
}
