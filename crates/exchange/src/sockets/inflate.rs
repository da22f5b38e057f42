//! Inflates a body with a state that its thread keeps: making one costs as much as inflating a small request.
//!
//! Promises that a body is inflated as with a fresh state, whatever the one before it was, and that no more than the limit is
//! held. The whole body is there, and is inflated in one go: nothing is copied into a window for later.

use std::cell::Cell;

use bytes::Bytes;
use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::body::BodyError;

/// Most members of a body. Nobody sends more than one; each costs as much to begin as a small request does to inflate, however
/// little is in it.
const MEMBERS_MAX: usize = 16;

/// A member's head (RFC 1952): its fixed part, how it begins, and what its flags say to follow.
const HEAD: usize = 10;
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const HEAD_CHECKED: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

thread_local! {
    /// Lent out while a body is inflated; a panic meanwhile loses it.
    static STATE: Cell<Option<Box<Decompress>>> = const { Cell::new(None) };
}

/// Inflates all members of a body to at most `bytes_max` bytes.
pub(super) fn inflate(raw: &[u8], bytes_max: usize) -> Result<Bytes, BodyError> {
    // Requests shrink to a third or so; a bomb must earn its memory step by step.
    let mut bytes = Vec::with_capacity((raw.len() * 4).min(bytes_max));
    let mut state = STATE.take().unwrap_or_else(|| Box::new(Decompress::new(false)));
    let mut rest = Ok(raw);
    for _ in 0..MEMBERS_MAX {
        rest = rest.and_then(|rest| member(&mut state, rest, &mut bytes, bytes_max));
        if !rest.is_ok_and(|rest| !rest.is_empty()) {
            break;
        }
    }
    STATE.set(Some(state));
    // What follows a member is another one, or no gzip.
    if rest?.is_empty() { Ok(bytes.into()) } else { Err(BodyError::BadGzip) }
}

/// Inflates one member; gives what follows it.
fn member<'r>(
    state: &mut Decompress,
    raw: &'r [u8],
    bytes: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<&'r [u8], BodyError> {
    let begins = bytes.len();
    let packed = behind_head(raw).ok_or(BodyError::BadGzip)?;
    let rest = body(state, packed, bytes, bytes_max)?;
    let mut crc = Crc::new();
    crc.update(&bytes[begins..]);
    let (sum, rest) = rest.split_first_chunk().ok_or(BodyError::BadGzip)?;
    let (amount, rest) = rest.split_first_chunk().ok_or(BodyError::BadGzip)?;
    let is_sound = (u32::from_le_bytes(*sum), u32::from_le_bytes(*amount)) == (crc.sum(), crc.amount());
    if is_sound { Ok(rest) } else { Err(BodyError::BadGzip) }
}

/// Inflates what a member packs; gives what follows.
fn body<'r>(
    state: &mut Decompress,
    packed: &'r [u8],
    bytes: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<&'r [u8], BodyError> {
    state.reset(false);
    loop {
        let left = usize::try_from(state.total_in()).ok().and_then(|taken| packed.get(taken..));
        let left = left.ok_or(BodyError::BadGzip)?;
        let (length, taken) = (bytes.len(), state.total_in());
        let status = state.decompress_vec(left, bytes, FlushDecompress::Finish).map_err(|_| BodyError::BadGzip)?;
        if bytes.len() > bytes_max {
            return Err(BodyError::InflatesTooLarge);
        }
        if status == Status::StreamEnd {
            let taken = usize::try_from(state.total_in()).map_err(|_| BodyError::BadGzip)?;
            return packed.get(taken..).ok_or(BodyError::BadGzip);
        }
        if bytes.len() < bytes.capacity() && (bytes.len(), state.total_in()) == (length, taken) {
            return Err(BodyError::BadGzip); // It ends before its end.
        }
        if bytes.len() == bytes.capacity() {
            // One byte beyond the limit shows that there are more.
            bytes.reserve_exact((bytes.len().max(64)).min(bytes_max + 1 - bytes.len()));
        }
    }
}

/// What follows a member's head.
fn behind_head(raw: &[u8]) -> Option<&[u8]> {
    let (head, mut rest) = raw.split_at_checked(HEAD)?;
    let flags = head[3];
    if !head.starts_with(&MAGIC) || flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            rest = &rest[memchr::memchr(0, rest)? + 1..];
        }
    }
    if flags & HEAD_CHECKED != 0 {
        let mut crc = Crc::new();
        crc.update(&raw[..raw.len() - rest.len()]);
        let (sum, behind) = rest.split_first_chunk()?;
        if u32::from(u16::from_le_bytes(*sum)) != crc.sum() & 0xFFFF {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

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
            assert_eq!(inflate(&body, MAX), afresh(&body), "body {at}");
            assert_eq!(inflate(&sound, MAX), Ok(Bytes::from_static(b"in between")), "after body {at}");
        }
    }

    #[test]
    fn a_body_of_many_members_is_none_of_ours() {
        let member = packed(b"a", GzBuilder::new());
        let of = |members: usize| inflate(&member.repeat(members), MAX);
        assert_eq!(of(MEMBERS_MAX), Ok(Bytes::from(vec![b'a'; MEMBERS_MAX])));
        assert_eq!(of(MEMBERS_MAX + 1), Err(BodyError::BadGzip));
        assert_eq!(of(1), Ok(Bytes::from_static(b"a")), "and the state is as before");
    }
}
