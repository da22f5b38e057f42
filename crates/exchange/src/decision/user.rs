//! What a request says about its user, for frequency caps.
//!
//! Only hands on what the request holds: whether a user may be counted is [`UserIds::opted_out`]'s to say.

use openrtb::BidRequest;
use region::UserIds;

/// The ids and the objections of the request's user, wherever the exchange put them.
#[must_use]
pub fn user_ids<'r>(request: &'r BidRequest<'_>) -> UserIds<'r> {
    let device = request.device.as_ref();
    let eid = request.eids().iter().find_map(|eid| {
        let id = eid.uids.iter().find_map(|uid| uid.id.as_deref())?;
        Some((eid.source.as_deref()?, id))
    });
    UserIds {
        buyeruid: request.user.as_ref().and_then(|user| user.buyeruid.as_deref()),
        ifa: device.and_then(|device| device.ifa.as_deref()),
        eid,
        lmt: device.and_then(|device| device.lmt).unwrap_or(false),
        dnt: device.and_then(|device| device.dnt).unwrap_or(false),
        coppa: request.coppa(),
    }
}
