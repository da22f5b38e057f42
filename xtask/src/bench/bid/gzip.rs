//! Requests in gzip: the ad server beside nginx, which does not look into them, and beside inflating them and nothing else.
//!
//! Inflated is as the ad server does it, with a fresh state for each request, on the server's core.

use std::io::Read as _;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use serde::Serialize;
use simulator::{Dialect, LoadMode, gzip};

use super::figures::Spread;
use super::http::Load;
use super::verdict::Verdict;
use super::{Server, Stage, cores};

/// Our CPU time over that of nginx and inflating together.
const OF_BOTH_MAX: f64 = 1.4;

/// How often all bodies are inflated in a round.
const TIMES: usize = 20;

/// Inflating alone.
#[derive(Debug, Serialize)]
struct Inflated {
    bench: &'static str,
    system: &'static str,
    case: &'static str,
    #[serde(flatten)]
    cpu_us_per_request: Spread,
    request_bytes: usize,
}

impl std::fmt::Display for Inflated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { system, case, cpu_us_per_request, request_bytes, .. } = self;
        write!(f, "{system:>12} {case:<12} {cpu_us_per_request} us CPU/req, {request_bytes} bytes")
    }
}

pub(super) fn measure(stage: &Stage<'_>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let bodies: Vec<Bytes> = stage.bodies.0.iter().map(|body| gzip(body).into()).collect();
    let dialect = Dialect { gzip_requests: true, ..Dialect::xandr() };
    let load = Load { bodies: &bodies, dialect, mode: LoadMode::Closed, tmax: None };
    let lines = stage.closed_loop("http_gzip", &[Server::Tembusu, Server::Nginx], &load)?;
    let rounds = (0..stage.options.rounds).map(|_| cores::on(stage.cores.server, || inflate(&bodies)));
    let inflated = Inflated {
        bench: "bid",
        system: "inflate",
        case: "http_gzip",
        cpu_us_per_request: Spread::of(rounds.collect::<anyhow::Result<_>>()?),
        request_bytes: bodies.iter().map(Bytes::len).sum::<usize>() / bodies.len().max(1),
    };
    stage.options.print(&inflated)?;
    if let (Some(ours), Some(nginx)) = (lines.of(Server::Tembusu), lines.of(Server::Nginx)) {
        let both = nginx.cpu_us() + inflated.cpu_us_per_request.median;
        verdicts.push(Verdict::at_most("gzip_cpu_of_nginx_and_inflate", ours.cpu_us() / both, OF_BOTH_MAX));
    }
    Ok(())
}

/// CPU microseconds that one body takes.
fn inflate(bodies: &[Bytes]) -> anyhow::Result<f64> {
    let before = cores::thread_time()?;
    for body in bodies.iter().cycle().take(bodies.len() * TIMES) {
        let mut bytes = Vec::with_capacity(body.len() * 4);
        MultiGzDecoder::new(&body[..]).read_to_end(&mut bytes).context("a body is not what it was made as")?;
        std::hint::black_box(bytes);
    }
    let took: Duration = cores::thread_time()? - before;
    Ok(took.as_secs_f64() * 1e6 / (bodies.len() * TIMES) as f64)
}
