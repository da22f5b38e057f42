//! Advertiser domains: what `adomain` may hold and what a `badv` entry covers.
//!
//! Promises comparison by whole labels: `ample.com` never covers `example.com`. Never resolves a name.

/// The longest domain name that DNS carries, in bytes (RFC 1035, 2.3.4, without the root's dot).
const DOMAIN_BYTES_MAX: usize = 253;
/// The longest label of a domain name, in bytes (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// Tells whether `text` is a bare domain in lower case, such as `shop.example`.
pub(crate) fn is_bare(text: &str) -> bool {
    let label = |label: &str| {
        let letters = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let edges = !label.starts_with('-') && !label.ends_with('-');
        letters && edges && (1..=LABEL_BYTES_MAX).contains(&label.len())
    };
    text.len() <= DOMAIN_BYTES_MAX && text.contains('.') && text.split('.').all(label)
}

/// Tells whether a `badv` entry covers our domain: the domain itself or one above it. Tolerates what exchanges send: any
/// case, a scheme, a path, a leading `www.`.
pub(crate) fn covers(blocked: &str, ours: &str) -> bool {
    let bytes = blocked.as_bytes();
    // Nearly every entry is a bare domain that ends otherwise than ours: a list is long, and this is all that it costs.
    let is_plain =
        bytes.iter().fold(true, |plain, byte| plain & (byte.is_ascii_alphanumeric() | matches!(byte, b'.' | b'-')));
    let ends_alike = || bytes.last().map(u8::to_ascii_lowercase) == ours.bytes().last();
    if is_plain && !ends_alike() && !bytes.ends_with(b".") {
        return false;
    }
    covers_tidied(blocked, ours)
}

fn covers_tidied(blocked: &str, ours: &str) -> bool {
    let bare = blocked.trim();
    let bare = bare.split_once("://").map_or(bare, |(_scheme, rest)| rest);
    let bare = bare.split(['/', ':', '?']).next().unwrap_or_default();
    let bare = bare.trim_matches('.');
    let bare = match bare.get(..4) {
        Some(www) if www.eq_ignore_ascii_case("www.") => &bare[4..],
        _ => bare,
    };
    let Some(start) = ours.len().checked_sub(bare.len()) else { return false };
    let whole_labels = start == 0 || ours.as_bytes()[start - 1] == b'.';
    !bare.is_empty() && whole_labels && ours.as_bytes()[start..].eq_ignore_ascii_case(bare.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_says_what_the_long_one_says() {
        let ours = ["shop.example", "example.com", "a-b.shop.example", "x9.org"];
        let blocked = [
            "example",
            "EXAMPLE",
            "shop.example",
            "Shop.Example.",
            ".example",
            "www.shop.example",
            "ample",
            "example.com",
            "https://shop.example/path",
            "shop.example:443",
            "shop.example?x",
            " shop.example ",
            "",
            ".",
            "-",
            "org",
            "9.org",
            "X9.ORG",
            "b.shop.example",
            "www.",
            "example.co",
            "exämple",
            "shop.example\t",
            "com",
            "com/",
            "COM.",
            "m",
        ];
        for ours in ours {
            for blocked in blocked {
                assert_eq!(covers(blocked, ours), covers_tidied(blocked, ours), "{blocked:?} and {ours}");
            }
        }
    }
}
