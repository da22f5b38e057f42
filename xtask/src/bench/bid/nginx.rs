//! The peer of `http_pinned`: nginx, one process, answering every request with the same bytes from memory.
//!
//! No log, no file, no limit on requests per connection: as cheap as nginx can be. It reads a request's body and looks at
//! nothing, as `hyper_fixed` does.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::cores::Cores;
use super::http::Child;
use super::hyper_fixed::REPLY_BYTES;

/// The Debian package that has it.
const PACKAGE: &str = "nginx-light";

/// How long nginx may take to listen.
const READY_WITHIN: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(10);

/// Whether nginx is here, or can be installed.
pub(super) fn is_there() -> bool {
    let runs = || Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if runs() {
        return true;
    }
    eprintln!("installing {PACKAGE}, to compare with");
    let _ = Command::new("apt-get").args(["install", "-y", "--no-install-recommends", PACKAGE]).status();
    if !runs() {
        eprintln!("without nginx as a peer: it is missing; `apt-get install {PACKAGE}` as root brings it");
    }
    runs()
}

/// An nginx on the server's core, and the folder that it works in.
pub(super) fn start(cores: Cores) -> anyhow::Result<(Child, SocketAddr, TempDir)> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let [address] = super::adserver::free_addresses()?;
    let here = folder.path().display();
    let reply = "x".repeat(REPLY_BYTES);
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {here}/pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;
  client_body_buffer_size 64k; default_type application/json;
  client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
  uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
  server {{ listen {address}; location / {{ return 200 '{reply}'; }} }}
}}
"
    );
    let file = folder.path().join("nginx.conf");
    fs::File::create(&file)?.write_all(text.as_bytes())?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::inherit());
    let child = Child::start(command, cores)?;
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(started.elapsed() < READY_WITHIN, "nginx does not listen after {READY_WITHIN:?}");
        std::thread::sleep(ASK_EVERY);
    }
    Ok((child, address, folder))
}
