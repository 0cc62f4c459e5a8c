//! Requests and answers. Each crosses the border between JavaScript and wasm as seldom as can be: a request's method and
//! URL come over as one text, an answer's status, headers and body go back in one call.

use std::time::Duration;

use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{self, ReadableStream, WebSocket};

use super::streams::{Drain, Reader, StreamError, drain, read_request};

#[wasm_bindgen(module = "/src/runtime/js/http.js")]
extern "C" {
    #[wasm_bindgen(js_name = readHead)]
    fn read_head(request: &web_sys::Request) -> String;

    #[wasm_bindgen(js_name = readHeader)]
    fn read_header(request: &web_sys::Request, name: Header) -> Option<String>;

    #[wasm_bindgen(js_name = readHeadersLike)]
    fn read_headers_like(request: &web_sys::Request, prefix: &str) -> String;

    #[wasm_bindgen(catch, js_name = respondBytes)]
    fn respond_bytes(status: u16, headers: &str, bytes: &[u8]) -> Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(catch)]
    fn respond(
        status: u16,
        headers: &str,
        body: Option<&ReadableStream>,
    ) -> Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(catch)]
    fn upgrade(headers: &str, socket: &WebSocket) -> Result<web_sys::Response, JsValue>;
}

/// The headers of a request that anything here asks for. Each crosses the border when it is asked for, its name as a
/// number: a request has more of them than any flow needs.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Header {
    Accept = "accept",
    AccessControlRequestHeaders = "access-control-request-headers",
    Authorization = "authorization",
    /// Where the platform says that a request comes from. What other headers say of that, anybody can write.
    CfConnectingIp = "cf-connecting-ip",
    ContentLength = "content-length",
    ContentType = "content-type",
    IdempotencyKey = "idempotency-key",
    IfModifiedSince = "if-modified-since",
    IfNoneMatch = "if-none-match",
    IfRange = "if-range",
    LastEventId = "last-event-id",
    McpMethod = "mcp-method",
    McpName = "mcp-name",
    McpProtocolVersion = "mcp-protocol-version",
    Origin = "origin",
    Prefer = "prefer",
    Range = "range",
    SecFetchSite = "sec-fetch-site",
    /// Not in the body, so that it is known before anything of that is read.
    TurnstileToken = "turnstile-token",
    Upgrade = "upgrade",
    UserAgent = "user-agent",
    /// How often the SDK has sent this request before.
    XStainlessRetryCount = "x-stainless-retry-count",
}

/// A request from outside.
pub struct Request {
    inner: web_sys::Request,
    head: Head,
}

impl Request {
    /// `None` for one that no client can have sent.
    #[must_use]
    pub fn read(inner: web_sys::Request) -> Option<Self> {
        let head = Head::read(&read_head(&inner))?;
        Some(Self { inner, head })
    }

    #[must_use]
    pub fn method(&self) -> &str {
        &self.head.method
    }

    /// Whether it asks for the headers of an answer alone.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }

    /// Scheme, host and port, as the request names them.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.head.origin
    }

    /// As it was sent, percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// The value of a query's parameter as it is written there; ids and numbers need no escapes.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(known, value)| (known == name).then_some(value))
    }

    #[must_use]
    pub fn header(&self, name: Header) -> Option<String> {
        read_header(&self.inner, name)
    }

    /// All headers whose name begins with that text in lower case, a line each, in the order of their names.
    #[must_use]
    pub fn headers_like(&self, prefix: &str) -> String {
        read_headers_like(&self.inner, prefix)
    }

    /// The body, if there is one, chunk by chunk, each of which may take so long.
    #[must_use]
    pub fn reader(&self, idle: Duration) -> Option<Reader> {
        Reader::of_client(&self.inner, idle)
    }

    /// Reads what is left of the body and forgets it; see [`drain`]. A GET and a HEAD have none worth asking for.
    pub async fn drain(&self, manner: Drain) {
        if !matches!(self.method(), "GET" | "HEAD") {
            drain(&self.inner, manner).await;
        }
    }

    /// A small body, into wasm memory; see [`read_request`].
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn read_body(&self, limit: u32, idle: Duration) -> Result<Vec<u8>, StreamError> {
        read_request(&self.inner, limit, idle).await
    }
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    method: String,
    origin: String,
    path: String,
    query: String,
}

