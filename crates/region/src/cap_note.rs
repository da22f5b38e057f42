//! What the journal of open bids is made of: notes, in blocks with a checksum.
//!
//! Promises that what is read was written whole: a block that was cut short, and all that follows it, is not read.
//!
//! # Form
//!
//! All numbers are little-endian. A file begins with [`HEAD`]. A block is the number of its notes (4 bytes), the last event that
//! was applied before it (8), its notes, and a checksum (8). A note is its kind (1), the subject's number (8), the user's key
//! (16), the bid's token (16), and when it expires (8).

use std::collections::HashMap;
use std::io;

use ledger::{CapKey, CapSubject, TokenId};

use crate::cap_table::CarriedOpen;

/// The first bytes of a journal: its name and version.
const HEAD: [u8; 8] = *b"TMBCAPS1";
const NOTE_BYTES: usize = 49;
const OPEN: u8 = 1;
const END: u8 = 2;

/// A change of what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// A bid is out, or is held for longer.
    Open(CarriedOpen),
    /// It is billed, lost or expired, or was not sent.
    End(CarriedOpen),
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) open: Vec<CarriedOpen>,
    /// The last event of the region that was applied to them.
    pub(crate) followed: u64,
    /// Bytes at its end that are no whole block: cut short, or damaged.
    pub(crate) unread: usize,
}

/// A block, after the head of a file if it is the first.
pub(crate) fn encode(notes: &[Note], followed: u64, is_first: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD.len() + 20 + notes.len() * NOTE_BYTES);
    if is_first {
        bytes.extend(HEAD);
    }
    let from = bytes.len();
    bytes.extend(u32::try_from(notes.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(followed.to_le_bytes());
    for note in notes {
        let (kind, open) = match note {
            Note::Open(open) => (OPEN, open),
            Note::End(open) => (END, open),
        };
        bytes.push(kind);
        bytes.extend(open.subject.code().to_le_bytes());
        bytes.extend(open.key.0);
        bytes.extend(open.bid.0);
        bytes.extend(open.expires_ms.to_le_bytes());
    }
    let sum = checksum(&bytes[from..]);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// Reads a file, up to where it was cut short.
///
/// # Errors
///
/// It is no journal of this version.
pub(crate) fn decode(bytes: &[u8]) -> io::Result<Left> {
    let no_journal = || io::Error::new(io::ErrorKind::InvalidData, "it is no journal of open bids of this version");
    let mut rest = bytes.strip_prefix(&HEAD).ok_or_else(no_journal)?;
    let mut open: HashMap<(TokenId, CapSubject), CarriedOpen> = HashMap::new();
    let mut followed = 0;
    while let Some((block, after)) = next_block(rest) {
        followed = block.followed;
        for note in block.notes.chunks_exact(NOTE_BYTES).filter_map(note) {
            match note {
                Note::Open(bid) => drop(open.insert((bid.bid, bid.subject), bid)),
                Note::End(bid) => drop(open.remove(&(bid.bid, bid.subject))),
            }
        }
        rest = after;
    }
    Ok(Left { open: open.into_values().collect(), followed, unread: rest.len() })
}

struct Block<'a> {
    followed: u64,
    notes: &'a [u8],
}

fn next_block(bytes: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let (count, rest) = bytes.split_first_chunk()?;
    let (followed, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(NOTE_BYTES)?;
    let (notes, rest) = rest.split_at_checked(length)?;
    let (sum, after) = rest.split_first_chunk()?;
    let whole = &bytes[..12 + length];
    let is_whole = checksum(whole) == u64::from_le_bytes(*sum);
    is_whole.then_some((Block { followed: u64::from_le_bytes(*followed), notes }, after))
}

fn note(bytes: &[u8]) -> Option<Note> {
    let (kind, rest) = bytes.split_first()?;
    let (subject, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (bid, rest) = rest.split_first_chunk()?;
    let open = CarriedOpen {
        subject: CapSubject::from_code(i64::from_le_bytes(*subject))?,
        key: CapKey(*key),
        bid: TokenId(*bid),
        expires_ms: i64::from_le_bytes(*rest.first_chunk()?),
    };
    match *kind {
        OPEN => Some(Note::Open(open)),
        END => Some(Note::End(open)),
        _ => None,
    }
}

/// FNV-1a: against writes that were cut short, not against people.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use campaign::{CampaignId, CreativeId};

    use super::*;

    fn open(number: u8, expires_ms: i64) -> CarriedOpen {
        let subject = if number.is_multiple_of(2) { CampaignId(7).into() } else { CreativeId(9).into() };
        CarriedOpen { subject, key: CapKey([number; 16]), bid: TokenId([number; 16]), expires_ms }
    }

    fn sorted(mut left: Left) -> Left {
        left.open.sort_by_key(|open| open.bid.0);
        left
    }

    #[test]
    fn what_is_open_at_the_end_is_read_back_with_its_last_expiry() {
        let mut bytes = encode(&[Note::Open(open(1, 10)), Note::Open(open(2, 20)), Note::Open(open(3, 30))], 5, true);
        bytes.extend(encode(&[Note::End(open(1, 0)), Note::Open(open(2, 99)), Note::Open(open(4, 40))], 8, false));
        let expected = Left { open: vec![open(2, 99), open(3, 30), open(4, 40)], followed: 8, unread: 0 };
        assert_eq!(sorted(decode(&bytes).unwrap()), expected);
    }

    /// Wherever the last write was cut short: what was written before it stands, and nothing of it does.
    #[test]
    fn a_block_that_was_cut_short_is_not_read() {
        let first = encode(&[Note::Open(open(1, 10)), Note::Open(open(2, 20))], 5, true);
        let mut bytes = first.clone();
        bytes.extend(encode(&[Note::End(open(1, 0)), Note::Open(open(4, 40))], 8, false));
        for end in first.len()..bytes.len() {
            let left = sorted(decode(&bytes[..end]).unwrap());
            let unread = end - first.len();
            assert_eq!(left, Left { open: vec![open(1, 10), open(2, 20)], followed: 5, unread }, "{end} bytes");
        }
        let mut damaged = bytes.clone();
        damaged[first.len() + 30] ^= 1;
        let left = decode(&damaged).unwrap();
        assert_eq!((left.followed, left.unread), (5, bytes.len() - first.len()));
        assert_eq!(decode(&bytes).unwrap().followed, 8);
        assert!(decode(b"TMBCAPS0").is_err() && decode(b"").is_err());
    }
}
