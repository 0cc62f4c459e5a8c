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

/// Sends a request; resolves when the headers of the answer are there.
///
/// # Errors
/// [`FetchError::Lost`] or [`FetchError::Timeout`].
pub async fn fetch(request: Request, timeout: Duration) -> Result<Response, FetchError> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    if let Ok(answer) = within(timeout, fetch.send_with_signal(&signal)).await {
        return answer.map_err(|error| FetchError::Lost(error.to_string()));
    }
    controller.abort();
    Err(FetchError::Timeout(timeout))
}
