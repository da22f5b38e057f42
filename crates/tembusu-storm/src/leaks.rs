//! What the process holds, read when no tree is alive: tasks, threads, descriptors, memory.

use std::fs;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// How long ended threads and tasks may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// By how much memory may be greater at the end than after the first half: the allocator's own affairs.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    tasks: usize,
    threads: u64,
    descriptors: usize,
    resident_kib: u64,
}

impl Holdings {
    /// What is held once all that is about to end has ended: a timer is a task's, and so is gone with the last one.
    pub(crate) fn now(runtime: &Runtime) -> Result<Self, String> {
        let began = Instant::now();
        while runtime.metrics().num_alive_tasks() > 0 && began.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        let mut held = Self::read(runtime)?;
        // A watchdog notices a little later that its tree is gone.
        while began.elapsed() < PATIENCE && held.threads > 3 {
            std::thread::yield_now();
            held = Self::read(runtime)?;
        }
        Ok(held)
    }

    fn read(runtime: &Runtime) -> Result<Self, String> {
        let status = fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        let descriptors = fs::read_dir("/proc/self/fd").map_err(|error| error.to_string())?.count();
        Ok(Self {
            tasks: runtime.metrics().num_alive_tasks(),
            threads: number("Threads:"),
            descriptors,
            resident_kib: number("VmRSS:"),
        })
    }
}

/// Says what is held, or what has leaked.
pub(crate) fn compare(calm: &Holdings, half: &Holdings, end: &Holdings) -> Result<String, String> {
    for (name, held) in [("after the first half", half), ("at the end", end)] {
        if held.tasks != 0 {
            return Err(format!("{} tasks are alive {name}", held.tasks));
        }
        if held.threads > calm.threads || held.descriptors > calm.descriptors {
            return Err(format!("{name} it holds {held:?}, at first {calm:?}"));
        }
    }
    if end.resident_kib > half.resident_kib + GROWTH_KIB_MAX {
        return Err(format!("it grew from {} KiB to {} KiB", half.resident_kib, end.resident_kib));
    }
    Ok(format!(
        "0 tasks left, {} threads, {} descriptors, {} MiB resident after the first half and {} at the end",
        end.threads,
        end.descriptors,
        half.resident_kib / 1024,
        end.resident_kib / 1024
    ))
}
