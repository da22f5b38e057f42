//! Which path answers what.
//!
//! Reading is GET, doing is POST. Every wait for an actor has a limit; an actor that is down is 503
//! with the reason, never a hang.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use campaign::CampaignsHandle;
use exchange::ExchangePort;
use exchange::drops::DropMessage;
use ledger::LedgerMessage;
use region::RegionPort;
use region::supply::SupplyBook;
use telemetry::{AggregatorMessage, AlertBoard, Meters, ServiceLevels};
use tembusu::{Address, SupervisorRef};

use super::{campaign_changes, campaigns, drops, explain, levels, pages, plan, problem};
use crate::book::{BookMessage, FileWords, Outs};
use crate::phase::Life;
use crate::supply::History;

/// What the pages are made from.
pub(crate) struct Desk {
    /// The process's phase.
    pub(crate) life: Life,
    /// The whole tree.
    pub(crate) tree: SupervisorRef,
    /// Renders metrics.
    pub(crate) aggregator: Address<AggregatorMessage>,
    /// Alerts.
    pub(crate) board: Arc<AlertBoard>,
    /// What the exchanges are promised.
    pub(crate) levels: Arc<ServiceLevels>,
    /// What is counted, and the state of the regions.
    pub(crate) meters: Arc<Meters>,
    /// Money.
    pub(crate) ledger: Address<LedgerMessage>,
    /// The campaigns.
    pub(crate) campaigns: CampaignsHandle,
    /// Changes them.
    pub(crate) book: Address<BookMessage>,
    /// What operators have said at once.
    pub(crate) outs: Outs,
    /// The campaigns file.
    pub(crate) file: FileWords,
    /// The exchanges, in the order of the configuration.
    pub(crate) exchanges: Vec<ExchangePort>,
    /// The regions, in the order of the configuration.
    pub(crate) regions: Vec<RegionPort>,
    /// What was learnt of supply, and the courses of campaigns.
    pub(crate) supply: SupplyBook,
    /// The last day of campaigns.
    pub(crate) history: History,
    /// Why campaigns drop out.
    pub(crate) drops: Address<DropMessage>,
}

/// Makes the router.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(pages::metrics))
        .route("/tree", get(pages::tree))
        .route("/alerts", get(pages::alerts))
        .route("/service-levels", get(levels::service_levels))
        .route("/regions", get(pages::regions))
        .route("/campaigns", get(campaigns::list))
        .route("/campaigns/reload", post(campaign_changes::reload))
        .route("/campaigns/{id}", get(campaigns::read).put(campaign_changes::put).delete(campaign_changes::delete))
        .route("/campaigns/{id}/log", get(campaigns::log))
        .route("/campaigns/{id}/plan", get(plan::plan))
        .route("/campaigns/{id}/plan.svg", get(plan::picture))
        .route("/crash-payloads", get(pages::crash_payloads))
        .route("/drop-reasons", get(drops::drop_reasons))
        .route("/exchanges/{name}/explain", post(explain::explain))
        .route("/exchanges/{name}/restore", post(pages::restore_exchange))
        .route("/regions/{name}/restore", post(pages::restore_region))
        .route("/campaigns/{id}/restore", post(pages::restore_campaign))
        .route("/campaigns/{id}/{action}", post(campaign_changes::say))
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(problem::BODY_BYTES_MAX))
        .with_state(desk)
}
