//! The server as a process: killed under load it loses and doubles no money, told to end it answers what it has in
//! hand, and when its root is used up it drains and says so by its exit code.

mod drill;

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use drill::keep_alive::KeepAlive;
use drill::play::{plan, runtime};
use drill::process::Site;
use drill::{PATIENCE, Turn, until};
use ledger::{Audit, EventKind, TokenId, TokenKeys};
use money::Nanos;
use simulator::{Dice, NoticeKind, NoticeState, Record, Simulator};

const SEED: u64 = 20_261_123;
/// How often the server is killed, and under how many notices a second, in every test run. `cargo xtask kill` sets more.
const ROUNDS: (&str, u64) = ("TEMBUSU_KILL_ROUNDS", 20);
const RATE: (&str, u64) = ("TEMBUSU_KILL_RATE", 500);
/// Each request makes some 1.7 notices: most are bid on, and nearly all bids are won and billed.
const NOTICES_PER_TEN_REQUESTS: u64 = 17;
/// A server is killed when it has acknowledged the billings of a tenth of a second, at most.
const BILLINGS_PER_SECOND_PART: u64 = 10;
/// What one connection for notices carries: each notice waits for its commit, on a busy machine for long.
const NOTICES_PER_CONNECTION_SECOND: u64 = 8;
/// How often what was not acknowledged is repeated at the end; some acknowledgements are lost on purpose.
const REPEATS_MAX: u32 = 10;

type Billings = BTreeMap<TokenId, Nanos>;

/// The billings of the exchanges' own record whose state passes.
fn billings(record: &Record, passes: impl Fn(NoticeState) -> bool) -> Billings {
    let recorded = record.notices(passes).into_iter().map(|recorded| recorded.notice);
    let billable = recorded.filter(|notice| notice.kind == NoticeKind::Billing);
    let named = billable.filter_map(|notice| {
        let path = notice.destination.path.path();
        let token = path.strip_prefix(exchange::BILLING_PATH).expect("the path of a billing notice");
        Some((TokenKeys::peek_id(token).expect("a token"), notice.amount?))
    });
    named.collect()
}

/// The billings on disk; each bid stands there once.
fn on_disk(site: &Site) -> Billings {
    let audit = Audit::open(&site.config.ledger.path).expect("the ledger opens");
    let totals = audit.verify().expect("the ledger balances");
    let billed = audit.billed().expect("the billings are read");
    let count = billed.len();
    let billed: Billings = billed.into_iter().map(|billed| (billed.token, billed.amount)).collect();
    assert_eq!(billed.len(), count, "a bid is billed twice");
    assert_eq!(totals.count(EventKind::Billing), count as u64);
    assert_eq!(totals.spent, sum(&billed));
    billed
}

fn sum(billings: &Billings) -> Nanos {
    billings.values().fold(Nanos::ZERO, |sum, amount| sum.saturating_add(*amount))
}

#[track_caller]
fn assert_within(inner: &Billings, outer: &Billings, what: &str) {
    let missing = inner.iter().filter(|(token, amount)| outer.get(*token) != Some(amount)).count();
    assert_eq!(missing, 0, "{what}: {missing} of {} are not", inner.len());
}

/// A number of every test run, or the one that was asked for.
fn setting((name, usual): (&str, u64)) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")),
        Err(_) => usual,
    }
}

fn acknowledged(record: &Record) -> u64 {
    let totals = record.totals();
    let kinds = [NoticeKind::Win, NoticeKind::Billing, NoticeKind::Loss];
    kinds.into_iter().map(|kind| totals.kind(kind).acknowledged).sum()
}

