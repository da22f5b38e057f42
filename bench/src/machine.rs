//! The machine and the versions that a run is about, and whether somebody else was using it.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::erlang;

/// What stands at the head of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    rustc: String,
    otp: String,
    tokio: String,
    ractor: String,
    ractor_supervisor: String,
    kameo: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
        let rustc = std::process::Command::new("rustc").arg("--version").output();
        Self {
            cpu: cpu.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            rustc: rustc.map_or_else(|_| String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned()),
            otp: erlang::release().unwrap_or_else(|error| format!("absent: {error:#}")),
            tokio: locked("tokio"),
            ractor: locked("ractor"),
            ractor_supervisor: locked("ractor-supervisor"),
            kameo: locked("kameo"),
        }
    }

    pub(crate) fn has_otp(&self) -> bool {
        !self.otp.starts_with("absent")
    }

    /// In one sentence.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "{} cores of {}, Linux {}, {}; {}, tokio {}, ractor {} with ractor-supervisor {}, kameo {}",
            self.cores,
            self.cpu,
            self.kernel,
            self.rustc.split(" (").next().unwrap_or_default(),
            self.otp,
            self.tokio,
            self.ractor,
            self.ractor_supervisor,
            self.kameo
        )
    }
}

/// The version of a crate in the lock file that this program was built with.
fn locked(name: &str) -> String {
    let mut lines = include_str!("../Cargo.lock").lines();
    let wanted = format!("name = \"{name}\"");
    lines.find(|line| *line == wanted);
    let version = lines.next().and_then(|line| line.strip_prefix("version = ")).unwrap_or("unknown");
    version.trim_matches('"').to_owned()
}

/// CPU time in ticks, at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    wall: u64,
    busy: u64,
    own: u64,
    cores: u64,
}

/// More than this of one core used by others disturbs a sample.
pub(crate) const FOREIGN_CORES_MAX: f64 = 0.12;

impl Load {
    pub(crate) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let all = numbers(stat.lines().next().unwrap_or_default());
        let cores = stat.lines().filter(|line| line.starts_with("cpu")).count().saturating_sub(1) as u64;
        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // After the name: utime, stime, cutime, cstime are the fields 14 to 17 of the line.
        let own = own.rsplit(')').next().unwrap_or_default();
        let own = numbers(own.split_once(' ').map_or("", |(_, rest)| rest));
        Self {
            wall: all.iter().take(8).sum(),
            // user, nice, system; idle and iowait are left out; irq, softirq, steal.
            busy: all.iter().take(3).sum::<u64>() + all.iter().skip(5).take(3).sum::<u64>(),
            own: own.iter().skip(10).take(4).sum(),
            cores: cores.max(1),
        }
    }

    /// How many cores others have used since `before`.
    pub(crate) fn foreign_since(self, before: Self) -> f64 {
        let wall = (self.wall.saturating_sub(before.wall)).max(1) as f64 / self.cores as f64;
        let busy = self.busy.saturating_sub(before.busy) as f64;
        let own = self.own.saturating_sub(before.own) as f64;
        ((busy - own) / wall).max(0.0)
    }
}

fn numbers(line: &str) -> Vec<u64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}
