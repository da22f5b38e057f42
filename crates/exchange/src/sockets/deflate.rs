//! Compresses an answer with a state that its thread keeps: making one costs twenty times what a small answer does.
//!
//! Promises one gzip member that any client inflates to the answer. Never keeps anything of an answer.

use std::cell::Cell;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// A member's head (RFC 1952): deflate, no name, no time, compressed fast, by a system that is not said.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// Bytes of checksum and length.
const FOOT: usize = 8;

thread_local! {
    /// Lent out while an answer is compressed; a panic meanwhile loses it.
    static STATE: Cell<Option<Box<Compress>>> = const { Cell::new(None) };
}

/// The answer as one gzip member; `None` where compressing fails, as in memory it does not.
pub(super) fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut state = STATE.take().unwrap_or_else(|| Box::new(Compress::new(Compression::fast(), false)));
    state.reset();
    let mut packed = Vec::with_capacity(HEAD.len() + body.len() / 2 + FOOT);
    packed.extend_from_slice(&HEAD);
    let whole = deflate(&mut state, body, &mut packed);
    STATE.set(Some(state));
    whole?;
    let mut crc = Crc::new();
    crc.update(body);
    packed.extend_from_slice(&crc.sum().to_le_bytes());
    packed.extend_from_slice(&crc.amount().to_le_bytes());
    Some(packed.into())
}

fn deflate(state: &mut Compress, body: &[u8], packed: &mut Vec<u8>) -> Option<()> {
    let mut rest = body;
    loop {
        let (taken, written) = (state.total_in(), packed.len());
        let status = state.compress_vec(rest, packed, FlushCompress::Finish).ok()?;
        if status == Status::StreamEnd {
            return Some(());
        }
        rest = rest.get(usize::try_from(state.total_in() - taken).ok()?..)?;
        let is_full = packed.len() == packed.capacity();
        if !is_full && packed.len() == written {
            return None;
        }
        packed.reserve(body.len() / 2 + FOOT);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn whatever_came_before_an_answer_is_inflated_to_itself() {
        let noise: Vec<u8> = (0..20_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let text = b"{\"id\":\"1\"}".repeat(400);
        for body in [&text[..], b"", &noise, b"short", &noise[..700], &text] {
            let packed = gzip(body).expect("memory");
            let mut inflated = Vec::new();
            GzDecoder::new(&packed[..]).read_to_end(&mut inflated).expect("it is gzip, and its checksum is right");
            assert!(inflated == body, "{} bytes", body.len());
        }
        assert!(gzip(&text).expect("memory").len() < text.len() / 10, "what repeats itself is packed");
    }
}
