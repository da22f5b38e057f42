//! An exchange's keep-alive connection: what is answered on it, and whether the server closed it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

use adserver::system::ExchangeAddress;

use super::PATIENCE;

/// One connection; it is never opened again.
pub(crate) struct KeepAlive {
    stream: BufReader<TcpStream>,
    path: String,
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `x-no-bid`, or nothing.
    pub(crate) reason: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn is_no_bid(&self, reason: &str) -> bool {
        self.status == 204 && self.reason == reason && self.body.is_empty()
    }

    pub(crate) fn bid(&self) -> openrtb::Bid<'static> {
        assert_eq!(self.status, 200, "{self:?}");
        let response = openrtb::parse_response(self.body.as_bytes()).expect("a bid response");
        response.seatbid.into_iter().flat_map(|seat| seat.bid).next().expect("a bid")
    }
}

impl KeepAlive {
    pub(crate) fn open(port: &ExchangeAddress) -> KeepAlive {
        let stream = TcpStream::connect(port.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("no delay");
        KeepAlive { stream: BufReader::new(stream), path: port.path.clone() }
    }

    pub(crate) fn ask(&mut self, body: &str) -> Answer {
        self.send(body);
        self.read()
    }

    pub(crate) fn send(&mut self, body: &str) {
        self.send_head(body.len());
        self.send_text(body);
    }

    /// The head of a request whose body follows.
    pub(crate) fn send_head(&mut self, body_bytes: usize) {
        let head = "host: exchange\r\ncontent-type: application/json";
        let path = &self.path;
        self.send_text(&format!("POST {path} HTTP/1.1\r\n{head}\r\ncontent-length: {body_bytes}\r\n\r\n"));
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).expect("sent");
    }

    pub(crate) fn read(&mut self) -> Answer {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {line:?}"));
        let (mut reason, mut bytes) = (String::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "x-no-bid" => reason = value.trim().to_owned(),
                "content-length" => bytes = value.trim().parse().expect("a length"),
                _ => {}
            }
        }
        let mut body = vec![0; bytes];
        self.stream.read_exact(&mut body).expect("the whole body");
        Answer { status, reason, body: String::from_utf8(body).expect("text") }
    }

    /// Whether the server has left it open; nothing unread may be on it.
    pub(crate) fn is_open(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).expect("a socket option");
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false).expect("a socket option");
        matches!(seen, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}
