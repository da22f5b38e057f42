//! Why a request gets no bid, campaign by campaign: the first reason of each.
//!
//! Asks what a decision asks, in its order, up to the money: whether a campaign is paced, capped or funded is a matter of the
//! moment, and asking would take it. Never on the bid path: it looks at every campaign.

use campaign::actors::CampaignView;
use campaign::{CampaignId, CampaignState, Candidate, DropReason, Setting};
use ledger::{CapKey, LeaseId};
use openrtb::{BidRequest, Validity};
use region::{Refusal, Want};
use tembusu::Turn;

use super::handle::{Prepared, prepare};
use super::imp::{Asked, Common, ask, judge, pays};
use super::view::{DecisionView, Held, Purse};
use crate::NoBidReason;

/// What becomes of one campaign at one imp.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It does not bid at all at the moment.
    NotLive(CampaignState),
    /// Its targeting does not fit.
    Dropped(DropReason),
    /// It fits, and a rule between it and the request keeps it out.
    Refused(NoBidReason),
    /// It may bid, if pacing, caps and money let it.
    Eligible,
}

impl Verdict {
    /// The reason's name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotLive(CampaignState::Paused) => "paused",
            Self::NotLive(CampaignState::Killed) => "killed",
            Self::NotLive(_) => "down",
            Self::Dropped(reason) => reason.as_str(),
            Self::Refused(reason) => reason.as_str(),
            Self::Eligible => "eligible",
        }
    }
}

/// What becomes of one imp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImpExplanation {
    /// The imp's id.
    pub imp: String,
    /// Why nobody may bid on it, whoever they are; then no campaign is looked at.
    pub no_bid: Option<NoBidReason>,
    /// The campaigns, in the order that they were given in.
    pub campaigns: Vec<(CampaignId, Verdict)>,
}

/// Explains a request to the last campaign.
///
/// # Errors
///
/// The reason why the request as a whole gets no bid.
pub fn explain_request(
    request: &BidRequest<'_>,
    validity: &Validity,
    view: &DecisionView<'_, NoMoney>,
    campaigns: &[CampaignView],
) -> Result<Vec<ImpExplanation>, NoBidReason> {
    let Prepared { facts, money, mut blocks } = prepare(request, view)?;
    let common = Common { request, facts: &facts, view, money, user: Default::default() };
    let setting = Setting { exchange: view.exchange, country: view.country, now_ms: view.now_ms };
    // No request waits for it, and there may be many campaigns.
    let mut turn = Turn::begin();
    let explain_imp = |(at, imp): (usize, &openrtb::Imp<'_>)| {
        let mut sizes = Vec::new();
        let asked =
            if validity.fault(at).is_some() { Err(NoBidReason::InvalidImp) } else { ask(&common, imp, &mut sizes) };
        let (no_bid, campaigns) = match asked {
            Err(reason) => (Some(reason), Vec::new()),
            Ok(Asked { want, slot, terms }) => {
                let verdict = |view: &CampaignView| {
                    turn.step();
                    if let Some(reason) = campaign::explain(&view.definition, request, imp, &setting) {
                        return Verdict::Dropped(reason);
                    }
                    let Some(compiled) = &view.bidding else { return Verdict::NotLive(view.state.clone()) };
                    let candidate = Candidate::new(compiled.clone(), &want);
                    if !pays(&common, &candidate, &terms) {
                        return Verdict::Refused(NoBidReason::BelowFloor);
                    }
                    match candidate.evaluate(|candidate| judge(&common, &mut blocks, candidate, &slot, &terms, 0)) {
                        Ok(Ok(_)) => Verdict::Eligible,
                        Ok(Err(reason)) => Verdict::Refused(reason),
                        Err(_condemned) => Verdict::Refused(NoBidReason::CampaignCrashed),
                    }
                };
                (None, campaigns.iter().map(|view| view.definition.id).zip(campaigns.iter().map(verdict)).collect())
            }
        };
        ImpExplanation { imp: imp.id.as_ref().to_owned(), no_bid, campaigns }
    };
    Ok(request.imp.iter().enumerate().take(super::IMPS_MAX).map(explain_imp).collect())
}

/// A purse that is never opened.
#[derive(Debug, Clone, Copy)]
pub struct NoMoney;

/// What a purse that is never opened holds.
#[derive(Debug)]
pub enum NoHold {}

impl Purse for NoMoney {
    type Hold = NoHold;

    fn try_hold(&self, _: Want) -> Result<NoHold, Refusal> {
        Err(Refusal::Unfunded)
    }
}

impl Held for NoHold {
    fn lease(&self) -> LeaseId {
        match *self {}
    }

    fn cap_key(&self) -> Option<CapKey> {
        match *self {}
    }
}
