//! Reads a notice's URL: which notice, whose token, what stands where the price and the loss reason should stand.
//!
//! Nothing here trusts the URL: whatever does not parse is a forged notice.

use exchange::{BILLING_PATH, LOSS_PARAM, LOSS_PATH, MIN_TO_WIN_PARAM, PRICE_PARAM, WIN_PATH};
use ledger::NoticeKind;

/// Each notice with the path that its token follows.
const PATHS: [(&str, NoticeKind); 3] =
    [(WIN_PATH, NoticeKind::Win), (BILLING_PATH, NoticeKind::Billing), (LOSS_PATH, NoticeKind::Loss)];

/// A notice's URL, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoticeUrl<'a> {
    pub(crate) kind: NoticeKind,
    pub(crate) token: &'a str,
    /// Percent-decoded; `None` if the parameter is absent.
    pub(crate) price: Option<String>,
    /// OpenRTB's code, as it stands.
    pub(crate) loss: Option<&'a str>,
    /// The least price that would have won, as it stands.
    pub(crate) min_to_win: Option<&'a str>,
}

/// Takes a path and query apart; `None` if it is no notice's.
pub(crate) fn parse<'a>(path: &'a str, query: Option<&'a str>) -> Option<NoticeUrl<'a>> {
    let of_kind = |(prefix, kind): (&str, NoticeKind)| Some((kind, path.strip_prefix(prefix)?));
    let (kind, token) = PATHS.into_iter().find_map(of_kind)?;
    let param = |name| {
        let mut pairs = query.unwrap_or_default().split('&');
        pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let (price, loss) = (param(PRICE_PARAM).map(percent_decode), param(LOSS_PARAM));
    Some(NoticeUrl { kind, token, price, loss, min_to_win: param(MIN_TO_WIN_PARAM) })
}

/// Decodes `%41`; what is no escape stays as it is, for a price that is none is recorded as such.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_url_is_taken_apart() {
        let url = parse("/billing/abc", Some("price=1.25&x=y")).expect("a notice's URL");
        let price = Some("1.25".to_owned());
        assert_eq!(url, NoticeUrl { kind: NoticeKind::Billing, token: "abc", price, loss: None, min_to_win: None });
        assert_eq!(parse("/loss/abc", Some("price=&loss=102&mtw=1")).expect("a notice's URL").loss, Some("102"));
        assert_eq!(parse("/win/abc", Some("price=2&mtw=1.5")).expect("a notice's URL").min_to_win, Some("1.5"));
        assert_eq!(parse("/win/abc", None).expect("a notice's URL").price, None);
        assert_eq!(parse("/loss/abc", Some("price=")).expect("a notice's URL").price.as_deref(), Some(""));
    }

    #[test]
    fn what_is_no_notice_is_none() {
        assert_eq!(parse("/", None), None);
        assert_eq!(parse("/win", None), None);
        assert_eq!(parse("/click/abc", None), None);
    }

    #[test]
    fn percent_escapes_are_decoded_and_broken_ones_kept() {
        assert_eq!(percent_decode("%24%7BAUCTION_PRICE%7D"), "${AUCTION_PRICE}");
        assert_eq!(percent_decode("1%2"), "1%2");
        assert_eq!(percent_decode("%zz%%31"), "%zz%1");
    }
}
