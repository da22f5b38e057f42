//! Shows the tree once a second: redrawn in place on a terminal, one line on a pipe.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use ledger::Totals;
use money::Nanos;
use telemetry::Alert;
use tembusu::ExitReason;

use super::scene::Scene;
use super::traffic::Traffic;
use super::view::{self, Screen};
use crate::serve::StopSignals;
use crate::system::System;

/// How often figures are taken.
const EVERY: Duration = Duration::from_secs(1);

/// Why the show is over.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The time asked for has passed.
    Elapsed,
    /// Ctrl-C or SIGTERM.
    Signal,
    /// The root's intensity was used up.
    Exhausted(ExitReason),
}

/// Takes figures and draws them.
pub(crate) struct Show<'a> {
    system: &'a System,
    traffic: &'a Traffic,
    started: Instant,
    /// `None` on a pipe.
    screen: Option<Screen>,
    before: Counts,
}

/// What has been counted up to an instant.
struct Counts {
    at: Instant,
    exchanges: Vec<(u64, u64)>,
    notices: u64,
}

impl<'a> Show<'a> {
    pub(crate) fn new(system: &'a System, traffic: &'a Traffic) -> Show<'a> {
        let screen = std::io::stdout().is_terminal().then(Screen::default);
        Show { system, traffic, started: Instant::now(), screen, before: Counts::take(system) }
    }

    /// Says what can be reached where.
    pub(crate) fn opening(&self, scene: &Scene, seed: u64) {
        let ports = self.system.ports();
        for exchange in &ports.exchanges {
            println!("{:<11} http://{}{}", exchange.name, exchange.address, exchange.path);
        }
        println!("{:<11} http://{}", "notices", ports.notices);
        println!("{:<11} http://{}/metrics /tree /alerts /campaigns /healthz /readyz", "admin", ports.admin);
        let removed = if scene.is_temporary() { " (removed at the end)" } else { "" };
        println!("{:<11} {}{removed}", "ledger", scene.config.ledger.path.display());
        println!("{:<11} {seed}\n", "seed");
    }

    /// Shows until the end.
    pub(crate) async fn run(&mut self, run_for: Option<Duration>) -> anyhow::Result<Ending> {
        let mut stop = StopSignals::new()?;
        let mut ticks = tokio::time::interval(EVERY);
        ticks.tick().await;
        let mut time_is_up = std::pin::pin!(async {
            match run_for {
                Some(run_for) => tokio::time::sleep(run_for).await,
                None => std::future::pending().await,
            }
        });
        let ending = loop {
            tokio::select! {
                _ = ticks.tick() => self.draw().await,
                () = &mut time_is_up => break Ending::Elapsed,
                () = stop.received() => break Ending::Signal,
                reason = self.system.ended() => break Ending::Exhausted(reason),
            }
        };
        self.traffic.stop();
        // Figures of a moment would be no rates.
        if EVERY / 2 < self.before.at.elapsed() {
            self.draw().await;
        }
        println!("\ndraining: no further request is sent; the last notices are waited for");
        Ok(ending)
    }

    async fn draw(&mut self) {
        self.system.upkeep();
        let root = self.system.tree().snapshot();
        let alerts = self.system.board().standing();
        let totals = self.system.totals().await.ok();
        let now = Counts::take(self.system);
        let rates = now.since(&self.before);
        self.before = now;
        let wins = self.traffic.record().totals().wins.recorded;
        let line = self.headline(&rates, wins, totals.as_ref(), &alerts);
        match &mut self.screen {
            Some(screen) => {
                let beside = beside(self.system, &rates, totals.as_ref());
                let mut text = format!("{line}\n\n{}", view::tree(&root, &beside));
                for alert in &alerts {
                    let _ = writeln!(text, "{}: {} {}: {}", alert.severity, alert.cause, alert.subtree, alert.detail);
                }
                // A terminal that is gone is no reason to stop serving.
                let _ = screen.draw(&text);
            }
            None => {
                let restarts: u64 = root.walk().map(|node| node.restarts).sum();
                println!("{line} restarts={restarts}{}", exchanges_in_a_line(self.system, &rates));
            }
        }
    }

    fn headline(&self, rates: &Rates, wins: u64, totals: Option<&Totals>, alerts: &[Alert]) -> String {
        let requests: u64 = rates.exchanges.iter().map(|rate| rate.0).sum();
        let bids: u64 = rates.exchanges.iter().map(|rate| rate.1).sum();
        format!(
            "t={}s requests/s={requests} bids/s={bids} notices/s={} wins={wins} spend_usd={} alerts={}",
            self.started.elapsed().as_secs(),
            rates.notices,
            spend(totals),
            alerts.len()
        )
    }
}

