//! Notices are repeated until acknowledged or refused, and the record counts each once.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use money::Nanos;
use simulator::{
    BidKey, Destination, DestinationError, Notice, NoticeDesk, NoticeKind, NoticeMethod, NoticePolicy, NoticeState,
};
use support::{Server, answer};
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(10);

fn notice(address: SocketAddr, number: u64, amount: Option<i64>) -> Notice {
    let url = format!("http://{address}/b/{number}?p=1.2");
    Notice {
        bid: BidKey { exchange: "xandr".into(), auction: "a".into(), imp: "1".into(), bid: number.to_string() },
        campaign: (number % 2).to_string(),
        kind: NoticeKind::Billing,
        method: if number.is_multiple_of(2) { NoticeMethod::Get } else { NoticeMethod::Post },
        destination: Destination::parse(&url, None).expect("a destination"),
        amount: amount.map(Nanos),
    }
}

fn policy() -> NoticePolicy {
    NoticePolicy { retry_after: Duration::from_millis(1), ..NoticePolicy::usual() }
}

#[tokio::test]
async fn an_acknowledged_notice_is_counted_once_with_its_exact_amount() {
    let server = Server::always(200, "").await;
    let desk = NoticeDesk::start(policy(), 1);
    for number in 0..10 {
        desk.post(notice(server.address, number, Some(1_000_001)), Instant::now());
    }
    desk.post(notice(server.address, 10, None), Instant::now());
    assert!(desk.settle(SOON).await && desk.record().is_settled());
    let totals = desk.record().totals();
    assert_eq!((totals.acknowledged, totals.sent), (Nanos(10_000_010), Nanos(10_000_010)));
    assert_eq!((totals.billings.sent, totals.billings.acknowledged, totals.billings.repeats), (11, 11, 0));
    assert_eq!(totals.campaigns["0"].acknowledged, Nanos(5_000_005));
    assert_eq!(totals.campaigns["1"].impressions, 5);
    let billed = desk.record().billed(|state| state == NoticeState::Acknowledged);
    assert_eq!(billed.len(), 10, "what is not billable is not among them");
}

#[tokio::test]
async fn a_notice_is_repeated_until_it_is_acknowledged() {
    let calls = Arc::new(AtomicU64::new(0));
    let seen = calls.clone();
    let server = Server::start(move |_| {
        let call = seen.fetch_add(1, Ordering::Relaxed);
        async move {
            match call {
                0 => Some(answer(503, "")),
                1 => None,
                2 => Some(answer(429, "")),
                _ => Some(answer(200, "")),
            }
        }
    })
    .await;
    let desk = NoticeDesk::start(NoticePolicy { connections: 1, ..policy() }, 1);
    desk.post(notice(server.address, 0, Some(5)), Instant::now());
    assert!(desk.settle(SOON).await && desk.record().is_settled());
    let totals = desk.record().totals();
    assert_eq!((totals.billings.sent, totals.billings.repeats, totals.acknowledged), (1, 3, Nanos(5)));
    assert_eq!((calls.load(Ordering::Relaxed), totals.closed_by_server), (4, 1));
}

#[tokio::test]
async fn a_refused_notice_is_not_repeated_and_not_billed() {
    let server = Server::always(403, "").await;
    let desk = NoticeDesk::start(policy(), 1);
    desk.post(notice(server.address, 0, Some(5)), Instant::now());
    assert!(desk.settle(SOON).await && desk.record().is_settled());
    let totals = desk.record().totals();
    assert_eq!((totals.billings.refused, totals.acknowledged, totals.sent), (1, Nanos(0), Nanos(5)));
    assert_eq!(desk.record().notices(|state| state == NoticeState::Refused(403)).len(), 1);
}

