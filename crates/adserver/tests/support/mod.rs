//! A system on loopback, and the plainest HTTP client: one connection, read to its end.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use adserver::config::{AdserverConfig, LoadConfig, RestoreBy};
use adserver::system::System;
use campaign::{Campaign, Flight, parse_campaigns};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// How long a test waits for an answer that must come.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

/// Two campaigns everywhere; the first pays more.
const CAMPAIGNS: &str = r#"
[[campaign]]
id = 7
name = "house"
advertiser_domain = "house.example"
budget = "100.00"
bid_cpm = "2.50"
starts = "2026-01-01"
ends = "2026-12-31"
pacing = "asap"
countries = ["SG", "ID", "TH"]

[[campaign.creative]]
id = 70
sizes = ["300x250", "320x50", "728x90", "160x600", "300x600", "320x100", "970x250"]
secure = true
markup = '<img src="https://cdn.house.example/a.png">'

[[campaign]]
id = 8
name = "second"
advertiser_domain = "second.example"
budget = "100.00"
bid_cpm = "1.50"
starts = "2026-01-01"
ends = "2026-12-31"
pacing = "asap"
countries = ["SG", "ID", "TH"]

[[campaign.creative]]
id = 80
sizes = ["300x250", "320x50", "728x90", "160x600", "300x600", "320x100", "970x250"]
secure = true
markup = '<img src="https://cdn.second.example/a.png">'
"#;

/// A system, its configuration, and the folder of its ledger.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) config: AdserverConfig,
    pub(crate) folder: TempDir,
}

pub(crate) fn config(folder: &Path) -> AdserverConfig {
    let text = include_str!("../../src/demo/demo.toml");
    let keys = include_str!("../fixtures/adx-price.keys");
    write_secret(&folder.join("adx-price.keys"), keys);
    let mut config = AdserverConfig::parse(text, &folder.join("test.toml")).expect("the configuration is right");
    // What a test has degraded stays so until the test restores it.
    config.exchanges.iter_mut().for_each(|exchange| exchange.restore = RestoreBy::Operator);
    // A machine that others keep busy may let one thread wait for long: no test but its own is about that, nor about overload.
    config.exchanges.iter_mut().for_each(|exchange| {
        exchange.load =
            LoadConfig { lost_after: Duration::from_secs(600), delay: Duration::from_secs(1), ..exchange.load }
    });
    config
}

/// Writes a file that is its owner's alone.
pub(crate) fn write_secret(file: &Path, text: &str) {
    std::fs::write(file, text).expect("written");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("changed");
}

/// The campaigns, in flight now.
pub(crate) fn campaigns() -> Vec<Campaign> {
    let mut campaigns = parse_campaigns(CAMPAIGNS).expect("the campaigns are right");
    for campaign in &mut campaigns {
        campaign.flight = Flight { starts_ms: 0, ends_ms: i64::MAX };
    }
    campaigns
}

pub(crate) fn start() -> World {
    start_with(|_| {})
}

pub(crate) fn start_with(change: impl FnOnce(&mut AdserverConfig)) -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = config(folder.path());
    change(&mut config);
    let system = System::start(&config, campaigns()).expect("the system starts");
    World { system, config, folder }
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn get(address: SocketAddr, target: &str) -> Reply {
    ask(address, &format!("GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"))
}

pub(crate) fn post(address: SocketAddr, target: &str, body: &str) -> Reply {
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n");
    ask(address, &format!("{head}content-length: {}\r\n\r\n{body}", body.len()))
}

/// The same from another address of this host.
pub(crate) fn get_from(own: &str, address: SocketAddr, target: &str) -> Reply {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(own.parse().expect("an address"), 0).into()).expect("bound");
    socket.connect(&address.into()).expect("connected");
    socket.set_read_timeout(Some(WITHIN)).expect("a time-out");
    converse(socket.into(), &format!("GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"))
}

/// Sends a request as it stands.
pub(crate) fn ask(address: SocketAddr, request: &str) -> Reply {
    converse(connect(address), request)
}

fn converse(mut stream: TcpStream, request: &str) -> Reply {
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer is read");
    let answer = String::from_utf8(answer).expect("the answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(WITHIN)).expect("a time-out");
    stream
}

/// A bid request for one banner in Singapore.
pub(crate) fn bid_request(id: &str, bidfloor: &str) -> String {
    format!(
        r#"{{"id":"{id}","imp":[{{"id":"1","banner":{{"w":300,"h":250}},"bidfloor":{bidfloor},"secure":1}}],"site":{{"id":"s","domain":"news.example"}},"device":{{"ip":"203.0.113.1","geo":{{"country":"SGP"}}}},"user":{{"id":"u"}},"at":1,"tmax":1000,"cur":["USD"]}}"#
    )
}

/// Asks `exchange` for a bid until the region has its first lease.
pub(crate) fn bid(world: &World, exchange: &str) -> openrtb::Bid<'static> {
    let port = world.system.ports().exchange(exchange).expect("a configured exchange").clone();
    let started = std::time::Instant::now();
    for round in 0.. {
        let reply = post(port.address, &port.path, &bid_request(&format!("auction-{round}"), "0.1"));
        if reply.status == 200 {
            let response = openrtb::parse_response(reply.body.as_bytes()).expect("a bid response");
            return response.seatbid.into_iter().flat_map(|seat| seat.bid).next().expect("a bid");
        }
        assert!(started.elapsed() < WITHIN, "no bid within {WITHIN:?}; the last answer was {reply:?}");
        std::thread::yield_now();
    }
    unreachable!("the loop ends with a bid or a failed assertion")
}

/// Path and query of a notice URL with its price.
pub(crate) fn target(url: &str, price: &str) -> String {
    let at = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url[at..].find('/').expect("a path");
    url[at + path..].replace("${AUCTION_PRICE}", price).replace("${AUCTION_CURRENCY}", "USD")
}

/// Waits until `is_so`; what is waited for must come by itself.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < WITHIN, "not within {WITHIN:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
