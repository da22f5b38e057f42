//! Content categories of IAB taxonomy 1.0, the default of OpenRTB (`cattax` 1).
//!
//! Promises that a checked category exists in the taxonomy. Never maps between taxonomies: lists in another one do not
//! match anything here.

/// How many second-tier categories stand below `IAB1`, `IAB2`, .. `IAB26` (OpenRTB 2.5, list 5.1).
const SECOND_TIER: [u8; 26] =
    [7, 23, 12, 11, 15, 9, 45, 18, 31, 9, 5, 3, 12, 8, 10, 7, 44, 6, 36, 27, 3, 4, 10, 0, 7, 4];

/// Tells whether `text` is a category of the taxonomy, written as the standard does: `IAB7` or `IAB7-39`.
pub(crate) fn is_known(text: &str) -> bool {
    text.starts_with("IAB") && code(text).is_some()
}

/// A category of the taxonomy as a number, its first tier in the high byte; the letters may have any case.
pub(crate) fn code(text: &str) -> Option<u16> {
    let number = text.get(..3).filter(|head| head.eq_ignore_ascii_case("IAB")).and(text.get(3..))?;
    let (first, second) = match number.split_once('-') {
        Some((first, second)) => (first, Some(second)),
        None => (number, None),
    };
    let first = plain_number(first)?;
    let below = *usize::from(first).checked_sub(1).and_then(|index| SECOND_TIER.get(index))?;
    let second = match second {
        None => 0,
        Some(second) => plain_number(second).filter(|second| (1..=below).contains(second))?,
    };
    Some(u16::from_be_bytes([first, second]))
}

/// The category of the first tier that covers one.
pub(crate) const fn first_tier(code: u16) -> u16 {
    code & 0xFF00
}

/// Tells whether a blocked category covers one of ours: itself, or its first tier. `IAB7` covers `IAB7-39`; the reverse
/// does not hold, as a campaign names the narrowest category that it belongs to.
pub(crate) fn covers(blocked: &str, ours: &str) -> bool {
    let blocked = trimmed(blocked);
    let (Some(head), Some(tail)) = (ours.get(..blocked.len()), ours.get(blocked.len()..)) else { return false };
    !blocked.is_empty() && head.eq_ignore_ascii_case(blocked) && (tail.is_empty() || tail.starts_with('-'))
}

/// Without blanks around it, of which there are hardly ever any.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

fn plain_number(digits: &str) -> Option<u8> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
