//! A notice is durable before its 200, counts once, and costs no more than the bid.

mod support;

use std::time::Duration;

use ledger::{Audit, EventKind, Totals};
use money::Nanos;
use support::{World, bid, get, get_from, post, start, start_with, target, wait_until};

/// What the ledger has on disk, read beside the running system.
fn on_disk(world: &World) -> Totals {
    Audit::open(&world.config.ledger.path).expect("the ledger opens").verify().expect("the ledger balances")
}

#[test]
fn a_repeated_notice_is_acknowledged_and_counts_once() {
    let world = start();
    let bid = bid(&world, "xandr");
    let notices = world.system.ports().notices;
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "1.25");
    for _ in 0..3 {
        assert_eq!(get(notices, &burl).status, 200);
    }
    assert_eq!(post(notices, &burl, "{}").status, 200);
    let totals = on_disk(&world);
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(1_250_000), 1));
    assert_eq!(world.system.meters().notices().outcomes.get("duplicate"), 3);
    let cell =
        world.system.meters().exchange("xandr").and_then(|exchange| exchange.region("sg")).expect("a cell").clone();
    assert_eq!((cell.billings.get(), cell.spend_nanos.get()), (1, 1_250_000));
}

/// The price is below every bid of the two campaigns: whichever has money first may bid.
#[test]
fn win_and_billing_of_one_bid_cost_its_price_once() {
    let world = start();
    let bid = bid(&world, "xandr");
    let notices = world.system.ports().notices;
    assert_eq!(get(notices, &target(bid.nurl.as_deref().expect("a win notice"), "1.25")).status, 200);
    assert_eq!(on_disk(&world).spent, Nanos(0));
    assert_eq!(get(notices, &target(bid.burl.as_deref().expect("a billing notice"), "1.25")).status, 200);
    let totals = on_disk(&world);
    assert_eq!((totals.spent, totals.count(EventKind::Win)), (Nanos(1_250_000), 1));
}

#[test]
fn a_price_above_the_bid_is_clamped_to_it() {
    let world = start();
    let bid = bid(&world, "xandr");
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "999");
    assert_eq!(get(world.system.ports().notices, &burl).status, 200);
    assert_eq!(on_disk(&world).spent, Nanos(bid.price.0));
}

/// Its lease has closed by then: the money comes from what is free, and is shown apart.
#[test]
fn a_late_billing_is_booked_and_shown_apart_and_a_clamped_price_is_flagged() {
    let world = start_with(|config| {
        config.ledger.lease_life = Duration::from_millis(300);
        config.ledger.lease_grace = Duration::ZERO;
    });
    let bid = bid(&world, "xandr");
    let closed = || on_disk(&world).count(EventKind::LeaseExpired);
    wait_until("every lease has closed", || {
        let open: i64 = on_disk(&world).accounts.iter().map(|account| account.leased.0).sum();
        0 < closed() && open == 0
    });
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "99");
    assert_eq!(get(world.system.ports().notices, &burl).status, 200);
    assert_eq!(get(world.system.ports().notices, &burl).status, 200, "a repeated one counts no more");
    let totals = on_disk(&world);
    let paid = Nanos(bid.price.0);
    assert_eq!((totals.spent, totals.late), (paid, paid));
    let page: serde_json::Value =
        serde_json::from_str(&get(world.system.ports().admin, "/campaigns").body).expect("JSON");
    assert_eq!(page["late_usd"].as_str(), Some(&*paid.to_string()), "{page}");
    let metrics = get(world.system.ports().admin, "/metrics").body;
    for flag in ["late", "clamped"] {
        let series = format!("adserver_notice_flags_total{{flag=\"{flag}\"}} 1");
        assert!(metrics.contains(&series), "{series} is missing in {metrics}");
    }
}

#[test]
fn what_names_no_price_is_recorded_and_not_billed() {
    let world = start();
    let notices = world.system.ports().notices;
    for price in ["AUDIT", "", "${AUCTION_PRICE}", "%24%7BAUCTION_PRICE%7D", "free"] {
        let bid = bid(&world, "index");
        let burl = target(bid.burl.as_deref().expect("a billing notice"), price);
        assert_eq!(get(notices, &burl).status, 200, "{price:?}");
    }
    let totals = on_disk(&world);
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(0), 0));
    assert_eq!(totals.count(EventKind::BillingObserved), 5);
}

#[test]
fn google_adx_prices_are_decrypted() {
    let world = start();
    let bid = bid(&world, "google_adx");
    let notices = world.system.ports().notices;
    let burl = bid.burl.as_deref().expect("a billing notice");
    // The published vector for 1900 micros.
    assert_eq!(get(notices, &target(burl, "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCAWJRxOgA")).status, 200);
    assert_eq!(on_disk(&world).spent, Nanos(1_900));
}

