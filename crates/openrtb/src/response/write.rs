//! A response as JSON, straight into a buffer.
//!
//! Never: a detour through a tree of values, or a float.

use std::borrow::Cow;
use std::io::Write;

use money::{Cpm, Currency};

use super::{Bid, BidExt, BidResponse, SeatBid};
use crate::lenient::plain_length;
use crate::{EventNotificationToken, Nbr};

/// Appends the response to a buffer as one JSON object.
///
/// # Examples
/// ```
/// use money::Cpm;
/// use openrtb::{Bid, BidResponse, SeatBid, write_response};
/// let bid = Bid { id: "b".into(), impid: "1".into(), price: Cpm(1_250_000), w: Some(300), ..Bid::default() };
/// let seat = SeatBid { bid: vec![bid], ..SeatBid::default() };
/// let response = BidResponse { id: "a".into(), seatbid: vec![seat], ..BidResponse::default() };
/// let mut body = Vec::new();
/// write_response(&mut body, &response);
/// assert_eq!(body, br#"{"id":"a","seatbid":[{"bid":[{"id":"b","impid":"1","price":1.25,"w":300}]}]}"#);
/// ```
pub fn write_response(out: &mut Vec<u8>, response: &BidResponse<'_>) {
    response.put(out);
}

/// A value that knows its JSON.
trait Put {
    /// Says whether the field is left out.
    fn is_absent(&self) -> bool {
        false
    }

    fn put(&self, out: &mut Vec<u8>);
}

impl Put for Cow<'_, str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self);
    }
}

impl<T: Put> Put for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn put(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.put(out);
        }
    }
}

impl<T: Put> Put for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, self);
    }
}

impl Put for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(if *self { b'1' } else { b'0' });
    }
}

impl Put for Currency {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self.as_str());
    }
}

macro_rules! number {
    ($($type:ty),*) => { $(
        impl Put for $type {
            fn put(&self, out: &mut Vec<u8>) {
                // Writing into a vector cannot fail.
                let _ = write!(out, "{self}");
            }
        }
    )* };
}

number!(Cpm, Nbr);

impl Put for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        put_digits(out, u64::from(*self));
    }
}

impl Put for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        if self.is_negative() {
            out.push(b'-');
        }
        put_digits(out, self.unsigned_abs());
    }
}

/// Digit by digit: what formatting prepares costs several times as much.
fn put_digits(out: &mut Vec<u8>, mut value: u64) {
    // As many as an u64 has.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Writes an object: fields that must be there, then those that may.
macro_rules! fields {
    ($out:ident, $object:ident: $first:ident $(, $required:ident)*; $($optional:ident),* $(,)?) => {
        $out.extend_from_slice(concat!("{\"", stringify!($first), "\":").as_bytes());
        $object.$first.put($out);
        $(
            $out.extend_from_slice(concat!(",\"", stringify!($required), "\":").as_bytes());
            $object.$required.put($out);
        )*
        $(
            if !$object.$optional.is_absent() {
                $out.extend_from_slice(concat!(",\"", stringify!($optional), "\":").as_bytes());
                $object.$optional.put($out);
            }
        )*
        $out.push(b'}');
    };
}

impl Put for BidResponse<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        fields!(out, self: id, seatbid; bidid, cur, customdata, nbr);
    }
}

impl Put for SeatBid<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        fields!(out, self: bid; seat, group);
    }
}

impl Put for Bid<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        fields!(out, self: id, impid, price;
            adid, adomain, bundle, iurl, cid, crid, tactic, cattax, cat, attr, apis, protocol, qagmediarating, language,
            dealid, w, h, exp, dur, mtype, nurl, burl, lurl, adm, ext);
    }
}

impl Put for BidExt<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        fields!(out, self: event_notification_token;);
    }
}

impl Put for EventNotificationToken<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        fields!(out, self: payload;);
    }
}

fn put_list<T: Put>(out: &mut Vec<u8>, list: &[T]) {
    out.push(b'[');
    for (index, value) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value.put(out);
    }
    out.push(b']');
}

/// Writes a JSON string (RFC 8259, section 7): quotes, backslashes and control characters are escaped.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = first_special(rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        match special[0] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &special[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The first byte that cannot stand in a JSON string as it is.
fn first_special(text: &[u8]) -> Option<usize> {
    // Eight at a time, and what is left one by one.
    let plain = plain_length(text);
    let found = text[plain..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    found.map(|at| plain + at)
}
