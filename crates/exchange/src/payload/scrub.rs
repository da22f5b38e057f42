//! Takes ids and addresses out of a payload that may not even be JSON.
//!
//! What is known to be harmless keeps its value, and what OpenRTB names keeps its name; everything else keeps its shape only:
//! letters become `x`, digits `9`. So the engineer still sees lengths, signs, exponents and structure, which is what parsers die of. It works on bytes and never fails.

/// Keys whose scalar values say nothing about a person.
const HARMLESS: [&str; 58] = [
    "acat",
    "allimps",
    "api",
    "at",
    "attr",
    "banner",
    "bapp",
    "battr",
    "bcat",
    "bidfloor",
    "bidfloorcur",
    "btype",
    "cat",
    "cattax",
    "coppa",
    "country",
    "cur",
    "deals",
    "devicetype",
    "displaymanager",
    "dnt",
    "exp",
    "expdir",
    "format",
    "gdpr",
    "guar",
    "h",
    "hratio",
    "instl",
    "js",
    "linearity",
    "lmt",
    "maxduration",
    "mimes",
    "minduration",
    "mtype",
    "os",
    "placement",
    "plcmt",
    "pos",
    "private_auction",
    "protocols",
    "rwdd",
    "secure",
    "skip",
    "startdelay",
    "test",
    "tmax",
    "topframe",
    "type",
    "ver",
    "w",
    "wmin",
    "wratio",
    "wseat",
    "connectiontype",
    "mobile",
    "language",
];

/// The standard's other names. A key outside of both lists may be anything, an address too, and is masked.
const NAMED: [&str; 66] = [
    "app",
    "asi",
    "audio",
    "badv",
    "bidrequest",
    "bseat",
    "bundle",
    "buyer",
    "buyeruid",
    "carrier",
    "city",
    "clickbrowser",
    "complete",
    "consent",
    "content",
    "customdata",
    "data",
    "device",
    "domain",
    "dooh",
    "eids",
    "ext",
    "gender",
    "geo",
    "gpp",
    "gpp_sid",
    "hp",
    "hwv",
    "id",
    "ifa",
    "imp",
    "inserter",
    "ip",
    "ipv6",
    "keywords",
    "lat",
    "lon",
    "make",
    "metric",
    "model",
    "name",
    "native",
    "nodes",
    "osv",
    "page",
    "pmp",
    "publisher",
    "ref",
    "regs",
    "region",
    "request",
    "rid",
    "schain",
    "segment",
    "sid",
    "site",
    "source",
    "storeurl",
    "tagid",
    "ua",
    "uids",
    "us_privacy",
    "user",
    "video",
    "wadomain",
    "yob",
];

/// Nesting beyond which everything counts as harmful.
const DEPTH_MAX: usize = 64;

/// The payload with harmless values only. Bytes that are no UTF-8 become replacement characters.
#[must_use]
pub fn scrub(payload: &[u8]) -> String {
    let mut out = Vec::with_capacity(payload.len());
    // Whether values at each depth are harmless, by the key that leads to them.
    let mut harmless = vec![false];
    let mut at = 0;
    while let Some(&byte) = payload.get(at) {
        let keep = harmless.len() <= DEPTH_MAX && harmless.last().copied().unwrap_or(false);
        match byte {
            b'"' => {
                let end = string_end(payload, at);
                let text = &payload[at..end];
                if is_key(payload, end) {
                    let name = text.get(1..text.len() - 1).unwrap_or_default();
                    let among = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
                    let is_harmless = among(&HARMLESS);
                    if let Some(last) = harmless.last_mut() {
                        *last = is_harmless;
                    }
                    mask_unless(is_harmless || among(&NAMED), text, &mut out);
                } else {
                    mask_unless(keep, text, &mut out);
                }
                at = end;
                continue;
            }
            // An object's own keys decide; an array's elements go by the array's key.
            b'{' => harmless.push(false),
            b'[' => harmless.push(keep),
            b'}' | b']' if harmless.len() > 1 => {
                harmless.pop();
            }
            _ => {}
        }
        out.push(if keep || is_literal(payload, at) { byte } else { masked(byte) });
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// One past the closing quote, or the end of an unfinished string.
fn string_end(payload: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = payload.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    payload.len()
}

fn is_key(payload: &[u8], after: usize) -> bool {
    payload[after.min(payload.len())..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// A letter of `true`, `false` or `null`.
fn is_literal(payload: &[u8], at: usize) -> bool {
    [&b"true"[..], b"false", b"null"].iter().any(|literal| {
        let from = at.saturating_sub(literal.len() - 1);
        (from..=at).any(|start| payload[start..].starts_with(literal) && at < start + literal.len())
    })
}

fn mask_unless(keep: bool, text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(|byte| if keep { *byte } else { masked(*byte) }));
}

fn masked(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'9',
        b'e' | b'E' => byte, // an exponent, and in a word of no use
        b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'x',
        _ => byte,
    }
}
