//! Runs scenarios on Erlang/OTP: one or more `erl`s with one scheduler each, many trees at once in each.
//!
//! The program is `erl/tembusu_diff.erl`, compiled with `erlc` into a temporary folder. Nothing is left behind.

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use anyhow::{Context, bail};

use crate::etf;
use crate::scenario::Scenario;
use crate::trace::Trace;

const PROGRAM: &str = include_str!("../erl/tembusu_diff.erl");

/// How many trees run at once in one `erl`, besides those that wait for real time to pass.
const AT_ONCE: usize = 48;

/// Running `erl`s.
#[derive(Debug)]
pub struct Erlang {
    beams: Vec<Beam>,
    release: String,
}

#[derive(Debug)]
struct Beam {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Erlang {
    /// Compiles the program and starts `beams` of them.
    ///
    /// # Errors
    ///
    /// When `erl` or `erlc` is missing or does not do its work.
    pub fn start(beams: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("tembusu_diff.erl");
        std::fs::write(&source, PROGRAM)?;
        let compiled = Command::new("erlc")
            .arg("-o")
            .arg(folder.path())
            .arg(&source)
            .status()
            .context("running erlc: install Erlang/OTP, for example with `apt-get install erlang-base`")?;
        if !compiled.success() {
            bail!("erlc does not compile tembusu_diff.erl");
        }
        let mut started = Vec::new();
        let mut release = String::new();
        for _ in 0..beams {
            let mut child = Command::new("erl")
                .args([
                    "+S",
                    "1:1",
                    "+A",
                    "1",
                    "-noshell",
                    "-noinput",
                    "-mode",
                    "minimal",
                    "-run",
                    "tembusu_diff",
                    "main",
                    "-pa",
                ])
                .arg(folder.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .context("running erl")?;
            let input = BufWriter::new(child.stdin.take().context("erl's input")?);
            let output = BufReader::new(child.stdout.take().context("erl's output")?);
            let mut beam = Beam { child, input, output };
            // It has loaded the program when it says who it is: the folder may go.
            release = beam.receive()?;
            started.push(beam);
        }
        Ok(Self { beams: started, release })
    }

    /// Which release of OTP this is, with the version of its `stdlib`.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.release
    }

    /// What OTP makes of the scenarios, in their order.
    ///
    /// # Errors
    ///
    /// When an `erl` ends or says what is no trace.
    pub fn traces(&mut self, scenarios: &[Scenario]) -> anyhow::Result<Vec<Trace>> {
        let share = scenarios.len().div_ceil(self.beams.len()).max(1);
        let parts = std::thread::scope(|scope| {
            let running: Vec<_> = self
                .beams
                .iter_mut()
                .zip(scenarios.chunks(share))
                .map(|(beam, part)| scope.spawn(move || beam.traces(part)))
                .collect();
            running.into_iter().map(|part| part.join().expect("it does not panic")).collect::<Vec<_>>()
        });
        let mut traces = Vec::with_capacity(scenarios.len());
        for part in parts {
            traces.extend(part?);
        }
        Ok(traces)
    }
}

impl Beam {
    fn traces(&mut self, scenarios: &[Scenario]) -> anyhow::Result<Vec<Trace>> {
        let Self { input, output, .. } = self;
        let (room, left) = mpsc::channel();
        std::thread::scope(|scope| {
            // Dropped when the reader gives up, so that the writer does not wait for it.
            let room = room;
            let writer = scope.spawn(move || -> anyhow::Result<()> {
                for (id, scenario) in scenarios.iter().enumerate() {
                    if id >= AT_ONCE && !scenario.has_gaps() {
                        input.flush()?;
                        left.recv().context("the reader goes on")?;
                    }
                    let term = etf::encode(id as u64, scenario);
                    input.write_all(&u32::try_from(term.len())?.to_be_bytes())?;
                    input.write_all(&term)?;
                }
                Ok(input.flush()?)
            });
            let mut traces = vec![Trace::default(); scenarios.len()];
            for _ in scenarios {
                let text = receive(output)?;
                let (id, trace) = text.split_once('\n').context("an id and a trace")?;
                let id: usize = id.parse().context("an id")?;
                traces[id] = trace.parse().with_context(|| scenarios[id].to_string())?;
                let _ = room.send(());
            }
            writer.join().expect("it does not panic")?;
            Ok(traces)
        })
    }

    fn receive(&mut self) -> anyhow::Result<String> {
        receive(&mut self.output)
    }
}

fn receive(output: &mut impl Read) -> anyhow::Result<String> {
    let mut length = [0; 4];
    output.read_exact(&mut length).context("erl has ended")?;
    let mut text = vec![0; u32::from_be_bytes(length) as usize];
    output.read_exact(&mut text).context("erl has ended")?;
    Ok(String::from_utf8(text)?)
}

impl Drop for Beam {
    fn drop(&mut self) {
        // Its standard input is closed with it, but it need not be read.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
