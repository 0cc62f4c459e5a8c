//! Outgoing requests, each with a limit on how long its answer may take to begin.

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
    /// It could not even be made.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Not answered. The runtime does not tell a refused connection from one that broke after the
    /// request was sent, so it may have arrived.
    #[error("lost: {0}")]
    Lost(String),
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

/// Who asks: some firewalls answer nobody who does not say.
const USER_AGENT: &str = concat!("hailuo-worker/", env!("CARGO_PKG_VERSION"));

/// A request that follows no redirect by itself.
///
/// # Errors
/// When the runtime refuses the URL or a header.
pub fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&JsValue>,
) -> worker::Result<Request> {
    let headers: Vec<_> = headers.iter().copied().chain([("user-agent", USER_AGENT)]).collect();
    Ok(make_request(method, url, &header_lines(&headers), body)?)
}

/// Sends a request; resolves when the headers of the answer are there. Dropped before, it is aborted.
///
/// # Errors
/// [`FetchError::Lost`] or [`FetchError::Timeout`].
pub async fn fetch(request: Request, timeout: Duration) -> Result<Response, FetchError> {
    let mut unanswered = Unanswered { sending: Sending::send(&request), is_over: false };
    let answer = with_timeout(timeout, settled(&unanswered.sending.answer())).await;
    let answer = answer.map_err(|_| FetchError::Timeout(timeout))?;
    unanswered.is_over = true;
    let answer = answer.map_err(|error| FetchError::Lost(text_of(error)))?;
    Ok(answer.unchecked_into::<web_sys::Response>().into())
}

fn text_of(error: JsValue) -> String {
    worker::Error::from(error).to_string()
}

/// A request that nobody waits for any more is aborted.
struct Unanswered {
    sending: Sending,
    is_over: bool,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_over {
            self.sending.abort();
        }
    }
}
