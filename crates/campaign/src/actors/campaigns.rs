//! The supervisor of all campaigns.
//!
//! Promises that it starts whatever single campaigns do. Never holds a campaign's data itself.

use std::sync::Arc;
use std::time::Duration;

use tembusu::{Supervisor, child};

use super::handle::register;
use super::loader::{Loader, LoaderArgs};
use super::registry::Registry;
use super::subtree::campaign_supervisor;
use super::{AddError, CampaignsHandle, IndexPublisher, IndexPublisherArgs, Slot};
use crate::Campaign;

/// Restarts of the index publisher or of all campaigns that are granted within [`PERIOD`].
const RESTARTS: u32 = 5;
/// The period in which those restarts are counted.
const PERIOD: Duration = Duration::from_secs(10);
/// Messages that wait for the index publisher: one for all that is new, and those of who waits for an index.
const INDEX_PUBLISHER_MAILBOX: usize = 1024;
/// How long starting every campaign may take.
const LOAD_WITHIN: Duration = Duration::from_secs(60);

/// Makes the supervisor `campaigns` with these campaigns, and the handle to them.
///
/// The order of its children is that of dependency: when the supervisor of the single campaigns is restarted, which takes a
/// defect of the library, they are loaded and indexed anew; a crash of the index publisher concerns nobody else.
///
/// # Errors
///
/// [`AddError`] for the first campaign that is flawed or whose id is taken.
pub fn campaigns_supervisor(
    campaigns: impl IntoIterator<Item = Campaign>,
) -> Result<(Supervisor, CampaignsHandle), AddError> {
    campaigns_supervisor_of(campaigns.into_iter().map(|campaign| (campaign, 1)))
}

/// As [`campaigns_supervisor`], each campaign with the version of its definition.
///
/// # Errors
///
/// As there.
pub fn campaigns_supervisor_of(
    campaigns: impl IntoIterator<Item = (Campaign, u32)>,
) -> Result<(Supervisor, CampaignsHandle), AddError> {
    let registry = Registry::default();
    for (campaign, version) in campaigns {
        register(&registry, campaign, version)?;
    }
    let index = registry.shared.index.clone();
    let mut supervisor = Supervisor::rest_for_one("campaigns").intensity(RESTARTS, PERIOD);

    let declared = supervisor.declare::<IndexPublisher>("index_publisher");
    let index_publisher = declared.address();
    let publisher_address = index_publisher.clone();
    let each = supervisor.dynamic("each", move |slot: Arc<Slot>| campaign_supervisor(&slot, &publisher_address));
    let args = LoaderArgs { registry: registry.clone(), each: each.clone() };
    registry.shared.set_loader(supervisor.add(child::<Loader>("loader", args).init_timeout(LOAD_WITHIN)));
    let args = IndexPublisherArgs { registry: registry.clone(), index: index.clone() };
    // It builds an index of all for as long as that takes: on a thread of its own nobody waits for that.
    supervisor.add(declared.with(args).on_own_thread().init_timeout(LOAD_WITHIN).mailbox(INDEX_PUBLISHER_MAILBOX));

    Ok((supervisor, CampaignsHandle { registry, each, index, index_publisher }))
}
