//! Which requests are shed: those of the classes that are worth least, guaranteed deals last.

use super::class::{CLASSES, Class};
use super::control::WHOLE;

/// Of every class so much is kept, in thousandths: what nobody asks about is never known to be worth more.
const KEPT_MIN: u16 = 10;

/// What is known of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// How many of its requests came lately.
    pub seen: u64,
    /// What one of them is worth: the bids on it, on average.
    pub worth: u64,
}

/// How much of each class is shed, in thousandths, so that `share` of all requests is.
///
/// Less than that only where too much is guaranteed by [`Class::is_guaranteed`] and by what is always kept.
#[must_use]
pub fn plan(sights: &[Sight; CLASSES], share: u16) -> Box<[u16; CLASSES]> {
    let mut shed = Box::new([0; CLASSES]);
    let total: u64 = sights.iter().map(|sight| sight.seen).sum();
    let mut left = total * u64::from(share.min(WHOLE)) / u64::from(WHOLE);
    let mut order: Vec<usize> = (0..CLASSES).filter(|at| sights[*at].seen > 0).collect();
    order.sort_by_key(|at| (Class::at(*at).is_guaranteed(), sights[*at].worth, *at));
    for at in order {
        if left == 0 {
            break;
        }
        let seen = sights[at].seen;
        let most = WHOLE - KEPT_MIN;
        let of_class = (left * u64::from(WHOLE)).div_ceil(seen).min(u64::from(most));
        shed[at] = u16::try_from(of_class).unwrap_or(most);
        left = left.saturating_sub((seen * of_class).div_ceil(u64::from(WHOLE)));
    }
    shed
}
