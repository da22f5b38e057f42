//! What operators have said at once: campaigns that are out before that is on disk.
//!
//! A pause or a kill acts when it is asked for. The book records it later, behind the changes before it, or not at all while the
//! ledger does not confirm. Promises that nothing lets such a campaign in meanwhile: neither a change that was under way nor a
//! book that compares itself with the disk, but a later word on the same campaign that is on disk. Keeps two numbers for each
//! campaign of which the book has not spoken yet, and never waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campaign::CampaignId;
use ledger::CampaignAction;

/// The order in which words were said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said(u64);

/// Who is out and not yet on disk. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outs(Arc<Mutex<Words>>);

#[derive(Debug, Default)]
struct Words {
    last: u64,
    paused: BTreeMap<CampaignId, Said>,
    killed: BTreeMap<CampaignId, Said>,
}

/// Which of an operator's two switches a campaign is out by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Out {
    pub(super) paused: bool,
    pub(super) killed: bool,
}

impl Outs {
    /// An operator says so now. To be noted before it acts.
    pub(crate) fn say(&self, campaign: CampaignId, action: CampaignAction) -> Said {
        let mut words = self.words();
        words.last += 1;
        let said = Said(words.last);
        match action {
            CampaignAction::Pause => drop(words.paused.insert(campaign, said)),
            CampaignAction::Kill => drop(words.killed.insert(campaign, said)),
            _ => {}
        }
        said
    }

    /// What was said then is on disk: it counts from here on, unless something was said since.
    pub(super) fn is_recorded(&self, campaign: CampaignId, action: CampaignAction, said: Said) {
        let mut words = self.words();
        let of_switch = match action {
            CampaignAction::Pause | CampaignAction::Resume => &mut words.paused,
            CampaignAction::Kill | CampaignAction::Revive => &mut words.killed,
            _ => return,
        };
        if of_switch.get(&campaign).is_some_and(|last| *last <= said) {
            of_switch.remove(&campaign);
        }
    }

    /// The campaign is gone, and so is what was said of it.
    pub(super) fn forget(&self, campaign: CampaignId) {
        let mut words = self.words();
        words.paused.remove(&campaign);
        words.killed.remove(&campaign);
    }

    pub(super) fn of(&self, campaign: CampaignId) -> Out {
        let words = self.words();
        Out { paused: words.paused.contains_key(&campaign), killed: words.killed.contains_key(&campaign) }
    }

    fn words(&self) -> MutexGuard<'_, Words> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use CampaignAction::{Kill, Pause, Resume, Revive};

    use super::*;

    const SEVEN: CampaignId = CampaignId(7);

    fn out(paused: bool, killed: bool) -> Out {
        Out { paused, killed }
    }

    #[test]
    fn one_is_out_until_a_later_word_of_the_same_switch_is_on_disk() {
        let outs = Outs::default();
        let resumed = outs.say(SEVEN, Resume);
        let paused = outs.say(SEVEN, Pause);
        outs.say(SEVEN, Kill);
        assert_eq!(outs.of(SEVEN), out(true, true));
        outs.is_recorded(SEVEN, Resume, resumed);
        assert_eq!(outs.of(SEVEN), out(true, true), "it was paused since");
        outs.is_recorded(SEVEN, Pause, paused);
        assert_eq!(outs.of(SEVEN), out(false, true), "the disk says so from here on");
        let revived = outs.say(SEVEN, Revive);
        assert_eq!(outs.of(SEVEN), out(false, true), "in only when that is on disk");
        outs.is_recorded(SEVEN, Revive, revived);
        assert_eq!(outs.of(SEVEN), Out::default(), "a kill that was never confirmed is taken back too");
    }

    #[test]
    fn nothing_is_kept_of_one_that_is_gone_and_others_stay_out() {
        let outs = Outs::default();
        [SEVEN, CampaignId(8)].into_iter().for_each(|campaign| assert!(outs.say(campaign, Pause) > Said(0)));
        outs.forget(SEVEN);
        assert_eq!((outs.of(SEVEN), outs.of(CampaignId(8))), (Out::default(), out(true, false)));
        assert_eq!(outs.words().paused.len(), 1);
    }
}
