//! Outgoing requests, each with a limit on how long its answer may take to begin.

use std::time::Duration;

use thiserror::Error;
use worker::js_sys::Promise;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, AbortController, RequestInit, RequestRedirect};
use worker::{Headers, Request, Response};

use super::patience::within;
use super::promise::settled;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = globalThis, js_name = fetch)]
    fn send(request: &web_sys::Request, init: &RequestInit) -> Promise;
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
    let controller = AbortController::new().map_err(|error| FetchError::NotSent(text_of(error)))?;
    let init = RequestInit::new();
    init.set_signal(Some(&controller.signal()));
    let mut unanswered = Unanswered(Some(controller));
    let answer = within(timeout, settled(&send(request.inner(), &init))).await;
    let answer = answer.map_err(|_| FetchError::Timeout(timeout))?;
    unanswered.0 = None;
    let answer = answer.map_err(|error| FetchError::Lost(text_of(error)))?;
    Ok(answer.unchecked_into::<web_sys::Response>().into())
}

fn text_of(error: JsValue) -> String {
    worker::Error::from(error).to_string()
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
