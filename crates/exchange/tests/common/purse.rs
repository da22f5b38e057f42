//! A region that notes what was wanted and refuses on demand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use exchange::decision::{Held, Purse};
use ledger::{CapKey, LeaseId};
use money::Cpm;
use region::shading::{Lesson, ShadeAsk, Shaded};
use region::{Refusal, Want};

#[derive(Debug)]
pub(crate) struct Held1 {
    key: Option<CapKey>,
    released: Rc<Cell<usize>>,
}

impl Held for Held1 {
    fn lease(&self) -> LeaseId {
        LeaseId(7)
    }

    fn cap_key(&self) -> Option<CapKey> {
        self.key
    }
}

impl Drop for Held1 {
    fn drop(&mut self) {
        self.released.set(self.released.get() + 1);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Wallet {
    pub(crate) refusals: Vec<(u32, Refusal)>,
    /// Creatives whose caps are reached.
    pub(crate) capped_creatives: Vec<u32>,
    pub(crate) wants: RefCell<Vec<Want>>,
    pub(crate) released: Rc<Cell<usize>>,
    /// What is best to bid where the winner pays its bid, in USD.
    pub(crate) shaded: Option<Cpm>,
}

impl Purse for Wallet {
    type Hold = Held1;

    fn try_hold(&self, want: Want) -> Result<Held1, Refusal> {
        self.wants.borrow_mut().push(want.clone());
        let capped = !want.caps.is_empty() || !want.creative_caps.is_empty();
        if capped && want.user.is_none() {
            return Err(Refusal::NoCapKey);
        }
        if self.capped_creatives.contains(&want.creative.0) {
            return Err(Refusal::CreativeCapped);
        }
        match self.refusals.iter().find(|(campaign, _)| *campaign == want.campaign.0) {
            Some((_, refusal)) => Err(*refusal),
            None => Ok(Held1 {
                key: want.user.filter(|_| capped).map(|user| user.key()),
                released: Rc::clone(&self.released),
            }),
        }
    }

    fn shade(&self, ask: &ShadeAsk) -> Option<Shaded> {
        let price = self.shaded?;
        Some(Shaded { price: Some(price), lesson: Lesson { segment: ask.segment, full_price: false } })
    }
}
