//! A server as a process on one core, and the load on another.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::uri::PathAndQuery;
use simulator::{Dialect, DriveReport, Limit, LoadMode, LoadPlan, Pace, drive};
use tempfile::TempDir;

use super::cores::{self, Cores};
use super::figures::Figures;
use super::in_process::Bodies;
use super::{CAMPAIGNS, Options, Server, adserver, nginx};

/// Load before the clock starts: leases are taken, caches are warm.
const WARM_UP: Duration = Duration::from_secs(1);
/// More than any server here answers in the longest round: the bound in count.
const REQUESTS_MAX: u64 = 50_000_000;
const NOTHING: Limit = Limit { requests: 0, duration: Duration::ZERO };

/// A child process that does not outlive its value.
pub(super) struct Child(std::process::Child);

impl Child {
    /// Starts it on the server's core.
    pub(super) fn start(mut command: Command, cores: Cores) -> anyhow::Result<Child> {
        cores::on(cores.server, || command.spawn().context("the server does not start")).map(Child)
    }

    /// Starts it where the kernel likes.
    pub(super) fn start_anywhere(mut command: Command) -> anyhow::Result<Child> {
        command.spawn().context("the server does not start").map(Child)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(super) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Gone already, or ended now; either way it is waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server to be measured.
struct Running {
    child: Child,
    address: SocketAddr,
    _folder: Option<TempDir>,
}

fn start(server: Server, cores: Cores, binary: &Path) -> anyhow::Result<Running> {
    match server {
        Server::Tembusu => {
            let (child, address, folder) = adserver::start(binary, cores, CAMPAIGNS)?;
            Ok(Running { child, address, _folder: Some(folder) })
        }
        Server::Nginx => {
            let (child, address, folder) = nginx::start(cores)?;
            Ok(Running { child, address, _folder: Some(folder) })
        }
        Server::HyperFixed => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["bench", "hyper-fixed"]).stdout(Stdio::piped());
            let mut child = Child::start(command, cores)?;
            let output = child.0.stdout.take().context("the yardstick has no output")?;
            let mut address = String::new();
            BufReader::new(output).read_line(&mut address)?;
            let address = address.trim().parse().context("the yardstick says no address")?;
            Ok(Running { child, address, _folder: None })
        }
    }
}

/// What is sent in a round.
pub(super) struct Load<'a> {
    /// In turn, in the encoding that `dialect` says.
    pub(super) bodies: &'a [Bytes],
    pub(super) dialect: Dialect,
    pub(super) mode: LoadMode,
    /// Answers later than this are counted late.
    pub(super) tmax: Option<Duration>,
}

impl<'a> Load<'a> {
    /// As many requests as the server answers.
    pub(super) fn closed(bodies: &'a Bodies) -> Self {
        Self { bodies: &bodies.0, dialect: Dialect::xandr(), mode: LoadMode::Closed, tmax: None }
    }

    /// Whether it meets its schedule by never sleeping. It must not sleep either when every connection waits for an answer.
    fn spins(&self) -> bool {
        matches!(self.mode, LoadMode::Open { pace: Pace::Spin, .. })
    }
}

/// What one round found, of its measured part.
pub(super) struct Round {
    pub(super) report: DriveReport,
    /// CPU time that the server took.
    cpu: Duration,
    /// How long others had the core of the load while it wanted to run: no server's fault.
    pub(super) held_up: Duration,
}

/// One round: a fresh server, a warm-up, the measured part.
pub(super) fn round(
    server: Server,
    cores: Cores,
    binary: &Path,
    load: &Load<'_>,
    options: &Options,
) -> anyhow::Result<Round> {
    let running = start(server, cores, binary)?;
    let pid = running.child.id();
    let plan = |duration| LoadPlan {
        endpoint: load.dialect.endpoint(running.address, PathAndQuery::from_static(adserver::PATH)),
        bodies: load.bodies.to_vec(),
        connections: options.connections.into(),
        mode: load.mode,
        warm_up: NOTHING,
        measured: Limit { requests: REQUESTS_MAX, duration },
        tmax: load.tmax,
        patience: None,
    };
    let (warm_up, measured) = (plan(WARM_UP), plan(Duration::from_secs(options.seconds)));
    cores::on(cores.load, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        if options.awake || load.spins() {
            // Always ready to run, it keeps the thread from waiting for the kernel; it ends with the runtime.
            runtime.spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
        }
        runtime.block_on(drive(&warm_up))?;
        let (before, held_up) = (cores::process_time(pid)?, cores::thread_held_up()?);
        let report = runtime.block_on(drive(&measured))?;
        Ok(Round { report, cpu: cores::process_time(pid)? - before, held_up: cores::thread_held_up()? - held_up })
    })
}

pub(super) fn figures(Round { report, cpu, .. }: &Round) -> anyhow::Result<Figures> {
    let tally = &report.tally;
    let requests = tally.answered();
    ensure!(requests > 0, "nothing was answered: {tally:?}");
    let micros = |quantile: f64| tally.service_micros.value_at_quantile(quantile) as f64;
    Ok(Figures {
        requests,
        requests_per_second: requests as f64 / report.elapsed.as_secs_f64(),
        cpu_us_per_request: cpu.as_secs_f64() * 1e6 / requests as f64,
        p50_us: micros(0.5),
        p99_us: micros(0.99),
        ok_per_mille: tally.ok * 1_000 / requests,
        lost: tally.lost() + tally.bad_request,
    })
}
