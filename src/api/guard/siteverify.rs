//! The call to Turnstile's siteverify API: one attempt with a short timeout.

use std::time::Duration;

use crate::config::Turnstile;
use crate::http::turnstile::{Token, Verdict, read_verdict, request_body};
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::timeout::with_timeout;
use crate::upstream::client::read;
use crate::wiro::http_response::HttpResponse;

/// Short, because the user waits for the submit.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Verifies that the challenge was solved on a page whose host `is_ours`. `address` is the user's IP address.
pub async fn verify(
    turnstile: &Turnstile,
    token: &Token,
    address: Option<&str>,
    is_ours: impl Fn(&str) -> bool,
) -> Verdict {
    let body = request_body(&turnstile.secret, token, address);
    let response = with_timeout(TIMEOUT, call(&turnstile.verify_url, &body)).await;
    match response.unwrap_or(Err(FetchError::Timeout(TIMEOUT))) {
        Ok(response) => read_verdict(response.status, &response.body.unwrap_or_default(), is_ours),
        Err(error) => Verdict::Unknown(error.to_string()),
    }
}

async fn call(url: &str, body: &str) -> Result<HttpResponse, FetchError> {
    let headers = [("content-type", "application/json")];
    let request = request("POST", url, &headers, Some(&body.into()));
    let request = request.map_err(|error| FetchError::NotSent(error.to_string()))?;
    read(fetch(request, TIMEOUT).await?).await
}
