//! A real `adserver serve`, in a process of its own and on ports that stay the same over its restarts.

use std::fs::{self, File, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use adserver::config::AdserverConfig;
use adserver::system::{ExchangeAddress, Ports};
use tempfile::TempDir;

use super::until;

const BINARY: &str = env!("CARGO_BIN_EXE_adserver");
/// Below the ports that connections get by themselves: none of ours may take one while the server is away.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The folder that one server after the other works in.
pub(crate) struct Site {
    pub(crate) config: AdserverConfig,
    pub(crate) ports: Ports,
    file: PathBuf,
    folder: TempDir,
}

impl Site {
    /// The demonstration's configuration and campaigns on free ports, after `change`.
    pub(crate) fn new(change: impl FnOnce(String) -> String) -> Site {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut text = include_str!("../../src/demo/demo.toml").to_owned();
        while text.contains("127.0.0.1:0") {
            text = text.replacen("127.0.0.1:0", &free_address().to_string(), 1);
        }
        let text = change(text);
        let campaigns = include_str!("../../src/demo/campaigns.toml");
        let campaigns =
            campaigns.replace("\"2026-01-01\"", "\"2020-01-01\"").replace("\"2026-12-31\"", "\"2099-12-31\"");
        let file = folder.path().join("adserver.toml");
        fs::write(&file, &text).expect("written");
        fs::write(folder.path().join("campaigns.toml"), campaigns).expect("written");
        let keys = folder.path().join("adx-price.keys");
        fs::write(&keys, include_str!("../fixtures/adx-price.keys")).expect("written");
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("changed");
        let config = AdserverConfig::load(&file).expect("the configuration is right");
        let exchanges = config.exchanges.iter().map(|exchange| ExchangeAddress {
            name: exchange.name.clone(),
            address: exchange.listen,
            path: exchange.path.clone(),
        });
        let ports =
            Ports { exchanges: exchanges.collect(), notices: config.notices.listen, admin: config.admin.listen };
        Site { config, ports, file, folder }
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(&self) -> Server {
        let mut command = Command::new(BINARY);
        command.arg("serve").arg("--config").arg(&self.file);
        self.run(command)
    }

    /// The same, with at most so many open files.
    pub(crate) fn start_with_descriptors(&self, descriptors: usize) -> Server {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n \"$1\" && exec \"$2\" serve --config \"$3\"", "sh"]);
        command.arg(descriptors.to_string()).arg(BINARY).arg(&self.file);
        self.run(command)
    }

    /// The same on a disk that takes no file beyond so many bytes; the log is as long already.
    pub(crate) fn start_on_a_full_disk(&self, bytes: u64) -> Server {
        fs::write(self.log_file(), vec![b'\n'; usize::try_from(bytes).expect("few")]).expect("written");
        let mut command = Command::new("sh");
        // The limit counts blocks of 512 bytes; its signal would end the process, where a full disk is an error.
        command.args(["-c", "trap '' XFSZ && ulimit -f \"$1\" && exec \"$2\" serve --config \"$3\"", "sh"]);
        command.arg((bytes / 512).to_string()).arg(BINARY).arg(&self.file);
        self.run(command)
    }

    /// What all servers have logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }

    fn run(&self, mut command: Command) -> Server {
        let log: File = OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log file");
        let output = log.try_clone().expect("a second handle");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().expect("the command runs");
        let mut server = Server(child);
        until("the server is ready", || {
            assert!(server.exit().is_none(), "it has ended: {}", self.log());
            self.is_ready().then_some(())
        });
        server
    }

    fn is_ready(&self) -> bool {
        use std::io::{Read, Write};
        let Ok(mut stream) = std::net::TcpStream::connect(self.ports.admin) else { return false };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        asked.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.starts_with("HTTP/1.1 200")
    }
}

/// A server process; killed if the test ends before it.
pub(crate) struct Server(Child);

impl Server {
    /// As power fails: nothing is told, nothing is written any more.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("it has ended");
    }

    /// Asks it to drain and end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Asks it to read its campaigns anew.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Its status if it has ended.
    pub(crate) fn exit(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("it can be asked")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = PORTS.end - PORTS.start;
    let own = u16::try_from(std::process::id() % u32::from(span)).expect("within the span");
    (0..span)
        .find_map(|_| {
            let offset = own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % span;
            let address = SocketAddr::from(([127, 0, 0, 1], PORTS.start + offset));
            TcpListener::bind(address).is_ok().then_some(address)
        })
        .expect("a free port")
}
