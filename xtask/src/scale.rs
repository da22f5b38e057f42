//! `cargo xtask scale`: the arithmetic of docs/scale.md, from the table of inputs at its head.
//!
//! The page has each measured figure at one place. What follows from it stands between two marks and is written here; tidy
//! refuses a page whose figures do not follow from its table.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::tidy;

const BEGIN: &str = "<!-- written by `cargo xtask scale` -->\n";
const END: &str = "<!-- end -->\n";

/// Published figures of others: who, requests a second, on what, where it was said, in cores if those are known.
const PUBLISHED: [(&str, f64, &str, Option<f64>, &str); 5] = [
    ("vanilla-rtb", 105_000.0, "16 cores of E5-2697v3", Some(16.0), "README, 2019"),
    ("RTB4FREE", 32_000.0, "a c4.8xlarge of 36 vCPU", Some(36.0), "README"),
    ("RTBkit", 20_000.0, "\"a single server\"", None, "README"),
    ("rust-rtb-bidder", 50_000.0, "one development host, p99 3.4 ms", None, "README, 2026"),
    ("Rumi", 100_000.0 / 3.0, "one of three servers, 1,000 campaigns", None, "vendor's case study"),
];

/// The inputs, by the names that they have in the page.
struct Inputs<'a>(&'a str);

impl Inputs<'_> {
    fn get(&self, name: &str) -> anyhow::Result<f64> {
        let row = self.0.lines().find_map(|line| line.strip_prefix("| ")?.strip_prefix(name)?.strip_prefix(" | "));
        let value = row.and_then(|rest| rest.split(" |").next()).with_context(|| format!("no input `{name}`"))?;
        let value: f64 = value.parse().with_context(|| format!("input `{name}` is no number: {value}"))?;
        if !(value > 0.0 && value.is_finite()) {
            bail!("input `{name}` is above 0, and was {value}");
        }
        Ok(value)
    }
}

/// Writes what follows from the inputs into the page.
pub(crate) fn write() -> anyhow::Result<()> {
    let (path, page) = read()?;
    fs::write(&path, updated(&page)?).with_context(|| format!("writing {}", path.display()))
}

/// Whether the page says what follows from its inputs.
pub(crate) fn check() -> anyhow::Result<()> {
    let (path, page) = read()?;
    if updated(&page)? != page {
        bail!("{} does not follow from its inputs: run `cargo xtask scale`", path.display());
    }
    Ok(())
}

fn read() -> anyhow::Result<(PathBuf, String)> {
    let path = tidy::workspace().join("docs/scale.md");
    let page = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok((path, page))
}

fn updated(page: &str) -> anyhow::Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("docs/scale.md has lost its first mark")?;
    let (_, after) = rest.split_once(END).context("docs/scale.md has lost its last mark")?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", derived(&Inputs(before))?))
}

fn derived(inputs: &Inputs<'_>) -> anyhow::Result<String> {
    let rate = inputs.get("requests a second")?;
    let sites = inputs.get("sites")?;
    let per_host = inputs.get("cores a host")?;
    let utilisation = inputs.get("planned utilisation, %")? / 100.0;
    let busy = |us: f64| rate * us / 1e6;
    let planned = |busy: f64| busy / utilisation * sites / (sites - 1.0);
    let hosts = |busy: f64| (planned(busy) / per_host / sites).ceil() * sites;
    let mut text = String::new();
    let mut say = |line: String| {
        let _ = writeln!(text, "{line}");
    };

    say("| | CPU a request, µs | requests/s of a core | busy cores | cores planned | hosts |".to_owned());
    say("|---|---|---|---|---|---|".to_owned());
    let ours = inputs.get("CPU of a request, µs")?;
    let floor = inputs.get("CPU of nginx's fixed reply, µs")?;
    for (who, us) in [
        ("the ad server, measured", ours),
        ("nginx with a fixed reply, which decides nothing", floor),
        ("1.5 times nginx, the aim", (150.0 * floor).round() / 100.0),
        ("from bytes to bytes, without any network", inputs.get("CPU from bytes to bytes in process, µs")?),
    ] {
        let (per_core, busy, cores, hosts) =
            (grouped(1e6 / us), grouped(busy(us)), grouped(planned(busy(us))), grouped(hosts(busy(us))));
        say(format!("| {who} | {us} | {per_core} | {busy} | {cores} | {hosts} |"));
    }

    let serving = hosts(busy(ours)) * (sites - 1.0) / sites;
    let bids = inputs.get("share of bids, %")? / 100.0;
    let gbit = |bytes: f64| rate * bytes * 8.0 / 1e9;
    let inward = gbit(inputs.get("bytes of a request's body")? + inputs.get("bytes of a request's head")?);
    let outward = gbit(bids * inputs.get("bytes of a bid")? + (1.0 - bids) * inputs.get("bytes of a no-bid")?);
    let packets = rate * (inputs.get("packets in, a request")? + inputs.get("packets out, a request")?) / 1e6;
    let card = inputs.get("network of a host, Gbit/s")?;
    let late = rate * inputs.get("late answers allowed, %")? / 100.0;
    say(String::new());
    say(format!(
        "- **Network**: {inward:.1} Gbit/s in, {outward:.1} Gbit/s out, {packets:.1} million packets a second. With one site lost \
         each of {} hosts takes {} requests a second, {:.2} Gbit/s in, {:.0} % of its card: the processor is the limit.",
        grouped(serving),
        grouped(rate / serving),
        inward / serving,
        100.0 * inward / serving / card
    ));
    say(format!("- **Late answers allowed**: {} a second, of all exchanges together.", grouped(late)));
    say(format!(
        "- **Bids**: {} a second; if one in ten wins, {} notices a second.",
        grouped(rate * bids),
        grouped(rate * bids / 10.0)
    ));
    say(format!(
        "- **A degraded exchange** with a sixth of the traffic is {} no-bids a second: answered in time, and unable to bid. On \
         trial 1 % of them, {} a second, meet the engine.",
        grouped(rate / 6.0),
        grouped(rate / 6.0 / 100.0)
    ));

    say(String::new());
    say(format!(
        "Beside what others have published, for the same {} a second at the rate that they name:",
        grouped(rate)
    ));
    say(String::new());
    say("| who | requests/s | on | of a core | times ours | hosts like theirs | said in |".to_owned());
    say("|---|---|---|---|---|---|---|".to_owned());
    for (who, theirs, on, cores, said) in PUBLISHED {
        let (of_a_core, times) = match cores {
            Some(cores) => (grouped(theirs / cores), format!("{:.2}", theirs / cores * ours / 1e6)),
            None => ("?".to_owned(), "?".to_owned()),
        };
        let (rate, hosts) = (grouped(theirs), grouped((rate / theirs).ceil()));
        say(format!("| {who} | {rate} | {on} | {of_a_core} | {times} | {hosts} | {said} |"));
    }
    let line = "Other hardware, other campaigns, other requests, a processor that may have been full: compare the order, not the \
                digit. Their hosts are without any reserve; ours above have one.";
    say(format!("\n{line}"));
    Ok(wrapped(&text))
}

/// Rounded, with commas between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Lines of at most so many characters, but for tables.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 128;
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with('|') {
            let _ = writeln!(out, "{line}");
            continue;
        }
        let indent = if line.starts_with("- ") { "  " } else { "" };
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.trim().is_empty() && WIDTH < current.chars().count() + 1 + word.chars().count() {
                let _ = writeln!(out, "{current}");
                current = indent.to_owned();
            } else if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        let _ = writeln!(out, "{current}");
    }
    out
}
