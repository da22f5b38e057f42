//! Where requests go and which headers each carries.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header, uri::PathAndQuery};
use http_body_util::Full;

/// The request type that a [`Connection`](super::Connection) sends.
pub type Outgoing = Request<Full<Bytes>>;

/// A server's address, a path on it, and the headers that every request there carries.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address to connect to.
    pub address: SocketAddr,
    /// The path and query of the requests.
    pub path: PathAndQuery,
    /// The headers of every request, `Host` among them.
    pub headers: HeaderMap,
}

impl Endpoint {
    /// Makes the endpoint of an address and a path, with a `Host` header and nothing else.
    pub fn new(address: SocketAddr, path: PathAndQuery) -> Self {
        let mut headers = HeaderMap::new();
        if let Ok(host) = HeaderValue::from_str(&address.to_string()) {
            headers.insert(header::HOST, host);
        }
        Self { address, path, headers }
    }

    /// Adds a header to every request.
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Makes a POST of a body to this endpoint.
    pub fn post(&self, body: Bytes) -> Outgoing {
        self.request(Method::POST, self.path.clone(), body)
    }

    /// Makes a request of any method to another path of this server.
    pub fn request(&self, method: Method, path: PathAndQuery, body: Bytes) -> Outgoing {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.into();
        request.headers_mut().clone_from(&self.headers);
        request
    }

    /// Writes a POST of a body as the bytes that go over the wire, for [`Wire`](super::Wire).
    pub fn post_bytes(&self, body: &[u8]) -> Bytes {
        let mut bytes = Vec::with_capacity(body.len() + 256);
        bytes.extend_from_slice(b"POST ");
        bytes.extend_from_slice(self.path.as_str().as_bytes());
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
        bytes.into()
    }
}
