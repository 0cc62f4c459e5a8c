//! Outgoing requests, each with a limit on how long its answer may take to begin.

use std::time::Duration;

use thiserror::Error;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{self, RequestInit, RequestRedirect};
use worker::{AbortController, Fetch, Headers, Request, Response};

use super::patience::within;

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
    let init = RequestInit::new();
    init.set_method(method);
    init.set_redirect(RequestRedirect::Manual);
    let all = Headers::new();
    for (name, value) in headers {
        all.set(name, value)?;
    }
    init.set_headers(&all.0);
    if let Some(body) = body {
        init.set_body(body);
    }
    Ok(web_sys::Request::new_with_str_and_init(url, &init)?.into())
}

/// Sends a request; resolves when the headers of the answer are there. Dropped before, it is aborted.
///
/// # Errors
/// [`FetchError::Lost`] or [`FetchError::Timeout`].
pub async fn fetch(request: Request, timeout: Duration) -> Result<Response, FetchError> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let mut unanswered = Unanswered(Some(controller));
    let fetch = Fetch::Request(request);
    let answer = within(timeout, fetch.send_with_signal(&signal)).await;
    let answer = answer.map_err(|_| FetchError::Timeout(timeout))?;
    unanswered.0 = None;
    answer.map_err(|error| FetchError::Lost(error.to_string()))
}

/// A request that nobody waits for any more is aborted.
struct Unanswered(Option<AbortController>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}
