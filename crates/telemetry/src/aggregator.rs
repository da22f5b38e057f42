//! The actor that owns the registry: it follows the tree's events, keeps the alerts, and renders
//! the page that Prometheus scrapes.
//!
//! It is never in the way of a request or of a restart. It crashes when the registry cannot be
//! written, and loses no count with it: counts live in the meters and in the tree.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tembusu::{Actor, Context, Event, EventKind, Events, EventsError, Flow, Init, Reply, SupervisorRef};

use crate::board::AlertBoard;
use crate::chaos;
use crate::collect::{AlertCollector, LevelCollector, MeterCollector, TreeCollector};
use crate::levels::ServiceLevels;
use crate::meters::Meters;

/// How often events are taken up. An alert is at most this late; a scrape takes them up at once.
pub const FOLLOW_INTERVAL: Duration = Duration::from_millis(20);

/// Most events taken up in one turn, so that an event storm cannot keep a scrape waiting.
const EVENTS_PER_TURN_MAX: usize = 4_096;

/// What a [`MetricsAggregator`] is started with.
pub struct AggregatorArgs {
    /// The process's meters.
    pub meters: Arc<Meters>,
    /// Where alerts are raised.
    pub board: Arc<AlertBoard>,
    /// What the exchanges are promised.
    pub levels: Arc<ServiceLevels>,
    /// The whole tree.
    pub tree: SupervisorRef,
}

impl fmt::Debug for AggregatorArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AggregatorArgs").finish_non_exhaustive()
    }
}

/// What a [`MetricsAggregator`] is asked.
#[derive(Debug)]
pub enum AggregatorMessage {
    /// Take up the events that came since.
    Follow,
    /// Render all series as text.
    Render(Reply<String>),
}

/// Why a [`MetricsAggregator`] crashes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AggregatorCrash {
    /// The registry could not be written as text.
    #[error("the metrics registry cannot be written as text; its series are inconsistent")]
    Encode(#[source] fmt::Error),
    /// A drill asked for it.
    #[error("chaos point {0} is armed")]
    Chaos(&'static str),
}

/// Owns the registry and follows the tree's events.
///
/// # On restart
///
/// Meters, restarts and alerts are kept by their owners; the counts of crashes and escalations
/// begin at zero, which Prometheus takes for what it is. Alerts are brought in line with the tree.
pub struct MetricsAggregator {
    registry: Registry,
    crashes: ByPath,
    escalations: ByPath,
    lost: Counter,
    events: Events,
    board: Arc<AlertBoard>,
    levels: Arc<ServiceLevels>,
    tree: SupervisorRef,
}

type ByPath = Family<Vec<(&'static str, String)>, Counter>;

impl fmt::Debug for MetricsAggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsAggregator").finish_non_exhaustive()
    }
}

impl Actor for MetricsAggregator {
    type Message = AggregatorMessage;
    type Args = AggregatorArgs;
    type Crash = AggregatorCrash;

    async fn init(args: &AggregatorArgs, cx: &mut Context<Self>) -> Result<Init<Self>, AggregatorCrash> {
        // Subscribed before the tree is read: what happens in between is seen twice, never missed.
        let events = args.tree.events();
        args.board.reconcile(&args.tree.snapshot());
        let mut registry = Registry::default();
        let crashes = ByPath::default();
        let escalations = ByPath::default();
        let lost = Counter::default();
        registry.register("tembusu_crashes", "Crashes of a node", crashes.clone());
        registry.register("tembusu_escalations", "Supervisors whose intensity was used up", escalations.clone());
        registry.register_collector(Box::new(MeterCollector(args.meters.clone())));
        registry.register_collector(Box::new(LevelCollector(args.levels.clone())));
        let lost_help = "Events of the tree that came too fast: crashes and escalations are undercounted by as many";
        registry.register("tembusu_events_lost", lost_help, lost.clone());
        registry.register_collector(Box::new(TreeCollector(args.tree.clone())));
        registry.register_collector(Box::new(AlertCollector(args.board.clone())));
        cx.after(FOLLOW_INTERVAL, AggregatorMessage::Follow);
        Ok(Init::Ready(MetricsAggregator {
            registry,
            crashes,
            escalations,
            lost,
            events,
            board: args.board.clone(),
            levels: args.levels.clone(),
            tree: args.tree.clone(),
        }))
    }

    async fn handle(&mut self, message: AggregatorMessage, cx: &mut Context<Self>) -> Result<Flow, AggregatorCrash> {
        if chaos::FOLLOW.is_armed() {
            return Err(AggregatorCrash::Chaos(chaos::FOLLOW.name()));
        }
        self.follow();
        self.levels.watch(&self.board);
        match message {
            AggregatorMessage::Follow => {
                cx.after(FOLLOW_INTERVAL, AggregatorMessage::Follow);
            }
            AggregatorMessage::Render(reply) => {
                let mut page = String::new();
                text::encode(&mut page, &self.registry).map_err(AggregatorCrash::Encode)?;
                // A caller that has gone needs no page.
                let _ = reply.send(page);
            }
        }
        Ok(Flow::Continue)
    }
}

/// Renders the series of the alerts alone, for when the aggregator is down: the same as on its page.
///
/// # Errors
///
/// The series are inconsistent.
pub fn render_alerts(board: &Arc<AlertBoard>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(AlertCollector(board.clone())));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

impl MetricsAggregator {
    fn follow(&mut self) {
        let mut has_moved = false;
        for _ in 0..EVENTS_PER_TURN_MAX {
            match self.events.try_recv() {
                Some(Ok(event)) => {
                    self.count(&event);
                    self.board.observe(&event);
                    has_moved = true;
                }
                Some(Err(EventsError::Lagged(lost))) => {
                    self.lost.inc_by(lost);
                    has_moved = true;
                }
                Some(Err(_)) | None => break,
            }
        }
        if has_moved {
            self.board.reconcile(&self.tree.snapshot());
        }
    }

    fn count(&self, event: &Event) {
        let of = |family: &ByPath| {
            family.get_or_create(&vec![("path", event.path.to_string())]).inc();
        };
        match &event.kind {
            EventKind::Crashed { .. } => of(&self.crashes),
            EventKind::Escalated { .. } => of(&self.escalations),
            _ => {}
        }
    }
}
