//! What an idle connection and a campaign take of the ad server's memory.
//!
//! How: the process's own pages (`RssAnon`) before and after there are more of them; what the kernel keeps for a socket is not
//! in it. A connection has had a request answered. Whatever the start leaves behind (a parsed file) counts as the campaigns'.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::uri::PathAndQuery;
use serde::Serialize;
use simulator::Dialect;

use super::figures::Spread;
use super::verdict::Verdict;
use super::{CAMPAIGNS, Stage, adserver};

const CONNECTION_BYTES_MAX: f64 = 20.0 * 1_024.0;
const CAMPAIGN_BYTES_MAX: f64 = 3.0 * 1_024.0;

/// Connections before the first look, so that what is made once is there, and between the two looks. The server takes 1,024.
const CONNECTIONS: [usize; 2] = [100, 800];

/// Campaigns of the larger server; the smaller one has [`CAMPAIGNS`].
const CAMPAIGNS_MORE: u32 = 3 * CAMPAIGNS;

/// Servers that are looked at: a start with so many campaigns takes seconds.
const ROUNDS_MAX: u32 = 3;

/// A server that has just started gives memory back that it needed for that: it is looked at when for so long it has given none,
/// and after so long in any case.
const SETTLED_FOR: Duration = Duration::from_secs(3);
const SETTLED_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    system: &'static str,
    case: &'static str,
    #[serde(flatten)]
    bytes: Spread,
    rounds: u32,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12} {:<17} {} bytes each", self.system, self.case, self.bytes)
    }
}

pub(super) fn measure(stage: &Stage<'_>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let rounds = stage.options.rounds.min(ROUNDS_MAX);
    let (mut connection, mut campaign) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (server, address, _folder) = adserver::start(&stage.adserver, stage.cores, CAMPAIGNS)?;
        let few = settled_bytes(server.id())?;
        connection.push(of_connection(server.id(), address, &stage.bodies.0)?);
        drop(server);
        let (server, ..) = adserver::start(&stage.adserver, stage.cores, CAMPAIGNS_MORE)?;
        campaign.push((settled_bytes(server.id())? - few) / f64::from(CAMPAIGNS_MORE - CAMPAIGNS));
    }
    let cases = [
        ("memory_connection", "memory_connection_bytes", connection, CONNECTION_BYTES_MAX),
        ("memory_campaign", "memory_campaign_bytes", campaign, CAMPAIGN_BYTES_MAX),
    ];
    for (case, verdict, bytes, most) in cases {
        let line = Line { bench: "bid", system: "tembusu", case, bytes: Spread::of(bytes), rounds };
        stage.options.print(&line)?;
        verdicts.push(Verdict::at_most(verdict, line.bytes.median, most));
    }
    Ok(())
}

/// Bytes that each of many idle connections takes.
fn of_connection(pid: u32, address: SocketAddr, bodies: &[Bytes]) -> anyhow::Result<f64> {
    let endpoint = Dialect::xandr().endpoint(address, PathAndQuery::from_static(adserver::PATH));
    let mut open = Vec::new();
    let mut more = |count: usize| -> anyhow::Result<f64> {
        for body in bodies.iter().cycle().take(count) {
            let mut stream = TcpStream::connect(address).context("the server takes no connection")?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(&endpoint.post_bytes(body))?;
            let read = stream.read(&mut [0; 4_096]).context("the server does not answer")?;
            ensure!(read > 0, "the server has closed a connection");
            open.push(stream);
        }
        settled_bytes(pid)
    };
    let [first, then] = CONNECTIONS;
    let before = more(first)?;
    Ok((more(then)? - before) / then as f64)
}

/// A process's own pages, once it gives none of them back any more.
fn settled_bytes(pid: u32) -> anyhow::Result<f64> {
    let started = Instant::now();
    let (mut least, mut since) = (own_bytes(pid)?, started);
    while since.elapsed() < SETTLED_FOR && started.elapsed() < SETTLED_WITHIN {
        std::thread::sleep(LOOK_EVERY);
        let bytes = own_bytes(pid)?;
        if bytes < least {
            (least, since) = (bytes, Instant::now());
        }
    }
    own_bytes(pid)
}

/// A process's own pages.
fn own_bytes(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("has the server ended?")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix("kB"));
    Ok(kib.context("the system does not say what is a process's own")?.trim().parse::<f64>()? * 1_024.0)
}