#[tokio::test]
async fn attempts_are_limited_and_what_is_left_can_be_repeated_elsewhere() {
    let server = Server::always(503, "").await;
    let desk = NoticeDesk::start(NoticePolicy { attempts_max: 3, ..policy() }, 1);
    desk.post(notice(server.address, 0, Some(5)), Instant::now());
    assert!(desk.settle(SOON).await);
    let open = desk.record().notices(|state| state == NoticeState::Unacknowledged);
    assert_eq!((open.len(), open[0].attempts), (1, 3));
    assert!(!desk.record().is_settled());

    let healthy = Server::always(200, "").await;
    assert_eq!(desk.repeat_unacknowledged(Some(healthy.address)), 1);
    assert!(desk.settle(SOON).await && desk.record().is_settled());
    assert_eq!(desk.record().totals().acknowledged, Nanos(5));
    assert_eq!(desk.repeat_unacknowledged(None), 0);
}

#[tokio::test]
async fn a_notice_that_found_no_listener_was_not_sent() {
    let server = Server::always(200, "").await;
    let address = server.address;
    drop(server);
    tokio::task::yield_now().await;
    let desk = NoticeDesk::start(NoticePolicy { attempts_max: 2, ..policy() }, 1);
    desk.post(notice(address, 0, Some(5)), Instant::now());
    assert!(desk.settle(SOON).await);
    let totals = desk.record().totals();
    assert_eq!((totals.sent, totals.billings.sent, totals.connects_failed), (Nanos(0), 0, 2));
    assert_eq!(desk.record().billed(|state| state != NoticeState::Queued).len(), 0);
}

#[tokio::test]
async fn lost_acknowledgements_and_duplicates_repeat_without_billing_twice() {
    let calls = Arc::new(AtomicU64::new(0));
    let seen = calls.clone();
    let server = Server::start(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        async { Some(answer(200, "")) }
    })
    .await;
    let trouble = NoticePolicy { lose_ack_per_mille: 300, duplicate_per_mille: 300, ..policy() };
    let desk = NoticeDesk::start(trouble, 7);
    for number in 0..200 {
        desk.post(notice(server.address, number, Some(3)), Instant::now());
    }
    assert!(desk.settle(SOON).await);
    let totals = desk.record().totals();
    assert_eq!((totals.acknowledged, totals.sent, totals.billings.sent), (Nanos(600), Nanos(600), 200));
    assert!(50 < totals.billings.repeats, "{}", totals.billings.repeats);
    assert_eq!(calls.load(Ordering::Relaxed), 200 + totals.billings.repeats);
}

#[tokio::test]
async fn a_notice_waits_for_its_time() {
    let server = Server::always(200, "").await;
    let desk = NoticeDesk::start(policy(), 1);
    desk.post(notice(server.address, 0, Some(5)), Instant::now() + Duration::from_secs(3600));
    desk.post(notice(server.address, 1, Some(7)), Instant::now());
    assert!(!desk.settle(Duration::from_millis(200)).await);
    assert_eq!(desk.record().totals().acknowledged, Nanos(7));
}

#[test]
fn a_url_that_cannot_be_called_says_why() {
    let parse = |url| Destination::parse(url, None).map(|destination| destination.address.to_string());
    assert_eq!(parse("http://127.0.0.1:81/x?y=1").as_deref(), Ok("127.0.0.1:81"));
    assert_eq!(parse("http://localhost/").as_deref(), Ok("127.0.0.1:80"));
    assert_eq!(parse("http://[::1]:9/").as_deref(), Ok("[::1]:9"));
    assert!(matches!(parse("https://127.0.0.1/"), Err(DestinationError::NotHttp(_))));
    assert!(matches!(parse("http://bid.example/"), Err(DestinationError::NamedHost(_))));
    assert!(matches!(parse("http://a b/"), Err(DestinationError::NotAUrl(_))));
    let given = Destination::parse("http://bid.example/n?x", Some(([127, 0, 0, 1], 5).into())).expect("given");
    assert_eq!((given.address.to_string().as_str(), given.path.as_str()), ("127.0.0.1:5", "/n?x"));
}
