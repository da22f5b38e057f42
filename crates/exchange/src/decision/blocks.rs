//! What a request keeps out as a whole: advertisers' categories and domains, apps that they advertise, other languages.
//!
//! Lists are compared with each campaign once, however many imps it fits, and only up to a limit: a longer one is not bid on,
//! since half of it would not tell what is blocked.

use std::collections::HashMap;

use campaign::{CampaignId, CompiledCampaign};
use openrtb::BidRequest;

use crate::NoBidReason;

/// Entries of `bcat` and of `acat`: twice the largest taxonomy.
pub const CATEGORIES_MAX: usize = 1_024;

/// Entries of `badv`. The longest that was recorded has 85.
pub const DOMAINS_MAX: usize = 2_048;

/// Entries of `bapp`, as of `badv`.
pub const APPS_MAX: usize = 2_048;

/// Entries of `wlang` and of `wlangb`: there are fewer than 200 languages of two letters.
pub const LANGUAGES_MAX: usize = 256;

/// Taxonomy of `bcat` and `acat` that the campaigns' categories belong to, and the default.
const CATTAX_IAB_1: i64 = 1;

/// One request's lists, and what they say of the campaigns that were asked about.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    request: &'a BidRequest<'a>,
    /// Absent where no campaign can come twice.
    verdicts: Option<HashMap<CampaignId, Result<(), NoBidReason>>>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(request: &'a BidRequest<'a>) -> Result<Self, NoBidReason> {
        let categories = request.bcat.len().max(request.acat.len());
        let languages = request.wlang.len().max(request.wlangb.len());
        let lists = [
            (categories, CATEGORIES_MAX),
            (request.badv.len(), DOMAINS_MAX),
            (request.bapp.len(), APPS_MAX),
            (languages, LANGUAGES_MAX),
        ];
        if lists.iter().any(|(entries, max)| max < entries) {
            return Err(NoBidReason::ListTooLong);
        }
        let listed = lists.iter().any(|(entries, _)| *entries > 0);
        Ok(Self { request, verdicts: (listed && request.imp.len() > 1).then(HashMap::new) })
    }

    pub(super) fn judge(&mut self, campaign: &CompiledCampaign) -> Result<(), NoBidReason> {
        let Some(verdicts) = &mut self.verdicts else { return judge(self.request, campaign) };
        *verdicts.entry(campaign.id()).or_insert_with(|| judge(self.request, campaign))
    }
}

fn judge(request: &BidRequest<'_>, campaign: &CompiledCampaign) -> Result<(), NoBidReason> {
    let BidRequest { acat, bcat, .. } = request;
    let blocked = if request.cattax.unwrap_or(CATTAX_IAB_1) == CATTAX_IAB_1 {
        campaign.is_blocked_by_category(bcat) || !(acat.is_empty() || campaign.is_blocked_by_category(acat))
    } else {
        // Lists in another taxonomy do not tell whether they mean us.
        !(acat.is_empty() && bcat.is_empty())
    };
    if blocked {
        return Err(NoBidReason::BlockedCategory);
    }
    if campaign.is_blocked_by_domain(&request.badv) {
        return Err(NoBidReason::BlockedAdvertiser);
    }
    if campaign.is_blocked_by_app(&request.bapp) {
        return Err(NoBidReason::BlockedApp);
    }
    let languages = if request.wlang.is_empty() { &request.wlangb } else { &request.wlang };
    if !campaign.is_in_language(languages) {
        return Err(NoBidReason::OtherLanguage);
    }
    Ok(())
}
