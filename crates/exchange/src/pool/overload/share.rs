//! Who sheds: exchanges of lower priority for the sake of those above them, then each for itself.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use super::control::WHOLE;

/// Up to this pressure the others help, if there are others; beyond it the exchange helps itself.
const HELP_UP_TO: u32 = 500;

/// How much of its own requests an exchange sheds, by value and never blindly: with the rest it earns what it is there for, and
/// learns what requests are worth. To shed more would not help: refusing costs more than half of deciding.
const BODY_UP_TO: u16 = 750;

/// What one exchange sheds, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of all its requests, when the head has been read: for the sake of others.
    pub head: u16,
    /// Of those that are left, by what their body is worth.
    pub body: u16,
}

/// What the exchange at `place` sheds, with the priority and the pressure of each.
///
/// The lowest priority sheds first, all of it if need be, then the next one; equal ones shed alike. Nobody sheds for one of the
/// same or a lower priority.
///
/// ```
/// use exchange::pool::overload::{Shares, shares};
///
/// let suffers = [(200, 300), (100, 0), (50, 0)];
/// assert_eq!(shares(0, &suffers), Shares { head: 0, body: 0 }, "the others help first");
/// assert_eq!(shares(1, &suffers), Shares { head: 200, body: 0 });
/// assert_eq!(shares(2, &suffers), Shares { head: 1_000, body: 0 }, "the lowest first");
/// assert_eq!(shares(1, &[(100, 300), (100, 300)]), Shares { head: 0, body: 300 }, "equal ones, each for itself");
/// ```
#[must_use]
pub fn shares(place: usize, all: &[(u8, u16)]) -> Shares {
    let Some(&(priority, pressure)) = all.get(place) else { return Shares::default() };
    let below = |priority: u8| all.iter().filter(|(other, _)| *other < priority).count() as u32;
    let own = if below(priority) == 0 {
        pressure.min(WHOLE)
    } else {
        let beyond = u32::from(pressure).saturating_sub(HELP_UP_TO) * u32::from(WHOLE);
        narrow(beyond / (u32::from(WHOLE) - HELP_UP_TO))
    };
    let equals = all.iter().filter(|(other, _)| *other == priority).count() as u32;
    let help = |&(sufferer, pressure): &(u8, u16)| {
        let capacity = u32::from(WHOLE) * below(sufferer);
        let wanted = capacity * u32::from(pressure).min(HELP_UP_TO) / HELP_UP_TO;
        let of_mine = wanted.saturating_sub(u32::from(WHOLE) * below(priority));
        narrow(of_mine / equals.max(1))
    };
    let helped = all.iter().filter(|(other, _)| *other > priority).map(help).max().unwrap_or(0);
    Shares { head: helped, body: own.min(BODY_UP_TO) }
}

fn narrow(share: u32) -> u16 {
    u16::try_from(share).unwrap_or(WHOLE).min(WHOLE)
}

/// The pressure of every exchange of the process: each writes its own and reads the others'.
#[derive(Debug)]
pub struct LoadBoard(Vec<(u8, AtomicU16)>);

impl LoadBoard {
    /// A board without any pressure, for exchanges of these priorities.
    #[must_use]
    pub fn new(priorities: impl IntoIterator<Item = u8>) -> Self {
        Self(priorities.into_iter().map(|priority| (priority, AtomicU16::new(0))).collect())
    }

    /// Notes the pressure of the exchange at `place` and returns what it sheds.
    pub fn note(&self, place: usize, pressure: u16) -> Shares {
        if let Some((_, own)) = self.0.get(place) {
            own.store(pressure, Relaxed);
        }
        let all: Vec<_> = self.0.iter().map(|(priority, pressure)| (*priority, pressure.load(Relaxed))).collect();
        shares(place, &all)
    }
}
