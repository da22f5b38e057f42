//! A server as a process on one core, and the load on another.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use http::uri::PathAndQuery;
use simulator::{Dialect, DriveReport, Limit, LoadMode, LoadPlan, drive};
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

/// One round: a fresh server, a warm-up, the measured part.
pub(super) fn round(
    server: Server,
    cores: Cores,
    binary: &Path,
    bodies: &Bodies,
    options: &Options,
) -> anyhow::Result<Figures> {
    let running = start(server, cores, binary)?;
    let pid = running.child.0.id();
    let plan = |duration| LoadPlan {
        endpoint: Dialect::xandr().endpoint(running.address, PathAndQuery::from_static(adserver::PATH)),
        bodies: bodies.0.clone(),
        connections: options.connections.into(),
        mode: LoadMode::Closed,
        warm_up: NOTHING,
        measured: Limit { requests: REQUESTS_MAX, duration },
        tmax: None,
    };
    let (warm_up, measured) = (plan(WARM_UP), plan(Duration::from_secs(options.seconds)));
    let (report, cpu) = cores::on(cores.load, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(drive(&warm_up))?;
        let before = cores::process_time(pid)?;
        let report = runtime.block_on(drive(&measured))?;
        Ok((report, cores::process_time(pid)? - before))
    })?;
    figures(&report, cpu)
}

fn figures(report: &DriveReport, cpu: Duration) -> anyhow::Result<Figures> {
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