#[test]
fn a_forged_notice_gets_403_and_leaves_no_trace_but_a_count() {
    let world = start();
    let bid = bid(&world, "xandr");
    let notices = world.system.ports().notices;
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "1");
    let forged = burl.replacen("/billing/", "/billing/A", 1);
    let damaged = {
        let middle = burl.len() / 2;
        let other = if burl.as_bytes()[middle] == b'x' { 'y' } else { 'x' };
        format!("{}{other}{}", &burl[..middle], &burl[middle + 1..])
    };
    for url in [forged.as_str(), damaged.as_str(), "/win/", "/win/AAAA?price=1"] {
        assert_eq!(get(notices, url).status, 403, "{url}");
    }
    assert_eq!(get(notices, "/click/AAAA").status, 404);
    let totals = on_disk(&world);
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(0), 0));
    assert_eq!(world.system.meters().notices().outcomes.get("forged"), 4);
}

#[test]
fn genuine_notices_pass_while_forged_ones_are_limited() {
    let world = start_with(|config| config.notices.forged_per_second_max = 1);
    let bid = bid(&world, "xandr");
    let notices = world.system.ports().notices;
    let outcomes = &world.system.meters().notices().outcomes;
    wait_until("the forger is turned away", || {
        let reply = get_from("127.0.0.9", notices, "/win/AAAA?price=1");
        assert_eq!(reply.status, 403);
        outcomes.get("forged_limited") == 1
    });
    let looked_at = outcomes.get("forged");
    // An exchange behind another address, and from now on known.
    assert_eq!(get(notices, &target(bid.burl.as_deref().expect("a billing notice"), "1")).status, 200);
    for _ in 0..10 {
        assert_eq!(get(notices, "/win/AAAA?price=1").status, 403);
    }
    assert_eq!((outcomes.get("forged"), outcomes.get("forged_limited")), (looked_at + 10, 1));
}

/// The forger is cut before its token is opened: even a genuine one is not looked at.
#[test]
fn beyond_its_limit_nothing_of_a_peer_is_looked_at() {
    let world = start_with(|config| config.notices.forged_per_second_max = 1);
    let bid = bid(&world, "xandr");
    let notices = world.system.ports().notices;
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "1");
    let outcomes = &world.system.meters().notices().outcomes;
    // A turn of the second between the two lets the second one in; then another address is tried.
    let cut = (9..).find_map(|host| {
        let peer = format!("127.0.0.{host}");
        get_from(&peer, notices, "/win/AAAA?price=1");
        let reply = get_from(&peer, notices, &burl);
        (reply.status == 403).then_some(reply)
    });
    assert!(cut.is_some_and(|reply| reply.head.contains("connection: close")));
    assert_eq!(outcomes.get("forged_limited"), 1);
}

#[test]
fn a_loss_is_counted_by_its_reason() {
    let world = start();
    let bid = bid(&world, "xandr");
    let lurl = target(bid.lurl.as_deref().expect("a loss notice"), "3").replace("${AUCTION_LOSS}", "102");
    for _ in 0..2 {
        assert_eq!(get(world.system.ports().notices, &lurl).status, 200);
    }
    let cell =
        world.system.meters().exchange("xandr").and_then(|exchange| exchange.region("sg")).expect("a cell").clone();
    assert_eq!(cell.losses.iter().collect::<Vec<_>>(), [("outbid", 1)]);
}

#[test]
fn an_expired_token_is_gone() {
    let world = start_with(|config| config.notices.token_ttl = std::time::Duration::ZERO);
    let bid = bid(&world, "xandr");
    let started = std::time::Instant::now();
    while started.elapsed() < std::time::Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "1");
    assert_eq!(get(world.system.ports().notices, &burl).status, 410);
    assert_eq!(on_disk(&world).spent, Nanos(0));
}

#[test]
fn a_notice_that_cannot_be_made_durable_gets_503_and_counts_when_it_is_repeated() {
    let world = start();
    let bid = bid(&world, "xandr");
    let notices = world.system.ports().notices;
    let burl = target(bid.burl.as_deref().expect("a billing notice"), "1");
    let ledger = world.system.tree().find("root/ledger").expect("the ledger's supervisor");
    world.system.block_on(ledger.terminate_child("event_log")).expect("terminated");
    assert_eq!(get(notices, &burl).status, 503);
    world.system.block_on(ledger.restart_child("event_log")).expect("restarted");
    assert_eq!(get(notices, &burl).status, 200);
    assert_eq!(on_disk(&world).spent, Nanos(1_000_000));
}
