//! The server as a process: killed under load it loses and doubles no money, told to end it answers what it has in
//! hand, and when its root is used up it drains and says so by its exit code.

mod drill;

use std::collections::BTreeMap;
use std::net::TcpStream;

use drill::keep_alive::KeepAlive;
use drill::play::{plan, runtime};
use drill::process::Site;
use drill::{PATIENCE, Turn, until};
use ledger::{Audit, EventKind, TokenId, TokenKeys};
use money::Nanos;
use simulator::{Dice, NoticeKind, NoticeState, Record, Simulator};

const SEED: u64 = 20_261_123;
/// How often the server is killed.
const ROUNDS: u64 = 20;
/// Billings that a server has acknowledged at most before it is killed: some tenths of a second.
const BILLINGS_MAX: i64 = 40;
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

#[test]
fn killed_under_load_twenty_times_it_has_billed_each_impression_once() {
    let _turn = Turn::take();
    let site = Site::new(|text| text);
    let outside = runtime();
    let mut simulator = {
        let _inside = outside.enter();
        let mut plan = plan(SEED, &site.ports, &site.config, 100);
        // What is not acknowledged at once is repeated at the end and not before.
        plan.notices.attempts_max = 1;
        Simulator::start(plan)
    };
    let record = simulator.record();
    let mut dice = Dice::new(SEED);
    let mut unheard = 0;
    for round in 1..=ROUNDS {
        let server = site.start();
        let target = record.totals().billings.acknowledged + dice.between(1, BILLINGS_MAX).unsigned_abs();
        until("billings are acknowledged", || (target <= record.totals().billings.acknowledged).then_some(()));
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
        "{ROUNDS} kills, {} billings; {unheard} were durable and not acknowledged at a kill, {open} were repeated at the end",
        sent.len()
    );
    assert!(ROUNDS < sent.len() as u64, "the load was real");
    assert_eq!(ledger, sent);
    assert_eq!((report.record.sent, report.record.acknowledged), (sum(&sent), sum(&ledger)));
    assert_eq!(report.record.billings.refused, 0);
    let total = report.total();
    assert_eq!((total.unreadable, total.other_status, total.violations_total()), (0, 0, 0), "{:?}", report.complaints);
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
