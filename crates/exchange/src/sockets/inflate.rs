//! Inflates a body with a state that its thread keeps: making one costs as much as inflating a small request.
//!
//! Promises that a body is inflated as with a fresh state, whatever the one before it was, and that no more than the limit is
//! held. Never keeps anything of a body.

use std::cell::Cell;
use std::io::Read;

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use flate2::bufread::GzDecoder;

use super::body::BodyError;

type Decoder = GzDecoder<Reader<Bytes>>;

/// Most members of a body. Nobody sends more than one; each costs as much to begin as a small request does to inflate, however
/// little is in it.
const MEMBERS_MAX: usize = 16;

thread_local! {
    /// Lent out while a body is inflated; a panic meanwhile loses it.
    static DECODER: Cell<Option<Box<Decoder>>> = const { Cell::new(None) };
}

/// Inflates all members of a body to at most `bytes_max` bytes.
pub(super) fn inflate(raw: Bytes, bytes_max: usize) -> Result<Bytes, BodyError> {
    // Requests shrink to a third or so; a bomb must earn its memory step by step.
    let mut bytes = Vec::with_capacity((raw.len() * 4).min(bytes_max));
    let mut decoder = match DECODER.take() {
        Some(mut decoder) => {
            decoder.reset(raw.reader());
            decoder
        }
        None => Box::new(GzDecoder::new(raw.reader())),
    };
    let inflated = members(&mut decoder, &mut bytes, bytes_max);
    decoder.reset(Bytes::new().reader());
    DECODER.set(Some(decoder));
    inflated.map(|()| bytes.into())
}

fn members(decoder: &mut Decoder, bytes: &mut Vec<u8>, bytes_max: usize) -> Result<(), BodyError> {
    for _ in 0..MEMBERS_MAX {
        let left = (bytes_max - bytes.len()) as u64;
        decoder.by_ref().take(left + 1).read_to_end(bytes).map_err(|_| BodyError::BadGzip)?;
        if bytes.len() > bytes_max {
            return Err(BodyError::InflatesTooLarge);
        }
        let rest = std::mem::take(decoder.get_mut().get_mut());
        if rest.is_empty() {
            return Ok(());
        }
        // What follows a member is another one, or no gzip.
        decoder.reset(rest.reader());
    }
    Err(BodyError::BadGzip)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::bufread::MultiGzDecoder;
    use flate2::{Compression, GzBuilder};

    use super::*;

    const MAX: usize = 4_000;

    fn afresh(raw: &[u8]) -> Result<Bytes, BodyError> {
        let mut bytes = Vec::new();
        MultiGzDecoder::new(raw).take(MAX as u64 + 1).read_to_end(&mut bytes).map_err(|_| BodyError::BadGzip)?;
        if bytes.len() > MAX { Err(BodyError::InflatesTooLarge) } else { Ok(bytes.into()) }
    }

    fn packed(text: &[u8], builder: GzBuilder) -> Vec<u8> {
        let mut encoder = builder.write(Vec::new(), Compression::default());
        encoder.write_all(text).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    fn bodies() -> Vec<Vec<u8>> {
        let text: Vec<u8> = (0..900_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let plain = packed(&text, GzBuilder::new());
        let named = packed(b"short", GzBuilder::new().filename("a").comment("b").extra(vec![7; 300]));
        let mut bodies = vec![Vec::new(), plain.clone(), named.clone(), packed(b"", GzBuilder::new())];
        bodies.push([&named[..], &named, &plain].concat());
        bodies.push([&named[..], b"no gzip"].concat());
        bodies.push(packed(&vec![b'x'; MAX], GzBuilder::new()));
        bodies.push(packed(&vec![b'x'; MAX + 1], GzBuilder::new()));
        bodies.push([&plain[..], &plain].concat());
        bodies
            .extend((0..plain.len()).step_by(61).chain(plain.len() - 9..plain.len()).map(|end| plain[..end].to_vec()));
        bodies.extend((0..named.len()).map(|end| named[..end].to_vec()));
        bodies.extend((0..plain.len()).step_by(37).map(|at| {
            let mut damaged = plain.clone();
            damaged[at] ^= 0x41;
            damaged
        }));
        bodies
    }

    #[test]
    fn a_kept_state_inflates_what_a_fresh_one_does_whatever_came_before() {
        let sound = packed(b"in between", GzBuilder::new());
        for (at, body) in bodies().into_iter().enumerate() {
            assert_eq!(inflate(body.clone().into(), MAX), afresh(&body), "body {at}");
            assert_eq!(inflate(sound.clone().into(), MAX), Ok(Bytes::from_static(b"in between")), "after body {at}");
        }
    }

    #[test]
    fn a_body_of_many_members_is_none_of_ours() {
        let member = packed(b"a", GzBuilder::new());
        let of = |members: usize| inflate(member.repeat(members).into(), MAX);
        assert_eq!(of(MEMBERS_MAX), Ok(Bytes::from(vec![b'a'; MEMBERS_MAX])));
        assert_eq!(of(MEMBERS_MAX + 1), Err(BodyError::BadGzip));
        assert_eq!(of(1), Ok(Bytes::from_static(b"a")), "and the state is as before");
    }

    #[test]
    fn nothing_of_a_body_is_kept() {
        let sound = packed(b"once", GzBuilder::new());
        let mut damaged = sound.clone();
        damaged[12] ^= 0xFF;
        let long = packed(&vec![b'x'; MAX + 1], GzBuilder::new());
        let cut = sound[..sound.len() / 2].to_vec();
        let begun = [&sound[..], b"no gzip"].concat();
        for (body, is_sound) in [(sound, true), (cut, false), (damaged, false), (long, false), (begun, false)] {
            let body = Bytes::from(body);
            assert_eq!(inflate(body.clone(), MAX).is_ok(), is_sound);
            assert!(body.is_unique(), "the state has let it go");
        }
    }
}
