//! Eight bytes of text at a time, as one number.
//!
//! Promises to find the first byte that is wanted; what is said of bytes behind it may be wrong, as a carry goes that way.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
/// Flips a quote to just below the blank, and leaves control characters below it.
const FLIP: u64 = u64::from_le_bytes([2; 8]);
const BEHIND_BLANKS: u64 = u64::from_le_bytes([b' ' + 1; 8]);
const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
/// What lifts ten, and all above it, to the highest bit.
const ABOVE_NINE: u64 = u64::from_le_bytes([0x80 - 10; 8]);

/// The high bit of the first byte that is a quote, a backslash or a control character; of later ones perhaps, too.
#[inline(always)]
pub(super) const fn ends_of_plain_text(word: u64) -> u64 {
    let quotes_and_controls = (word ^ FLIP).wrapping_sub(BEHIND_BLANKS);
    let backslashes = (word ^ BACKSLASHES).wrapping_sub(ONES);
    (quotes_and_controls | backslashes) & !word & HIGHS
}

/// How many digits a word begins with: eight if there is nothing else.
#[inline(always)]
pub(super) const fn digits(word: u64) -> usize {
    let values = word ^ ZEROS;
    let others = (values.wrapping_add(ABOVE_NINE) | values) & HIGHS;
    others.trailing_zeros() as usize / 8
}

/// The number that the first `count` digits of a word make; one to seven.
#[inline(always)]
pub(super) const fn number_of(word: u64, count: usize) -> u32 {
    let values = word ^ ZEROS;
    if count == 1 {
        return (values & 0xFF) as u32;
    }
    // The first digit lowest; zeros before it.
    let values = values << (64 - 8 * count);
    let pairs = (values.wrapping_mul(10).wrapping_add(values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) as u32
}

/// How many bytes come before the first quote, backslash or control character, looked at eight at a time: when it says fewer,
/// fewer than eight were left.
#[inline]
pub(crate) fn plain_length(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let found = ends_of_plain_text(u64::from_le_bytes(*chunk));
        if found != 0 {
            return text.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    text.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place, among neighbours that a carry could reach.
    fn words() -> impl Iterator<Item = [u8; 8]> {
        let around = [b'a', 0x7f, 0x80, 0xff, b' ', b'!', b'0', b'9', b'#', b'['];
        let places = (0..8).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte)));
        places.flat_map(move |(at, byte)| {
            around.map(|around| {
                let mut word = [around; 8];
                word[at] = byte;
                word
            })
        })
    }

    #[test]
    fn the_first_end_of_plain_text_is_found_whatever_stands_around_it() {
        for word in words() {
            let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..=0x1f);
            let found = ends_of_plain_text(u64::from_le_bytes(word)).trailing_zeros() as usize / 8;
            assert_eq!(found, word.iter().position(ends).unwrap_or(8), "{word:x?}");
        }
    }

    #[test]
    fn digits_are_counted_whatever_stands_behind_them() {
        for word in words() {
            let first = word.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(8);
            assert_eq!(digits(u64::from_le_bytes(word)), first, "{word:x?}");
        }
    }

    #[test]
    fn a_number_is_that_of_its_digits() {
        for count in 1..=7 {
            for number in (0..10_u32.pow(count)).step_by(if count < 5 { 1 } else { 977 }) {
                for behind in [b',', b'}', b'9', 0xff] {
                    let mut word = [behind; 8];
                    let text = format!("{number:0width$}", width = count as usize);
                    word[..count as usize].copy_from_slice(text.as_bytes());
                    assert_eq!(number_of(u64::from_le_bytes(word), count as usize), number, "{text}");
                }
            }
        }
    }
}
