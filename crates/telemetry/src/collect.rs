//! Turns meters, alerts and the tree's own counts into series at the time of a scrape.
//!
//! Nothing is kept between scrapes, so a restart of the aggregator loses no count. The number of
//! series is bounded by the configuration: exchanges × regions × labels, and nodes of the tree.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use tembusu::{NodeSnapshot, State, SupervisorRef};

use crate::alert::Cause;
use crate::board::AlertBoard;
use crate::counter::Labelled;
use crate::histogram::{BUCKETS_US, Histogram};
use crate::ledger_state;
use crate::levels::{ServiceLevel, ServiceLevels};
use crate::meters::{ConnectionMeters, ExchangeMeters, Meters, RegionMeters, RegionState};
use crate::runtime::RuntimeMeters;

/// Most alerts with a series of their own; beyond it they are summed by cause.
pub const ALERT_SERIES_MAX: usize = 256;

type Written = Result<(), fmt::Error>;

/// Writes the series of [`Meters`].
#[derive(Debug)]
pub(crate) struct MeterCollector(pub(crate) Arc<Meters>);

impl Collector for MeterCollector {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Written {
        self.exchanges(&mut to)?;
        self.connections(&mut to)?;
        self.runtimes(&mut to)?;
        self.regions(&mut to)?;
        self.region_states(&mut to)?;
        self.0.ledger_state().map_or(Ok(()), |state| ledger_state::encode(&state, &mut to))?;
        self.notices(&mut to)
    }
}

impl MeterCollector {
    fn exchanges(&self, to: &mut DescriptorEncoder<'_>) -> Written {
        let by_exchange = |of: fn(&ExchangeMeters) -> u64| {
            self.0.exchanges().map(move |meters| ([("exchange", meters.name())], of(meters)))
        };
        counters(to, "adserver_requests", "Requests answered", by_exchange(|m| m.requests.get()))?;
        counters(to, "adserver_bids", "Bids sent, one for each imp", by_exchange(|m| m.bids.get()))?;
        counters(to, "adserver_shed", "Requests answered 204 at once for want of time", by_exchange(|m| m.shed.get()))?;
        counters(to, "adserver_late", "Answers that were ready after their deadline", by_exchange(|m| m.late.get()))?;
        let help = "Requests whose connection ended before their answer";
        counters(to, "adserver_unanswered", help, by_exchange(|m| m.unanswered.get()))?;

        let by_label = |label: &'static str, of: fn(&ExchangeMeters) -> &Labelled| {
            self.0.exchanges().flat_map(move |meters| {
                of(meters).iter().map(move |(value, n)| ([("exchange", meters.name()), (label, value)], n))
            })
        };
        counters(to, "adserver_no_bids", "Requests answered without a bid", by_label("reason", |m| &m.no_bids))?;
        let help = "What was told of earlier bids within requests";
        counters(to, "adserver_bid_feedback", help, by_label("outcome", |m| &m.feedback))?;
        counters(to, "adserver_malformed", "Requests answered 4xx", by_label("kind", |m| &m.malformed))?;

        let statuses = self.0.exchanges().flat_map(|meters| {
            meters.statuses.iter().map(move |(status, n)| ([("exchange", meters.name()), ("status", status)], n))
        });
        counters(to, "adserver_responses", "Answers by HTTP status", statuses)?;