fn spend(totals: Option<&Totals>) -> String {
    totals.map_or_else(|| "unknown".to_owned(), |totals| totals.spent.to_string())
}

/// Counts a second.
struct Rates {
    exchanges: Vec<(u64, u64)>,
    notices: u64,
}

impl Counts {
    fn take(system: &System) -> Counts {
        let meters = system.meters();
        Counts {
            at: Instant::now(),
            exchanges: meters.exchanges().map(|exchange| (exchange.requests.get(), exchange.bids.get())).collect(),
            notices: meters.notices().received.total(),
        }
    }

    fn since(&self, before: &Counts) -> Rates {
        let ms = u64::try_from((self.at - before.at).as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = |now: u64, before: u64| ((now - before) * 1_000 + ms / 2) / ms;
        let pairs = self.exchanges.iter().zip(&before.exchanges);
        Rates {
            exchanges: pairs.map(|(now, before)| (rate(now.0, before.0), rate(now.1, before.1))).collect(),
            notices: rate(self.notices, before.notices),
        }
    }
}

fn exchanges_in_a_line(system: &System, rates: &Rates) -> String {
    let mut line = String::new();
    for (port, rate) in system.exchanges().iter().zip(&rates.exchanges) {
        let incarnation = system.exchange_tree(port.name()).map_or(0, |tree| tree.snapshot().incarnation);
        let _ = write!(line, " {}=#{incarnation}:{}/{}", port.name(), rate.0, rate.1);
    }
    line
}

/// The figures beside the nodes, by path.
fn beside(system: &System, rates: &Rates, totals: Option<&Totals>) -> HashMap<String, String> {
    let root = system.tree().path();
    let mut beside = HashMap::new();
    for (meters, rate) in system.meters().exchanges().zip(&rates.exchanges) {
        let latency = meters.latency.snapshot();
        let p99 = latency.quantile_us_max(990).map_or_else(|| "-".to_owned(), |us| format!("{us} µs"));
        let spent = meters.regions().map(|cell| cell.spend_nanos.get()).sum::<u64>();
        let spent = Nanos(i64::try_from(spent).unwrap_or(i64::MAX));
        let figures = format!("{:>5} req/s {:>5} bids/s  p99 ≤ {p99}  spent {spent} USD", rate.0, rate.1);
        beside.insert(format!("{root}/exchanges/{}", meters.name()), figures);
        let open = format!("{:>5} open", meters.connections.open.get());
        beside.insert(format!("{root}/sockets/{}", meters.name()), open);
    }
    beside.insert(format!("{root}/notices"), format!("{:>5} notices/s", rates.notices));
    let Some(totals) = totals else { return beside };
    beside.insert(format!("{root}/ledger"), format!("spent {} USD, {} open leases", totals.spent, totals.open_leases));
    for status in system.campaigns().statuses() {
        let spent = totals.account(status.id).map_or_else(|| "0".to_owned(), |account| account.spent.to_string());
        let figures = format!("{}: {}, spent {spent} USD", status.name, status.state);
        beside.insert(format!("{root}/campaigns/each/campaign_{}", status.id), figures);
    }
    beside
}
