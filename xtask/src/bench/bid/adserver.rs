//! The real ad server, as its own command starts it: built, configured, started, ready.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

use super::campaigns;
use super::cores::Cores;
use super::http::Child;

/// How long the server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// The path of bid requests.
pub(super) const PATH: &str = "/openrtb2/bid";

/// Builds the ad server and says where it is.
pub(super) fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--quiet", "--release", "--package", "adserver"]).status()?;
    ensure!(built.success(), "the ad server does not build");
    // This program is beside it, in the folder of release builds.
    let here = std::env::current_exe()?;
    let binary = here.with_file_name("adserver");
    ensure!(binary.is_file(), "the ad server is not at {}", binary.display());
    Ok(binary)
}

/// A server on a core of its own, and the folder that it works in.
pub(super) fn start(binary: &Path, cores: Cores, campaigns: u32) -> anyhow::Result<(Child, SocketAddr, TempDir)> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let [bids, notices, admin] = free_addresses()?;
    let command = serve(binary, &folder, campaigns, &config(&[("xandr", bids, "")], notices, admin))?;
    Ok((ready(Child::start(command, cores)?, admin)?, bids, folder))
}

/// Two exchanges and where they listen, on whichever core is free, with a chaos point armed.
pub(super) fn start_two(
    binary: &Path,
    campaigns: u32,
    armed: &str,
) -> anyhow::Result<(Child, [SocketAddr; 2], TempDir)> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let [first, second, notices, admin] = free_addresses()?;
    let config = config(&[("xandr", first, ""), ("xandr_2", second, "")], notices, admin);
    let mut command = serve(binary, &folder, campaigns, &config)?;
    command.args(["--arm", armed]);
    Ok((ready(Child::start_anywhere(command)?, admin)?, [first, second], folder))
}

/// Two exchanges of different priority on a core of their own, where they listen, and where operators ask.
pub(super) struct Ranked {
    pub(super) server: Child,
    pub(super) high: SocketAddr,
    pub(super) low: SocketAddr,
    pub(super) admin: SocketAddr,
    _folder: TempDir,
}

/// The names of the exchanges of [`Ranked`].
pub(super) const HIGH: &str = "high";
pub(super) const LOW: &str = "low";

/// Two exchanges of different priority on a core of their own.
pub(super) fn start_ranked(binary: &Path, cores: Cores, campaigns: u32) -> anyhow::Result<Ranked> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let [high, low, notices, admin] = free_addresses()?;
    let load = |priority| {
        format!(
            "[exchange.load]\npriority = {priority}\n[exchange.limits]\nconnections_max = 4096\nin_flight_max = 4096\n"
        )
    };
    let config = config(&[(HIGH, high, &load(100)), (LOW, low, &load(50))], notices, admin);
    let command = serve(binary, &folder, campaigns, &config)?;
    let server = ready(Child::start(command, cores)?, admin)?;
    Ok(Ranked { server, high, low, admin, _folder: folder })
}

/// The command that serves, with its files written.
fn serve(binary: &Path, folder: &TempDir, campaigns: u32, config: &str) -> anyhow::Result<Command> {
    fs::write(folder.path().join("campaigns.toml"), campaigns::text(campaigns))?;
    let file = folder.path().join("bench.toml");
    fs::write(&file, config)?;
    let mut command = Command::new(binary);
    command.arg("serve").arg("--config").arg(&file).stdout(Stdio::null()).stderr(Stdio::inherit());
    Ok(command)
}

/// Waits until the server says that it is ready.
fn ready(mut server: Child, admin: SocketAddr) -> anyhow::Result<Child> {
    let started = Instant::now();
    while !is_ready(admin) {
        ensure!(started.elapsed() < READY_WITHIN, "the ad server is not ready after {READY_WITHIN:?}");
        if let Some(status) = server.ended()? {
            bail!("the ad server ended at its start: {status}");
        }
        std::thread::sleep(ASK_EVERY);
    }
    Ok(server)
}

/// Addresses that were free a moment ago.
pub(super) fn free_addresses<const COUNT: usize>() -> anyhow::Result<[SocketAddr; COUNT]> {
    let bound = [(); COUNT].map(|()| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
    let mut addresses = Vec::new();
    for listener in &bound {
        let listener = listener.as_ref().map_err(|error| anyhow::anyhow!("no port on loopback: {error}"))?;
        addresses.push(listener.local_addr()?);
    }
    addresses.try_into().map_err(|_| anyhow::anyhow!("each listener has its address"))
}

/// These exchanges, each with what else is to be said of it; the rest as in the demonstration.
fn config(exchanges: &[(&str, SocketAddr, &str)], notices: SocketAddr, admin: SocketAddr) -> String {
    let mut text = format!(
        r#"
[admin]
listen = "{admin}"
[notices]
listen = "{notices}"
[ledger]
path = "ledger.db"
key_file = "token.keys"
[campaigns]
file = "campaigns.toml"
[telemetry]
log = "warn"
[rates]
as_of = "2026-11-20"
[rates.usd_per_unit]
SGD = "0.7712"
IDR = "0.0000612"
THB = "0.0308"
"#
    );
    for (exchange, bids, more) in exchanges {
        let _ = write!(
            text,
            r#"
[[exchange]]
name = "{exchange}"
dialect = "xandr"
seat = "958"
listen = "{bids}"
path = "{PATH}"
tmax = "150ms"
margin = "10ms"
{more}
"#
        );
    }
    for (region, country) in [("sg", "SG"), ("id", "ID"), ("th", "TH")] {
        let _ = write!(text, "[[region]]\nname = \"{region}\"\ncountries = [\"{country}\"]\n");
    }
    text
}

fn is_ready(admin: SocketAddr) -> bool {
    get(admin, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// What operators get: head and body.
pub(super) fn get(admin: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(admin)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
