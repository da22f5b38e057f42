//! From what an exchange tells of its prices to a lower bid, and what that bid can cost at most.

mod support;

use std::time::Instant;

use ledger::Audit;
use money::{Cpm, Nanos};
use support::{WITHIN, bid, bid_request, get, post, start, start_with, target};

/// Auctions that the exchange tells of: more than are needed.
const TOLD: usize = 230;

/// What the two campaigns bid; whichever has money first may.
const FULL: [Cpm; 2] = [Cpm(2_500_000), Cpm(1_500_000)];

fn tell(url: &str, min_to_win: &str) -> String {
    target(url, "").replace("${AUCTION_LOSS}", "102").replace("${AUCTION_MIN_TO_WIN}", min_to_win)
}

#[test]
fn bids_get_lower_once_the_exchange_has_told_what_wins_and_the_lower_price_is_the_most_that_is_billed() {
    let world = start();
    let notices = world.system.ports().notices;
    for _ in 0..TOLD {
        let lost = bid(&world, "xandr");
        assert_eq!(get(notices, &tell(lost.lurl.as_deref().expect("a loss notice"), "0.3")).status, 200);
    }
    // Published within a second; one bid in fifty stays at its full price.
    let started = Instant::now();
    let shaded = loop {
        let shaded = bid(&world, "xandr");
        if !FULL.contains(&shaded.price) {
            break shaded;
        }
        assert!(started.elapsed() < WITHIN, "no bid is lower than before");
    };
    assert!((300_000..400_000).contains(&shaded.price.0), "just above what wins: {}", shaded.price);
    let elsewhere = bid(&world, "index").price;
    assert!(FULL.contains(&elsewhere), "{elsewhere}: another exchange is another market");
    // The token holds the shaded price: nothing above it is billed.
    let nurl = shaded.nurl.as_deref().expect("a win notice");
    assert_eq!(get(notices, &tell(nurl, "0.3")).status, 200);
    let burl = shaded.burl.as_deref().expect("a billing notice");
    assert_eq!(get(notices, &target(burl, "2.4")).status, 200);
    let totals = Audit::open(&world.config.ledger.path).expect("opens").verify().expect("balances");
    assert_eq!(totals.spent, Nanos(shaded.price.0));
    assert_eq!(world.system.meters().notices().flags.get("clamped"), 1);
}

#[test]
fn an_exchange_that_is_not_to_be_shaded_gets_full_prices() {
    let world = start_with(|config| config.exchanges.iter_mut().for_each(|exchange| exchange.shading = false));
    let notices = world.system.ports().notices;
    for _ in 0..TOLD {
        let lost = bid(&world, "xandr");
        assert!(FULL.contains(&lost.price), "{}", lost.price);
        assert_eq!(get(notices, &tell(lost.lurl.as_deref().expect("a loss notice"), "0.3")).status, 200);
    }
}

/// Google's way: what would have won comes within later requests, by the token that the bid carried.
#[test]
fn what_is_told_within_later_requests_shades_as_notices_do_and_what_is_not_ours_is_counted_and_left() {
    let world = start();
    let port = world.system.ports().exchange("google_adx").expect("a configured exchange").clone();
    let meters = world.system.meters().exchange("google_adx").expect("a configured exchange").clone();
    let tell = |id: &str, entries: &[String]| {
        let ext = format!(r#","ext":{{"bid_feedback":[{}]}}}}"#, entries.join(","));
        let plain = bid_request(id, "0.1");
        let request = format!("{}{ext}", plain.strip_suffix('}').expect("an object"));
        assert!(matches!(post(port.address, &port.path, &request).status, 200 | 204));
    };
    let entry = |token: &str, price: &str| {
        format!(
            r#"{{"request_id":"r","creative_status_code":79,"minimum_bid_to_win":{price},"event_notification_token":{{"payload":"{token}"}}}}"#
        )
    };
    let token = |exchange: &str| {
        let ext = bid(&world, exchange).ext?;
        Some(ext.event_notification_token?.payload?.into_owned())
    };
    assert_eq!(token("xandr"), None, "only where it is asked for");
    for round in 0..8 {
        let entries: Vec<String> = (0..30).map(|_| entry(&token("google_adx").expect("a token"), "0.3")).collect();
        tell(&format!("told-{round}"), &entries);
    }
    assert_eq!(meters.feedback.get("told"), 240);
    let started = Instant::now();
    while FULL.contains(&bid(&world, "google_adx").price) {
        assert!(started.elapsed() < WITHIN, "no bid is lower than before");
    }

    let ours = token("google_adx").expect("a token");
    let mut forged = ours.clone();
    forged.replace_range(60..61, if ours.as_bytes()[60] == b'A' { "B" } else { "A" });
    tell("forged", &[entry(&forged, "0.3"), entry("", "0.3"), r#"{"minimum_bid_to_win":0.3}"#.to_owned()]);
    tell("no price", &[entry(&ours, "0"), entry(&ours, "-1"), entry(&ours, "\"much\"")]);
    tell("many", &vec!["{}".to_owned(); 1_000]);
    let counts = |outcome: &str| meters.feedback.get(outcome);
    assert_eq!((counts("told"), counts("no_price"), counts("too_many")), (240, 3, 1));
    assert_eq!(counts("unknown") + counts("no_token"), 3 + 32, "of a thousand 32 are looked at");
}