        let latency = self.0.exchanges().map(|meters| ([("exchange", meters.name())], &meters.latency));
        histograms(to, "adserver_latency_seconds", "From the first byte of the head to the answer", latency)
    }

    fn connections(&self, to: &mut DescriptorEncoder<'_>) -> Written {
        let notices = self.0.notices();
        let listeners = || {
            let exchanges = self.0.exchanges().map(|meters| (meters.name(), &meters.connections));
            exchanges.chain([("notices", &*notices.connections)])
        };
        let of = |count: fn(&ConnectionMeters) -> u64| {
            listeners().map(move |(listener, meters)| ([("listener", listener)], count(meters)))
        };
        let open = listeners().map(|(listener, meters)| ([("listener", listener)], meters.open.get()));
        gauges(to, "adserver_connections_open", "Open connections", open)?;
        counters(to, "adserver_connections_accepted", "Connections accepted", of(|m| m.accepted.get()))?;
        counters(to, "adserver_connections_refused", "Accepts that failed", of(|m| m.refused.get()))?;
        let polls = "Polls that asked whether we are ready, and were told so";
        counters(to, "adserver_ready_polls", polls, of(|m| m.ready_polls.get()))?;
        let closed = listeners().flat_map(|(listener, meters)| {
            meters.closed_by_us.iter().map(move |(why, n)| ([("listener", listener), ("why", why)], n))
        });
        counters(to, "adserver_connections_closed_by_us", "Connections that this side closed", closed)
    }

    fn runtimes(&self, to: &mut DescriptorEncoder<'_>) -> Written {
        let of = |count: fn(&RuntimeMeters) -> u64| {
            self.0.exchanges().map(move |meters| ([("exchange", meters.name())], count(&meters.runtime)))
        };
        let lost = "Runtimes that were left behind, since their threads did not come back";
        counters(to, "adserver_runtimes_lost", lost, of(|m| m.lost.get()))?;
        let moved = "Connections that went on on a fresh runtime";
        counters(to, "adserver_connections_moved", moved, of(|m| m.connections_moved.get()))?;
        let of_runtime = || self.0.exchanges().map(|meters| ([("exchange", meters.name())], &meters.runtime));
        let help = "How late an exchange's runtime ran what was due last";
        let lag = of_runtime().map(|(labels, meters)| (labels, meters.lag_nanos.get() as f64 / 1e9));
        gauges(to, "adserver_runtime_lag_seconds", help, lag)?;
        let help = "Share of an exchange's requests that it sheds for overload, in thousandths";
        let pressure = of_runtime().map(|(labels, meters)| (labels, meters.pressure_permille.get()));
        gauges(to, "adserver_shed_permille", help, pressure)
    }

    fn regions<'a>(&'a self, to: &mut DescriptorEncoder<'_>) -> Written {
        let of_exchange =
            |exchange: &'a Arc<ExchangeMeters>| exchange.regions().map(move |cell| (exchange.name(), cell));
        let cells: Vec<(&str, &Arc<RegionMeters>)> = self.0.exchanges().flat_map(of_exchange).collect();
        let labels =
            |(exchange, cell): &(&'a str, &'a Arc<RegionMeters>)| [("exchange", *exchange), ("region", cell.name())];
        let requests = cells.iter().map(|at| (labels(at), at.1.requests.get()));
        counters(to, "adserver_region_requests", "Bid requests by region", requests)?;
        let bids = cells.iter().map(|at| (labels(at), at.1.bids.get()));
        counters(to, "adserver_region_bids", "Bids by region", bids)?;
        let no_bids = cells.iter().flat_map(|(exchange, cell)| {
            let labels = move |reason| [("exchange", *exchange), ("region", cell.name()), ("reason", reason)];
            cell.no_bids.iter().map(move |(reason, n)| (labels(reason), n))
        });
        counters(to, "adserver_region_no_bids", "Requests without a bid by region", no_bids)?;
        let wins = cells.iter().map(|at| (labels(at), at.1.wins.get()));
        counters(to, "adserver_wins", "Win notices that counted", wins)?;
        let billings = cells.iter().map(|at| (labels(at), at.1.billings.get()));
        let losses = cells.iter().flat_map(|(exchange, cell)| {
            let labels = move |reason| [("exchange", *exchange), ("region", cell.name()), ("reason", reason)];
            cell.losses.iter().map(move |(reason, n)| (labels(reason), n))
        });
        counters(to, "adserver_losses", "Loss notices that counted, by why", losses)?;
        counters(to, "adserver_billings", "Billing notices that counted", billings)?;
        let spend = cells.iter().map(|at| (labels(at), at.1.spend_nanos.get()));
        counters(to, "adserver_spend_nanos", "What they cost in nano-USD since the start of the process", spend)?;
        let latency = cells.iter().map(|at| (labels(at), &at.1.latency));
        histograms(to, "adserver_region_latency_seconds", "From the first byte of the head to the decision", latency)
    }

    fn region_states(&self, to: &mut DescriptorEncoder<'_>) -> Written {
        let states = self.0.region_states();
        let level = |of: fn(&RegionState) -> u64| {
            states.iter().map(move |state| ([("region", &*state.name)], i64::try_from(of(state)).unwrap_or(i64::MAX)))
        };
        gauges(to, "adserver_region_open", "1 while a region bids", level(|state| u64::from(state.open)))?;
        gauges(
            to,
            "adserver_cap_keys",
            "Users counted for caps, each for a campaign or creative",
            level(|s| s.cap_keys),
        )?;
        let help = "Places in caps that open bids hold";
        gauges(to, "adserver_cap_provisional", help, level(|state| state.cap_provisional))?;
        let help = "Users that may be counted before new ones are refused";
        gauges(to, "adserver_cap_keys_limit", help, level(|state| state.cap_keys_max))?;
        let refused = states.iter().map(|state| ([("region", &*state.name)], state.cap_refused));
        counters(
            to,
            "adserver_cap_refusals",
            "Bids refused since their user could not be counted for want of room",
            refused,
        )?;
        let help = "How long a region took to count its users when it last started";
        let took = states.iter().map(|state| ([("region", &*state.name)], state.recovery_micros as f64 / 1e6));
        gauges(to, "adserver_region_recovery_seconds", help, took)?;
        let recoveries = states.iter().map(|state| ([("region", &*state.name)], state.recoveries));
        counters(to, "adserver_region_recoveries", "Starts of a region that counted its users", recoveries)
    }

    fn notices(&self, to: &mut DescriptorEncoder<'_>) -> Written {
        let meters = self.0.notices();
        let received = meters.received.iter().map(|(kind, n)| ([("kind", kind)], n));
        counters(to, "adserver_notices", "Notices received", received)?;
        let outcomes = meters.outcomes.iter().map(|(outcome, n)| ([("outcome", outcome)], n));
        counters(to, "adserver_notice_outcomes", "What became of notices", outcomes)?;
        let flags = meters.flags.iter().map(|(flag, n)| ([("flag", flag)], n));
        counters(to, "adserver_notice_flags", "What was remarkable about recorded notices", flags)?;
        let statuses = meters.statuses.iter().map(|(status, n)| ([("status", status)], n));
        counters(to, "adserver_notice_responses", "Answers to notices by HTTP status", statuses)?;
        let latency = [([("listener", "notices")], &meters.latency)];
        histograms(to, "adserver_notice_latency_seconds", "From the head to the durable answer", latency.into_iter())
    }
}

