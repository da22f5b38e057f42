//! Says in plain words what a configuration means: what `check-config` prints.

use std::fmt::Write as _;

use super::duration::show;
use super::settings::{AdserverConfig, ExchangeConfig, Intensity, ServiceLevelsConfig};

/// Returns the text, one sentence a line.
pub fn explain(config: &AdserverConfig) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    for exchange in &config.exchanges {
        say(format!(
            "{} takes bid requests at http://{}{}, answers within {} (tmax, or {} if absent, less {}), {}",
            exchange.name,
            exchange.listen,
            exchange.path,
            show(exchange.tmax - exchange.margin),
            show(exchange.tmax),
            show(exchange.margin),
            match exchange.threads {
                1 => "on 1 thread of its own".to_owned(),
                threads => format!("on {threads} threads of its own"),
            }
        ));
        if let Some(path) = exchange.ready_path() {
            say(format!(
                "  whether it is ready (GET {path}) is always answered with yes: degraded, it answers no-bids"
            ));
        }
        say(match exchange.shading {
            true => {
                "  in its first-price auctions bids are as low as wins, once it has told the prices that win".to_owned()
            }
            false => "  in its first-price auctions campaigns bid their full price".to_owned(),
        });
        say(format!(
            "  {} takes {} to degraded: a no-bid to every request",
            more_than(exchange.intensity),
            exchange.name
        ));
        say(way_back(exchange));
        let ServiceLevelsConfig { answered_in_time, able_to_bid } = exchange.service_levels;
        say(format!(
            "  {answered_in_time} of its requests are to be answered in time, {able_to_bid} to be decided on their merits"
        ));
        exchange.load.explain().into_iter().for_each(&mut say);
        say(format!(
            "  {} of its listener closes its connections and counts as one crash in sockets",
            more_than(exchange.intensity)
        ));
    }
    for region in &config.regions {
        say(format!("{} serves {}", region.name, region.countries.join(", ")));
        say(format!(
            "  {} takes {} down: its requests get no bid, its money is frozen",
            more_than(region.intensity),
            region.name
        ));
    }
    say(format!(
        "{} takes the ledger down: notices get 503, it is retried with back-off",
        more_than(config.ledger.intensity)
    ));
    say(format!("{} in the notices listener climbs to the root", more_than(config.notices.intensity)));
    say(format!("{} in exchanges, regions or sockets counts as one crash of the root's", more_than(config.intensity)));
    say(format!("{} of the root's own subtrees ends the process: it drains and exits", more_than(config.intensity)));
    say(format!(
        "a region bids from a lease for {}; after its crash the lease's rest is frozen until {} later",
        show(config.ledger.lease_life),
        show(config.ledger.lease_grace)
    ));
    let kept = config.retention();
    say(format!(
        "the ledger keeps every event for {}, and {} of them at most; other notices than billings for {}; billings {}",
        show(kept.events),
        kept.events_max,
        show(kept.notices),
        kept.billings.map_or("for ever".to_owned(), |kept| format!("for {}", show(kept)))
    ));
    let currencies: Vec<_> = config.rates.currencies().map(|currency| currency.to_string()).collect();
    say(format!("prices are converted by the rates of {} ({})", config.rates.as_of(), currencies.join(", ")));
    text
}

fn way_back(exchange: &ExchangeConfig) -> String {
    let Some(probe) = exchange.trials() else {
        return format!(
            "  degraded, it stays so until an operator restores it: POST /exchanges/{}/restore",
            exchange.name
        );
    };
    format!(
        "  degraded, it is tried after {} (after each failure twice as long, up to {}) with {}, and restored after {} of {}",
        show(probe.first),
        show(probe.max),
        match probe.one_in.get() {
            1 => "every request".to_owned(),
            one_in => format!("one request in {one_in}"),
        },
        match probe.intervals {
            1 => "a healthy interval".to_owned(),
            intervals => format!("{intervals} healthy intervals"),
        },
        show(probe.interval)
    )
}

/// `more than 5 crashes in 10 s`.
fn more_than(intensity: Intensity) -> String {
    let crashes = if intensity.restarts == 1 { "crash" } else { "crashes" };
    format!("more than {} {crashes} in {}", intensity.restarts, show(intensity.within))
}