#[test]
fn killed_under_load_again_and_again_it_has_billed_each_impression_once() {
    let _turn = Turn::take();
    let (rounds, rate) = (setting(ROUNDS), setting(RATE));
    let site = Site::new(|text| text);
    let outside = runtime();
    let mut simulator = {
        let _inside = outside.enter();
        let per_exchange = rate * 10 / NOTICES_PER_TEN_REQUESTS / site.ports.exchanges.len() as u64;
        let mut plan = plan(SEED, &site.ports, &site.config, per_exchange);
        plan.notices.connections = usize::try_from(rate / NOTICES_PER_CONNECTION_SECOND).expect("few");
        // What is not acknowledged at once is repeated at the end and not before.
        plan.notices.attempts_max = 1;
        Simulator::start(plan)
    };
    let record = simulator.record();
    let mut dice = Dice::new(SEED);
    let mut unheard = 0;
    let (mut heard, mut alive) = (0, Duration::ZERO);
    let billings_max = i64::try_from(rate / BILLINGS_PER_SECOND_PART).expect("few");
    for round in 1..=rounds {
        let server = site.start();
        let first = record.totals().billings.acknowledged;
        let target = first + dice.between(1, billings_max).unsigned_abs();
        // From the first billing on: before it regions wait for their leases.
        until("billings are acknowledged", || (first < record.totals().billings.acknowledged).then_some(()));
        let (began, before) = (Instant::now(), acknowledged(&record));
        until("billings are acknowledged", || (target <= record.totals().billings.acknowledged).then_some(()));
        (heard, alive) = (heard + acknowledged(&record) - before, alive + began.elapsed());
        server.kill();
        let ledger = on_disk(&site);
        let acknowledged = billings(&record, |state| state == NoticeState::Acknowledged);
        let sent = billings(&record, |state| state != NoticeState::Queued);
        assert_within(&acknowledged, &ledger, &format!("round {round}: what is acknowledged is in the ledger"));
        assert_within(&ledger, &sent, &format!("round {round}: what is in the ledger was sent"));
        unheard += ledger.keys().filter(|token| !acknowledged.contains_key(*token)).count();
    }

    simulator.stop();
    let mut server = site.start();
    let mut report = outside.block_on(simulator.finish(PATIENCE));
    let open = billings(&record, |state| matches!(state, NoticeState::Queued | NoticeState::Unacknowledged)).len();
    for _ in 0..REPEATS_MAX {
        if report.settled {
            break;
        }
        simulator.desk().repeat_unacknowledged(None);
        report = outside.block_on(simulator.finish(PATIENCE));
    }
    assert!(report.settled, "{:?}", report.record);
    server.terminate();
    let status = until("the server ends", || server.exit());
    assert!(status.success(), "{status}: {}", site.log());

    let ledger = on_disk(&site);
    let sent = billings(&record, |_| true);
    println!(
        "{rounds} kills under {:.0} acknowledged notices a second, {} billings; {unheard} were durable and not acknowledged at a kill, {open} were repeated at the end",
        heard as f64 / alive.as_secs_f64(),
        sent.len()
    );
    assert!(rounds < sent.len() as u64, "the load was real");
    assert_eq!(ledger, sent);
    assert_eq!((report.record.sent, report.record.acknowledged), (sum(&sent), sum(&ledger)));
    assert_eq!(report.record.billings.refused, 0);
    let total = report.total();
    assert_eq!((total.unreadable, total.other_status, total.violations_total()), (0, 0, 0), "{:?}", report.complaints);
}

/// The ledger's disk is full, and so is the log's: what cannot be made durable is not acknowledged, and everybody is
/// answered. With room again, what was refused is repeated and counts once.
#[test]
fn on_a_full_disk_acknowledgements_stop_and_answers_do_not() {
    const DISK_BYTES: u64 = 256 << 10;
    /// Notices that are refused while none is acknowledged: the disk is full for good.
    const REFUSED_IN_A_ROW: u64 = 40;
    let _turn = Turn::take();
    let site = Site::new(|text| text.replace("log = \"warn\"", "log = \"debug\""));
    let outside = runtime();
    let mut server = site.start_on_a_full_disk(DISK_BYTES);
    let mut simulator = {
        let _inside = outside.enter();
        let mut plan = plan(SEED, &site.ports, &site.config, 100);
        plan.notices.attempts_max = 1;
        Simulator::start(plan)
    };
    let record = simulator.record();
    let unheard = || record.notices(|state| state == NoticeState::Unacknowledged).len() as u64;
    until("notices are acknowledged", || (0 < acknowledged(&record)).then_some(()));
    let mut last = (acknowledged(&record), unheard());
    until("no notice is acknowledged any more", || {
        let now = (acknowledged(&record), unheard());
        if now.0 != last.0 {
            last = now;
        }
        (last.1 + REFUSED_IN_A_ROW <= now.1).then_some(())
    });
    let answered =
        |simulator: &Simulator| simulator.live().iter().map(|(_, tally)| tally.answered()).collect::<Vec<_>>();
    let before = answered(&simulator);
    until("every exchange is answered", || {
        answered(&simulator).iter().zip(&before).all(|(now, before)| before + 50 <= *now).then_some(())
    });
    assert!(server.exit().is_none(), "it goes on");
    simulator.stop();
    let report = outside.block_on(simulator.finish(PATIENCE));
    let total = report.total();
    assert_eq!((total.lost(), total.other_status, total.unreadable), (0, 0, 0), "{total:?}");
    let refused = record.totals().billings.refused;
    println!("{} acknowledged, {} not, {} answered", last.0, unheard(), total.answered());
    assert_eq!(refused, 0, "503 is no refusal for good");
    server.kill();
    let acknowledged = billings(&record, |state| state == NoticeState::Acknowledged);
    assert_within(&acknowledged, &on_disk(&site), "what is acknowledged is in the ledger");

    let mut server = site.start();
    let settled = (0..REPEATS_MAX).any(|_| {
        simulator.desk().repeat_unacknowledged(None);
        outside.block_on(simulator.finish(PATIENCE)).settled
    });
    assert!(settled, "{:?}", record.totals());
    server.terminate();
    until("the server ends", || server.exit());
    assert_eq!(on_disk(&site), billings(&record, |_| true));
}

