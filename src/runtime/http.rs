//! Requests and responses. To save calls between JavaScript and wasm, method and URL of a request are read as one text,
//! and a response is sent in one call.

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

/// The request headers that are used. A header is read from JavaScript only when it is needed, with its name passed as
/// a number.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Header {
    Accept = "accept",
    AccessControlRequestHeaders = "access-control-request-headers",
    Authorization = "authorization",
    /// The IP address of the client, set by Cloudflare. Clients can forge all other headers with an address.
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
    /// A header, so that it can be verified before the body is read.
    TurnstileToken = "turnstile-token",
    Upgrade = "upgrade",
    UserAgent = "user-agent",
    /// How often the SDK has sent this request before.
    XStainlessRetryCount = "x-stainless-retry-count",
}

/// An incoming request.
pub struct Request {
    inner: web_sys::Request,
    head: Head,
}

impl Request {
    /// `None` if the request has no valid URL.
    #[must_use]
    pub fn read(inner: web_sys::Request) -> Option<Self> {
        let head = Head::read(&read_head(&inner))?;
        Some(Self { inner, head })
    }

    #[must_use]
    pub fn method(&self) -> &str {
        &self.head.method
    }

    /// Whether only the headers of the response are requested.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }

    /// Scheme, host and port of the URL.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.head.origin
    }

    /// The path, percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// A query parameter, without decoding, because ids and numbers need no escapes.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// All query parameters in their order, without decoding.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.head.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    #[must_use]
    pub fn header(&self, name: Header) -> Option<String> {
        read_header(&self.inner, name)
    }

    /// All headers whose names start with this lower-case prefix: one per line, sorted by name.
    #[must_use]
    pub fn headers_like(&self, prefix: &str) -> String {
        read_headers_like(&self.inner, prefix)
    }

    /// Reads the body in chunks; `idle` is the timeout for each chunk.
    #[must_use]
    pub fn reader(&self, idle: Duration) -> Option<Reader> {
        Reader::of_client(&self.inner, idle)
    }

    /// Reads and discards the rest of the body; see [`drain`]. GET and HEAD have no body.
    pub async fn drain(&self, mode: Drain) {
        if !matches!(self.method(), "GET" | "HEAD") {
            drain(&self.inner, mode).await;
        }
    }

    /// Reads a small body into wasm memory; see [`read_request`].
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn read_body(&self, limit: u32, idle: Duration) -> Result<Vec<u8>, StreamError> {
        read_request(&self.inner, limit, idle).await
    }
}

/// Method and URL of a request.
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

/// A response that is being built.
pub struct Response {
    pub status: u16,
    /// Alternating names and values, one per line.
    headers: String,
    body: Body,
}

pub enum Body {
    Empty,
    Bytes(Vec<u8>),
    /// The runtime streams it.
    Stream(ReadableStream),
    Socket(WebSocket),
}

impl Response {
    #[must_use]
    pub const fn new(status: u16, body: Body) -> Self {
        Self { status, headers: String::new(), body }
    }

    /// Adds a header with a lower-case name that the response does not have yet.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.add(name, value);
        self
    }

    pub fn add(&mut self, name: &str, value: &str) {
        add_header(&mut self.headers, name, value);
    }

    /// The body, if it is in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Bytes(bytes) => Some(bytes),
            Body::Empty | Body::Stream(_) | Body::Socket(_) => None,
        }
    }

    /// Removes the body for a HEAD request. The length of a known body stays in `content-length`.
    pub fn drop_body(&mut self) {
        if let Body::Bytes(bytes) = &self.body {
            let length = bytes.len().to_string();
            self.add("content-length", &length);
        }
        self.body = Body::Empty;
    }

    /// # Errors
    /// If the runtime refuses the response.
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

/// Formats headers for JavaScript: alternating names and values, one per line.
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
    // A line break would start another header.
    if value.contains(char::is_control) {
        lines.extend(value.chars().filter(|character| !character.is_control()));
    } else {
        lines.push_str(value);
    }
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::read(text).unwrap()
    }

    #[test]
    fn a_url_is_split_into_origin_path_and_query() {
        let read = head("GET\nhttps://a.example:8443/v1/videos/x?limit=1&after=?");
        assert_eq!((read.method.as_str(), read.origin.as_str()), ("GET", "https://a.example:8443"));
        assert_eq!((read.path.as_str(), read.query.as_str()), ("/v1/videos/x", "limit=1&after=?"));
    }

    #[test]
    fn a_url_may_consist_of_a_host_only() {
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
    fn a_line_break_in_a_value_adds_no_header() {
        let response =
            Response::new(200, Body::Empty).with("etag", "a\r\nset-cookie\nb").with("vary", "origin");
        assert_eq!(response.headers, "etag\naset-cookieb\nvary\norigin\n");
    }
}