/// Writes the service levels: what they are about, what failed, and what is promised.
#[derive(Debug)]
pub(crate) struct LevelCollector(pub(crate) Arc<ServiceLevels>);

impl Collector for LevelCollector {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Written {
        // Read once, so that no page shows more failures than requests.
        let all: Vec<_> = self.0.all().collect();
        let labels = |exchange, level: ServiceLevel| [("exchange", exchange), ("service_level", level.label())];
        let requests = all.iter().map(|(exchange, level, _, counts)| (labels(*exchange, *level), counts.requests));
        counters(&mut to, "adserver_service_requests", "Requests that a service level is about", requests)?;
        let failures = all.iter().map(|(exchange, level, _, counts)| (labels(*exchange, *level), counts.failures));
        counters(&mut to, "adserver_service_failures", "Requests that failed a service level", failures)?;
        let help = "Share of requests that must not fail";
        let mut metric = to.encode_descriptor("adserver_service_objective", help, None, MetricType::Gauge)?;
        for (exchange, level, objective, _) in &all {
            let share = f64::from(objective.millionths()) / 1e6;
            metric.encode_family(&labels(*exchange, *level))?.encode_gauge(&share)?;
        }
        Ok(())
    }
}

/// Writes what the tree says about itself.
pub(crate) struct TreeCollector(pub(crate) SupervisorRef);

impl fmt::Debug for TreeCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TreeCollector").field(&self.0.path()).finish()
    }
}

impl Collector for TreeCollector {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Written {
        let root = self.0.snapshot();
        let nodes: Vec<_> = root.walk().collect();
        let of = |count: fn(&NodeSnapshot) -> u64| nodes.iter().map(move |node| ([("path", &*node.path)], count(node)));
        let levels =
            |level: fn(&NodeSnapshot) -> i64| nodes.iter().map(move |node| ([("path", &*node.path)], level(node)));
        counters(&mut to, "tembusu_restarts", "Restarts of a node", of(|node| node.restarts))?;
        gauges(&mut to, "tembusu_incarnation", "Incarnation of a node", levels(|n| n.incarnation as i64))?;
        gauges(
            &mut to,
            "tembusu_running",
            "1 if a node runs normally",
            levels(|n| i64::from(n.state == State::Running)),
        )?;
        gauges(&mut to, "tembusu_mailbox_length", "Messages that wait", levels(|n| n.mailbox_len as i64))?;
        Ok(())
    }
}

/// Writes the alerts that stand: 1 under the subtree of each. Under the empty subtree of each cause stands how many
/// more there are than get a series of their own: 0, if all is well.
#[derive(Debug)]
pub(crate) struct AlertCollector(pub(crate) Arc<AlertBoard>);

impl Collector for AlertCollector {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Written {
        let standing = self.0.standing();
        let (listed, others) = standing.split_at(standing.len().min(ALERT_SERIES_MAX));
        let labels = |cause: Cause, subtree| {
            [("severity", cause.severity().label()), ("cause", cause.label()), ("subtree", subtree)]
        };
        let by_subtree = listed.iter().map(|alert| (labels(alert.cause, &*alert.subtree), 1));
        let by_cause = Cause::ALL.iter().map(|cause| {
            let count = others.iter().filter(|alert| alert.cause == *cause).count();
            (labels(*cause, ""), count as i64)
        });
        gauges(&mut to, "adserver_alerts", "Alerts that stand", by_subtree.chain(by_cause))?;
        let raised = self.0.raised().into_iter().map(|(cause, n)| ([("cause", cause.label())], n));
        counters(&mut to, "adserver_alerts_raised", "Alerts raised", raised)
    }
}

fn counters<L: EncodeLabelSet>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (L, u64)>,
) -> Written {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in series {
        metric.encode_family(&labels)?.encode_counter(&count, None::<&Exemplar<NoLabelSet, u64>>)?;
    }
    Ok(())
}

pub(crate) fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (L, V)>,
) -> Written {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, level) in series {
        metric.encode_family(&labels)?.encode_gauge(&level)?;
    }
    Ok(())
}

fn histograms<'a, L: EncodeLabelSet>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (L, &'a Histogram)>,
) -> Written {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (labels, histogram) in series {
        let snapshot = histogram.snapshot();
        let bounds = BUCKETS_US.iter().map(|us| *us as f64 / 1e6).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(snapshot.counts).collect();
        let sum_seconds = snapshot.sum_us as f64 / 1e6;
        metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum_seconds, snapshot.count(), &buckets, None)?;
    }
    Ok(())
}
