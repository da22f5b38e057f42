//! A campaign made ready for the bid path.
//!
//! Promises a sound definition: no compiled campaign has a flaw. Never changes, but for its gate, which only closes, and for
//! the version before it, which it lets go.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use money::{Cpm, Nanos};
use tembusu::Address;

use crate::actors::{DefinitionMessage, Slot};
use crate::gate::Gate;
use crate::technology::Technology;
use crate::{
    Advertised, Campaign, CampaignId, CapMemory, Caps, Country, Creative, Flaw, Flight, HourPlan, Pacing, Size,
    category, domain,
};

/// A definition that cannot become a campaign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The definition has a flaw.
    #[error("campaign {campaign} does not compile: {flaw}")]
    Flawed {
        /// Whose definition it is.
        campaign: CampaignId,
        /// What is wrong with it.
        #[source]
        flaw: Flaw,
    },
}

/// A campaign that can be asked on the bid path whether and how it bids.
#[derive(Debug)]
pub struct CompiledCampaign {
    definition: Arc<Campaign>,
    /// Every size with a creative for it, by size and then in the order of the definition; and what that is made of.
    by_size: Box<[(Size, u16, Technology)]>,
    hour_plan: Option<Arc<HourPlan>>,
    gate: Gate,
    version: u32,
    /// The version before it, until an index knows this one.
    former: ArcSwapOption<CompiledCampaign>,
}

/// A creative and the size in which it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Placement<'a> {
    /// What to show.
    pub creative: &'a Creative,
    /// The size of it that fits the imp.
    pub size: Size,
    /// What it is made of.
    pub technology: Technology,
}

/// Makes a definition ready for the bid path.
///
/// # Errors
///
/// The first flaw of the definition, which may come from elsewhere than a file.
pub fn compile(definition: &Campaign) -> Result<CompiledCampaign, CompileError> {
    compile_shared(Arc::new(definition.clone()))
}

/// As [`compile`], without a copy of the definition.
///
/// # Errors
///
/// The first flaw of the definition.
pub fn compile_shared(definition: Arc<Campaign>) -> Result<CompiledCampaign, CompileError> {
    definition.check().map_err(|flaw| CompileError::Flawed { campaign: definition.id, flaw })?;
    Ok(compile_sound(definition))
}

/// As [`compile_shared`], of a definition that has been checked: looking through long lists once more takes longer than the rest.
pub(crate) fn compile_sound(definition: Arc<Campaign>) -> CompiledCampaign {
    let creatives = definition.creatives.iter().enumerate();
    // Checked: there are no more than fit.
    let sized = creatives.flat_map(|(index, creative)| {
        let technology = creative.technology.completed(&creative.markup);
        creative.sizes.iter().map(move |size| (*size, index as u16, technology))
    });
    let mut by_size: Vec<_> = sized.collect();
    by_size.sort_unstable();
    let hour_plan = HourPlan::of(&definition).map(Arc::new);
    CompiledCampaign {
        definition,
        by_size: by_size.into(),
        hour_plan,
        gate: Gate::default(),
        version: 1,
        former: None.into(),
    }
}

impl CompiledCampaign {
    /// Whose it is.
    pub fn id(&self) -> CampaignId {
        self.definition.id
    }

    /// What operators call it.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Which version of its definition it is, counted from 1.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The definition that it was compiled from.
    pub fn definition(&self) -> &Campaign {
        &self.definition
    }

    pub(crate) fn shared_definition(&self) -> &Arc<Campaign> {
        &self.definition
    }

    /// The price in USD that it pays at most for 1,000 impressions.
    pub fn bid_cpm(&self) -> Cpm {
        self.definition.bid_cpm
    }

    /// What one impression costs at most.
    pub fn impression_cost(&self) -> Nanos {
        self.definition.bid_cpm.cost_in_usd()
    }

    /// What the whole flight may cost.
    pub fn budget(&self) -> Nanos {
        self.definition.budget
    }

    /// When it may bid.
    pub fn flight(&self) -> Flight {
        self.definition.flight
    }

    /// How its budget is spread over the flight.
    pub fn pacing(&self) -> Pacing {
        self.definition.pacing
    }

    /// How its budget is spread over the hours of the week, if they are not all alike. Shared with whoever follows it.
    #[must_use]
    pub fn hour_plan(&self) -> Option<&Arc<HourPlan>> {
        self.hour_plan.as_ref()
    }

    /// Whether each bid holds its whole price until its outcome is known.
    #[must_use]
    pub fn strict_budget(&self) -> bool {
        self.definition.strict_budget
    }