/// A request in Singapore, cut in two.
fn halves() -> (String, usize) {
    let body = r#"{"id":"in-hand","at":1,"tmax":2000,"imp":[{"id":"1","banner":{"w":300,"h":250},"secure":1}],"device":{"geo":{"country":"SGP"}}}"#;
    (body.to_owned(), body.len() / 2)
}

#[test]
fn told_to_end_under_load_it_answers_what_it_has_in_hand_and_exits_with_success() {
    let _turn = Turn::take();
    let site = Site::new(|text| text);
    let mut server = site.start();
    let outside = runtime();
    let mut simulator = {
        let _inside = outside.enter();
        Simulator::start(plan(SEED, &site.ports, &site.config, 100))
    };
    let record = simulator.record();
    until("billings are acknowledged", || (20 <= record.totals().billings.acknowledged).then_some(()));

    let (body, half) = halves();
    let mut in_hand: Vec<KeepAlive> = site.ports.exchanges.iter().map(KeepAlive::open).collect();
    let idle: Vec<KeepAlive> = site.ports.exchanges.iter().map(KeepAlive::open).collect();
    for connection in &mut in_hand {
        // Warm: the connection has been accepted.
        assert!(matches!(connection.ask(&body).status, 200 | 204));
        connection.send_head(body.len());
        connection.send_text(&body[..half]);
    }
    server.terminate();
    // The last to drain still has half a request: whoever drained before it takes nobody into its queue.
    let (last, others) = in_hand.split_first_mut().expect("an exchange");
    for connection in others {
        connection.send_text(&body[half..]);
        let answer = connection.read();
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    }
    for (connection, port) in idle.iter().zip(&site.ports.exchanges).rev() {
        until("idle connections are closed", || (!connection.is_open()).then_some(()));
        assert!(TcpStream::connect(port.address).is_err(), "{} has let a connection wait for nobody", port.name);
    }
    last.send_text(&body[half..]);
    let answer = last.read();
    assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    let status = until("the server ends", || server.exit());
    assert_eq!(status.code(), Some(0), "{}", site.log());

    simulator.stop();
    let report = outside.block_on(simulator.finish(PATIENCE));
    let total = report.total();
    println!(
        "{} answered, {} connections closed before their request was read",
        total.answered(),
        total.closed_in_flight
    );
    assert_eq!(
        (total.unreadable, total.timed_out, total.other_status),
        (0, 0, 0),
        "an answer is whole or its connection closed"
    );
    let spent = sum(&on_disk(&site));
    assert!(
        report.record.acknowledged <= spent && spent <= report.record.sent,
        "{spent} is not within {:?}",
        report.record
    );

    // What was not acknowledged is taken by the next server.
    let mut server = site.start();
    let settled = (0..REPEATS_MAX).any(|_| {
        simulator.desk().repeat_unacknowledged(None);
        outside.block_on(simulator.finish(PATIENCE)).settled
    });
    assert!(settled, "{:?}", record.totals());
    server.terminate();
    until("the server ends", || server.exit());
    assert_eq!(on_disk(&site), billings(&record, |_| true));
}

/// One exchange's clients take all descriptors; its listener crashes, and as configured nothing above grants a restart.
#[test]
fn a_root_that_is_used_up_drains_and_exits_non_zero() {
    let _turn = Turn::take();
    const DESCRIPTORS: usize = 96;
    let site = Site::new(|text| {
        let none = "intensity = { restarts = 0, within = \"10s\" }";
        let text = text.replacen("name = \"index\"\n", &format!("name = \"index\"\n{none}\n"), 1);
        format!("{none}\n{text}")
    });
    let mut server = site.start_with_descriptors(DESCRIPTORS);
    let xandr = site.ports.exchange("xandr").expect("configured");
    let (body, half) = halves();
    let (mut in_hand, mut idle) = (KeepAlive::open(xandr), KeepAlive::open(xandr));
    for connection in [&mut in_hand, &mut idle] {
        assert!(matches!(connection.ask(&body).status, 200 | 204));
    }
    in_hand.send_head(body.len());
    in_hand.send_text(&body[..half]);

    let index = site.ports.exchange("index").expect("configured");
    let _flood: Vec<KeepAlive> = (0..DESCRIPTORS).map(|_| KeepAlive::open(index)).collect();
    until("it drains", || (!idle.is_open()).then_some(()));
    in_hand.send_text(&body[half..]);
    let answer = in_hand.read();
    assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    let status = until("the server ends", || server.exit());
    let log = site.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("the root ended by itself") && log.contains("root_exhausted"), "{log}");
    on_disk(&site);
}
