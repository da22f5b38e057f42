//! The head that nearly all exchanges send: a POST to our path, with a length, and nothing that changes how it is framed.
//!
//! Promises: what it takes means to hyper the same. Of everything else it makes nothing: what is wrong with it, and what to
//! answer, is the other lane's to say. The bytes of a head are told apart by httparse, as hyper's are.

use std::mem::MaybeUninit;

use httparse::{Request, Status};

use super::body::{Encoding, encoding_of};
use super::reply::takes_gzip;

/// Header lines of a usual head.
const HEADERS_MAX: usize = 32;

/// Digits of a usual length.
const LENGTH_DIGITS_MAX: usize = 9;

/// What has come so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Come {
    /// A head that is as usual.
    Whole(UsualHead),
    /// The beginning of one, perhaps.
    Part,
    /// Something else.
    Unusual,
}

/// A usual head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UsualHead {
    /// Its length, with the blank line.
    pub(super) bytes: usize,
    /// The length of the body behind it.
    pub(super) body_bytes: usize,
    /// How that is packed.
    pub(super) encoding: Encoding,
    /// Whether the client takes gzip.
    pub(super) takes_gzip: bool,
}

/// Reads the head that bytes begin with.
pub(super) fn read(bytes: &[u8], bid_path: &str) -> Come {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = Request::new(&mut []);
    let head_bytes = match request.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(Status::Complete(head_bytes)) => head_bytes,
        Ok(Status::Partial) => return Come::Part,
        Err(_) => return Come::Unusual,
    };
    let is_ours = request.path.is_some_and(|target| is_path(target, bid_path));
    if request.method != Some("POST") || request.version != Some(1) || !is_ours {
        return Come::Unusual;
    }
    let (mut length, mut encoding, mut gzip) = (None, None, None);
    for line in &*request.headers {
        // Told apart by their length first: most are none of these.
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        let is_usual = match line.name.len() {
            6 if is("expect") => false,
            7 if is("upgrade") => false,
            10 if is("connection") => line.value.eq_ignore_ascii_case(b"keep-alive"),
            14 if is("content-length") => length.replace(line.value).is_none(),
            15 if is("accept-encoding") => gzip.replace(line.value).is_none(),
            16 if is("content-encoding") => encoding.replace(line.value).is_none(),
            17 if is("transfer-encoding") => false,
            _ => true,
        };
        if !is_usual {
            return Come::Unusual;
        }
    }
    let encoding = encoding.map_or(Some(Encoding::Identity), encoding_of);
    match (length.and_then(number), encoding) {
        (Some(body_bytes), Some(encoding)) => {
            let takes_gzip = takes_gzip(gzip.into_iter());
            Come::Whole(UsualHead { bytes: head_bytes, body_bytes, encoding, takes_gzip })
        }
        _ => Come::Unusual,
    }
}

/// Whether a target is that path, with a query or without one. What may stand in a query is hyper's to say where it is odd.
fn is_path(target: &str, path: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~');
    target.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('?') && rest.bytes().all(is_plain))
}

fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > LENGTH_DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &str) -> Come {
        read(format!("POST /bid HTTP/1.1\r\nhost: t\r\n{lines}\r\n").as_bytes(), "/bid")
    }

    #[test]
    fn what_changes_the_framing_or_cannot_be_read_is_unusual() {
        for lines in [
            "",
            "content-length: \r\n",
            "content-length: +3\r\n",
            "content-length: 3, 3\r\n",
            "content-length: 3\r\nContent-Length: 3\r\n",
            "content-length: 3\r\nTransfer-Encoding: chunked\r\n",
            "content-length: 3\r\nexpect: 100-continue\r\n",
            "content-length: 3\r\nUpgrade: h2c\r\n",
            "content-length: 3\r\nconnection: close\r\n",
            "content-length: 3\r\nconnection: keep-alive, te\r\n",
            "content-length: 3\r\ncontent-encoding: br\r\n",
            "content-length: 3\r\ncontent-encoding: gzip\r\ncontent-encoding: gzip\r\n",
            "content-length: 3\r\naccept-encoding: gzip\r\naccept-encoding: br\r\n",
            "content-length: 3\r\n folded: 1\r\n",
            "content-length : 3\r\n",
            "content-length: 9999999999\r\n",
        ] {
            assert_eq!(head(lines), Come::Unusual, "{lines:?}");
        }
        let many = "x: y\r\n".repeat(HEADERS_MAX);
        assert_eq!(head(&many), Come::Unusual);
        for line in [
            "GET /bid HTTP/1.1",
            "POST /bid HTTP/1.0",
            "POST /bids HTTP/1.1",
            "POST /bid?<> HTTP/1.1",
            "POST http://t/bid HTTP/1.1",
        ] {
            assert_eq!(
                read(format!("{line}\r\ncontent-length: 3\r\n\r\n").as_bytes(), "/bid"),
                Come::Unusual,
                "{line}"
            );
        }
    }

    #[test]
    fn a_usual_head_says_where_the_request_ends() {
        let lines =
            "Content-Length: 12\r\nconnection: Keep-Alive\r\nContent-Encoding: gzip\r\naccept-encoding: gzip\r\n";
        let text = format!("POST /bid?ssp=1 HTTP/1.1\r\nhost: t\r\n{lines}\r\n");
        let usual = UsualHead { bytes: text.len(), body_bytes: 12, encoding: Encoding::Gzip, takes_gzip: true };
        assert_eq!(read(text.as_bytes(), "/bid"), Come::Whole(usual));
        for end in 0..text.len() {
            assert_eq!(read(&text.as_bytes()[..end], "/bid"), Come::Part, "{end} bytes");
        }
    }
}
