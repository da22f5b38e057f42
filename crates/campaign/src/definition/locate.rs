//! Where in the text a flaw stands.
//!
//! Promises a line for every place: the value's own, else that of the table that ought to hold it. Never judges a value.

use std::ops::Range;

use toml::Spanned;

use super::pieces::Piece;
use super::table::CampaignTable;
use super::{CampaignError, CampaignWarning};
use crate::targeting::Side;
use crate::{CampaignId, Flaw, Place};

/// Makes a flaw of one campaign an error of the file.
pub(super) fn located(piece: &Piece<'_>, table: &Spanned<CampaignTable>, flaw: Flaw) -> CampaignError {
    let start = span_of(flaw.place, table.get_ref()).unwrap_or_else(|| table.span()).start;
    let campaign = CampaignId(*table.get_ref().id.get_ref());
    CampaignError::Flawed { line: piece.line_of(start), campaign, advice: flaw.to_string() }
}

/// Makes a remark on one campaign a warning of the file.
pub(super) fn warning(piece: &Piece<'_>, table: &Spanned<CampaignTable>, remark: Flaw) -> CampaignWarning {
    let start = span_of(remark.place, table.get_ref()).unwrap_or_else(|| table.span()).start;
    let campaign = CampaignId(*table.get_ref().id.get_ref());
    CampaignWarning { line: piece.line_of(start), campaign, advice: remark.to_string() }
}

/// Finds a place in the text; `None` if the definition does not write it, then the whole campaign stands for it.
fn span_of(place: Place, table: &CampaignTable) -> Option<Range<usize>> {
    let creative = |index: usize| table.creative.get(index).map(Spanned::get_ref);
    let size_of = |index: usize| {
        let table = creative(index)?;
        let sizes = table.sizes.as_ref().map(Spanned::span);
        sizes.or(table.w.as_ref().map(Spanned::span)).or(table.h.as_ref().map(Spanned::span))
    };
    match place {
        Place::Id => Some(table.id.span()),
        Place::Name => Some(table.name.span()),
        Place::Budget => Some(table.budget.span()),
        Place::BidCpm => Some(table.bid_cpm.span()),
        Place::Starts => Some(table.starts.span()),
        Place::Ends => Some(table.ends.span()),
        Place::Pacing => table.pacing.as_ref().map(Spanned::span),
        Place::HourWeights => table.hour_weights.as_ref().map(Spanned::span),
        Place::BidOnUncountedUsers => table.bid_on_uncounted_users.as_ref().map(Spanned::span),
        Place::HourWeight(at) => table.hour_weights.as_ref()?.get_ref().get(at).map(Spanned::span),
        Place::Countries => Some(table.countries.span()),
        Place::Country(index) => table.countries.get_ref().get(index).map(Spanned::span),
        Place::Exchange(index) => table.exchanges.get(index).map(Spanned::span),
        Place::Category(index) => table.categories.get(index).map(Spanned::span),
        Place::AdvertiserDomain => Some(table.advertiser_domain.span()),
        Place::AdvertisedApp => table.advertised_app.as_ref().map(Spanned::span),
        Place::Language => table.language.as_ref().map(Spanned::span),
        Place::CapPerUserPerDay => table.cap_per_user_per_day.as_ref().map(Spanned::span),
        Place::Caps => table.caps.as_ref().map(Spanned::span).or(span_of(Place::CapPerUserPerDay, table)),
        Place::Cap(index) => table.caps.as_ref()?.get_ref().get(index).map(Spanned::span),
        Place::UtcOffset => table.utc_offset.as_ref().map(Spanned::span),
        Place::Rule(side, dimension, at) => {
            let rules = match side {
                Side::Include => table.include.as_ref()?,
                Side::Exclude => table.exclude.as_ref()?,
            };
            let value = rules.get_ref().values(dimension).get(at).map(Spanned::span);
            Some(value.unwrap_or_else(|| rules.span()))
        }
        Place::Creatives => table.creative.first().map(Spanned::span),
        Place::CreativeId(index) => creative(index).map(|table| table.id.span()),
        Place::CreativeSizes(index) => size_of(index).or(table.creative.get(index).map(Spanned::span)),
        Place::CreativeSize(index, at) => {
            let listed = creative(index)?.sizes.as_ref().and_then(|sizes| sizes.get_ref().get(at));
            listed.map(Spanned::span).or(size_of(index))
        }
        Place::CreativeMarkup(index) => creative(index).map(|table| table.markup.span()),
        Place::CreativeSecure(index) => {
            let table = creative(index)?;
            Some(table.secure.as_ref().map_or_else(|| table.markup.span(), Spanned::span))
        }
        Place::CreativeCaps(index) => creative(index)?.caps.as_ref().map(Spanned::span),
        Place::CreativeCap(index, at) => creative(index)?.caps.as_ref()?.get_ref().get(at).map(Spanned::span),
        Place::CreativeBannerType(index, at) => creative(index)?.banner_types.get(at).map(Spanned::span),
        Place::CreativeMime(index, at) => creative(index)?.mimes.get(at).map(Spanned::span),
        Place::CreativeApi(index, at) => creative(index)?.apis.get(at).map(Spanned::span),
        Place::CreativeAttribute(index, at) => creative(index)?.attributes.get(at).map(Spanned::span),
    }
}