impl Head {
    fn read(text: &str) -> Option<Self> {
        let (method, url) = text.split_once('\n')?;
        let (scheme, rest) = url.split_once("://")?;
        let (host, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Some(Self {
            method: method.to_owned(),
            origin: format!("{scheme}://{host}"),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }
}

/// An answer, until it is sent.
pub struct Answer {
    pub status: u16,
    /// Names and values in turn, a line each.
    headers: String,
    body: Body,
}

pub enum Body {
    Empty,
    Bytes(Vec<u8>),
    /// Handed on by the runtime.
    Stream(ReadableStream),
    Socket(WebSocket),
}

impl Answer {
    #[must_use]
    pub const fn new(status: u16, body: Body) -> Self {
        Self { status, headers: String::new(), body }
    }

    /// The answer with one more header, in lower case, which it does not have yet.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.add(name, value);
        self
    }

    pub fn add(&mut self, name: &str, value: &str) {
        add_header(&mut self.headers, name, value);
    }

    /// The body, as far as it is known.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Bytes(bytes) => Some(bytes),
            Body::Empty | Body::Stream(_) | Body::Socket(_) => None,
        }
    }

    /// Leaves the headers alone, as the answer to HEAD: of a body that is known its length is told.
    pub fn drop_body(&mut self) {
        if let Body::Bytes(bytes) = &self.body {
            let length = bytes.len().to_string();
            self.add("content-length", &length);
        }
        self.body = Body::Empty;
    }

    /// # Errors
    /// When the runtime refuses the answer.
    pub fn send(self) -> Result<web_sys::Response, JsValue> {
        let Self { status, headers, body } = self;
        match body {
            Body::Empty => respond(status, &headers, None),
            Body::Bytes(bytes) => respond_bytes(status, &headers, &bytes),
            Body::Stream(stream) => respond(status, &headers, Some(&stream)),
            Body::Socket(socket) => upgrade(&headers, &socket),
        }
    }
}

/// Headers as they cross the border: names and values in turn, a line each.
#[must_use]
pub fn header_lines(headers: &[(&str, &str)]) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        add_header(&mut lines, name, value);
    }
    lines
}

fn add_header(lines: &mut String, name: &str, value: &str) {
    lines.push_str(name);
    lines.push('\n');
    // A line break would begin another header.
    lines.extend(value.chars().filter(|character| !character.is_control()));
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::read(text).unwrap()
    }

    #[test]
    fn a_request_is_taken_apart() {
        let read = head("GET\nhttps://a.example:8443/v1/videos/x?limit=1&after=?");
        assert_eq!((read.method.as_str(), read.origin.as_str()), ("GET", "https://a.example:8443"));
        assert_eq!((read.path.as_str(), read.query.as_str()), ("/v1/videos/x", "limit=1&after=?"));
    }

    #[test]
    fn a_request_may_have_nothing_but_a_host() {
        for (url, path, query) in [
            ("http://a", "", ""),
            ("http://a/", "/", ""),
            ("http://a?b=/c", "", "b=/c"),
            ("http://a/b#c?d", "/b", ""),
            ("http://a//b/../c?", "//b/../c", ""),
        ] {
            let read = head(&format!("GET\n{url}"));
            assert_eq!(read.origin, "http://a");
            assert_eq!((read.path.as_str(), read.query.as_str()), (path, query), "{url}");
        }
        assert_eq!(Head::read("GET\n/path"), None);
    }

    #[test]
    fn no_value_begins_another_header() {
        let answer = Answer::new(200, Body::Empty).with("etag", "a\r\nset-cookie\nb").with("vary", "origin");
        assert_eq!(answer.headers, "etag\naset-cookieb\nvary\norigin\n");
    }
}
