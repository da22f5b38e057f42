//! Names of fields, told apart by one multiplication.
//!
//! Promises that a name is taken for a field's only if it is the same. The numbers by which the names of one object are told
//! apart are found when the program is compiled, which fails if there are none.

/// Bytes of a name that are looked at as one number.
const HEAD: usize = size_of::<u64>();
/// Places for the names of one object: a power of two.
const SLOTS_LOG2: u32 = 6;

/// A name as it stands in a text, without escapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'de> {
    bytes: &'de [u8],
    /// The first eight bytes, the first one lowest; zeros behind the end.
    head: u64,
}

impl<'de> Name<'de> {
    #[inline(always)]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        let head = match bytes.first_chunk() {
            Some(head) => u64::from_le_bytes(*head),
            None => head_of(bytes),
        };
        Self { bytes, head }
    }

    /// A name of seven bytes at most, from a word that begins with it.
    #[inline(always)]
    pub(super) fn short(bytes: &'de [u8], word: u64) -> Self {
        Self { bytes, head: word & ((1 << (8 * (bytes.len() % HEAD))) - 1) }
    }

    /// Whether it is this one, whose [`head_of`] is known when the program is compiled.
    #[inline(always)]
    pub(crate) fn is(&self, name: &'static str, head: u64) -> bool {
        self.bytes.len() == name.len()
            && self.head == head
            && (name.len() <= HEAD || self.bytes.get(HEAD..) == name.as_bytes().get(HEAD..))
    }
}

/// What tells the names of one object apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots(u64);

impl Slots {
    /// Finds a factor that gives each name a slot of its own.
    pub(crate) const fn of(names: &[&str]) -> Self {
        let mut factor: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut tries = 0;
        while tries < 100_000 {
            let (mut taken, mut at) = (0_u64, 0);
            while at < names.len() {
                let slot = 1 << Self(factor).slot_of(names[at]);
                if taken & slot != 0 {
                    break;
                }
                taken |= slot;
                at += 1;
            }
            if at == names.len() {
                return Self(factor);
            }
            // The next of splitmix64, made odd.
            tries += 1;
            factor = factor.wrapping_add(0x9E37_79B9_7F4A_7C15);
            factor = (factor ^ (factor >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1;
        }
        panic!("two fields of one object have the same name, or there are too many: raise SLOTS_LOG2")
    }

    /// The slot of a name that is known when the program is compiled.
    pub(crate) const fn slot_of(self, name: &str) -> u64 {
        self.slot_of_head(head_of(name.as_bytes()), name.len())
    }

    /// The slot that a name would have.
    #[inline(always)]
    pub(crate) const fn slot(self, name: &Name<'_>) -> u64 {
        self.slot_of_head(name.head, name.bytes.len())
    }

    #[inline(always)]
    const fn slot_of_head(self, head: u64, length: usize) -> u64 {
        (head ^ length as u64).wrapping_mul(self.0) >> (u64::BITS - SLOTS_LOG2)
    }
}

/// The first eight bytes of a name as one number.
#[inline(always)]
pub(crate) const fn head_of(name: &[u8]) -> u64 {
    let (mut head, mut at) = (0, 0);
    while at < HEAD && at < name.len() {
        head |= (name[at] as u64) << (8 * at);
        at += 1;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        const NAMES: [&str; 8] = ["", "b", "bid", "bidfloo", "bidfloor", "bidfloorcur", "bidfloor\0", "\0"];
        const SLOTS: Slots = Slots::of(&NAMES);
        for ours in NAMES {
            for theirs in NAMES.into_iter().chain(["bidfloorcuq", "bidfloorcu", "bidflooR", "BID", "bidx"]) {
                let name = Name::new(theirs.as_bytes());
                assert_eq!(name.is(ours, head_of(ours.as_bytes())), ours == theirs, "{theirs:?} for {ours:?}");
            }
            let others = NAMES.into_iter().filter(|other| *other != ours);
            others.for_each(|other| assert_ne!(SLOTS.slot(&Name::new(other.as_bytes())), SLOTS.slot_of(ours)));
        }
    }

    #[test]
    fn a_short_name_is_what_it_is_without_its_surroundings() {
        for name in ["", "a", "tmax", "schains"] {
            let mut word = *b"\":\"zzzzz";
            word[..name.len()].copy_from_slice(name.as_bytes());
            let short = Name::short(name.as_bytes(), u64::from_le_bytes(word));
            assert_eq!(short.head, Name::new(name.as_bytes()).head, "{name}");
        }
    }
}