    /// How often a user may see it, whichever creative is shown.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.definition.caps
    }

    /// For how long its users' impressions must be remembered, for its own caps and those of its creatives; `None` if it
    /// counts nobody.
    #[must_use]
    pub fn cap_memory(&self) -> Option<CapMemory> {
        let Campaign { caps, creatives, .. } = &*self.definition;
        creatives.iter().map(|creative| creative.caps.memory()).fold(caps.memory(), Ord::max)
    }

    /// Whether a creative of it has caps of its own.
    #[must_use]
    pub fn counts_creatives(&self) -> bool {
        self.definition.creatives.iter().any(|creative| !creative.caps.is_empty())
    }

    /// Whom it advertises: the `adomain` of its bids.
    pub fn advertiser_domain(&self) -> &str {
        &self.definition.advertiser_domain
    }

    /// What it advertises: the `cat` of its bids.
    pub fn categories(&self) -> &[String] {
        &self.definition.categories
    }

    /// Tells whether it bids in `country`.
    pub fn targets_country(&self, country: Country) -> bool {
        self.definition.countries.contains(&country)
    }

    /// Tells whether it bids on `exchange`.
    pub fn targets_exchange(&self, exchange: &str) -> bool {
        self.definition.exchanges.is_empty() || self.definition.exchanges.iter().any(|ours| ours == exchange)
    }

    /// Tells whether `bcat`, a list in IAB taxonomy 1.0, blocks it. A first-tier category blocks all below it.
    pub fn is_blocked_by_category<T: AsRef<str>>(&self, bcat: &[T]) -> bool {
        let blocks = |ours: &String| bcat.iter().any(|blocked| category::covers(blocked.as_ref(), ours));
        self.definition.categories.iter().any(blocks)
    }

    /// Tells whether `badv` blocks its advertiser. A domain blocks all below it.
    pub fn is_blocked_by_domain<T: AsRef<str>>(&self, badv: &[T]) -> bool {
        badv.iter().any(|blocked| domain::covers(blocked.as_ref(), &self.definition.advertiser_domain))
    }

    /// What it advertises beyond its domain, if that is said.
    pub fn advertises(&self) -> Option<&Advertised> {
        self.definition.advertises.as_deref()
    }

    /// Tells whether `bapp` blocks the app that it advertises.
    pub fn is_blocked_by_app<T: AsRef<str>>(&self, bapp: &[T]) -> bool {
        self.advertises().is_some_and(|advertised| advertised.is_blocked_by_app(bapp))
    }

    /// Tells whether its language is one of `tags`, if it says which it has and the list is not empty.
    pub fn is_in_language<T: AsRef<str>>(&self, tags: &[T]) -> bool {
        self.advertises().is_none_or(|advertised| advertised.is_in_language(tags))
    }

    /// The creatives that fit one of `sizes`, in the order of `sizes`; only secure ones if `secure`.
    pub fn placements<'a>(&'a self, sizes: &'a [Size], secure: bool) -> impl Iterator<Item = Placement<'a>> {
        let of_size = move |size: Size| {
            let start = self.by_size.partition_point(|(ours, ..)| *ours < size);
            self.by_size[start..].iter().take_while(move |(ours, ..)| *ours == size)
        };
        sizes.iter().copied().flat_map(of_size).filter_map(move |(size, index, technology)| {
            let creative = &self.definition.creatives[usize::from(*index)];
            (creative.secure || !secure).then_some(Placement { creative, size: *size, technology: *technology })
        })
    }

    /// Every size that it has a creative for, once; only those of secure creatives if `secure`.
    pub(crate) fn sizes(&self, secure: bool) -> impl Iterator<Item = Size> {
        let fits = self
            .by_size
            .iter()
            .filter(move |(_, index, _)| self.definition.creatives[usize::from(*index)].secure || !secure);
        let mut last = None;
        fits.filter_map(move |(size, ..)| (last.replace(*size) != Some(*size)).then_some(*size))
    }

    /// The same campaign, an incarnation of whose definition is charged if an evaluation panics.
    pub(crate) fn owned_by(self, address: Address<DefinitionMessage>, incarnation: u64) -> Self {
        Self { gate: Gate::owned_by(address, incarnation), ..self }
    }

    /// The same campaign, which gets its subtree if an evaluation panics.
    pub(crate) fn resting_in(self, slot: Weak<Slot>) -> Self {
        Self { gate: Gate::resting_in(slot), ..self }
    }

    /// The same campaign as a version of its definition that follows on another.
    pub(crate) fn into_version(self, version: u32, former: Option<Arc<Self>>) -> Self {
        Self { version, former: former.into(), ..self }
    }

    /// This campaign or the one before it, whichever is of a version.
    #[inline]
    pub(crate) fn of_version(self: Arc<Self>, version: u32) -> Option<Arc<Self>> {
        if self.version == version {
            return Some(self);
        }
        self.former.load_full().filter(|former| former.version == version)
    }

    /// Lets the version before it go: the index knows this one.
    pub(crate) fn forget_former(&self) {
        if self.former.load().is_some() {
            self.former.store(None);
        }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }
}
