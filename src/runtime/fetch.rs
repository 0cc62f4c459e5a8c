//! Outgoing requests, with a timeout for the headers of the response.

use std::time::Duration;

use thiserror::Error;
use worker::Response;
use worker::js_sys::Promise;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, Request};

use super::http::header_lines;
use super::promise::settled;
use super::timeout::with_timeout;

#[wasm_bindgen(module = "/src/runtime/js/fetch.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = makeRequest)]
    fn make_request(
        method: &str,
        url: &str,
        headers: &str,
        body: Option<&JsValue>,
    ) -> Result<Request, JsValue>;

    type Sending;

    #[wasm_bindgen(constructor)]
    fn send(request: &Request) -> Sending;
    #[wasm_bindgen(method, getter)]
    fn answer(this: &Sending) -> Promise;
    #[wasm_bindgen(method)]
    fn abort(this: &Sending);
}

#[derive(Debug, Error)]
pub enum FetchError {
    /// The request could not be created.
    #[error("not sent: {0}")]
    NotSent(String),
    /// There was no response. The runtime does not distinguish a refused connection from one that broke after the
    /// request was sent, so the request may have arrived.
    #[error("lost: {0}")]
    Lost(String),
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

/// Some firewalls refuse requests without it.
const USER_AGENT: &str = concat!("hailuo-worker/", env!("CARGO_PKG_VERSION"));

/// Creates a request that does not follow redirects.
///
/// # Errors
/// If the runtime refuses the URL or a header.
pub fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&JsValue>,
) -> worker::Result<Request> {
    let headers: Vec<_> = headers.iter().copied().chain([("user-agent", USER_AGENT)]).collect();
    Ok(make_request(method, url, &header_lines(&headers), body)?)
}

/// Sends a request and returns the response when its headers have arrived. Dropping the future aborts the request.
///
/// # Errors
/// [`FetchError::Lost`] or [`FetchError::Timeout`].
pub async fn fetch(request: Request, timeout: Duration) -> Result<Response, FetchError> {
    let mut pending = PendingRequest { sending: Sending::send(&request), is_over: false };
    let answer = with_timeout(timeout, settled(&pending.sending.answer())).await;
    let answer = answer.map_err(|_| FetchError::Timeout(timeout))?;
    pending.is_over = true;
    let answer = answer.map_err(|error| FetchError::Lost(text_of(error)))?;
    Ok(answer.unchecked_into::<web_sys::Response>().into())
}

fn text_of(error: JsValue) -> String {
    worker::Error::from(error).to_string()
}

/// Aborts the request when it is dropped before the response.
struct PendingRequest {
    sending: Sending,
    is_over: bool,
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        if !self.is_over {
            self.sending.abort();
        }
    }
}
