//! Turnstile's verifier is asked, once and not for long.

use std::time::Duration;

use crate::config::Turnstile;
use crate::http::turnstile::{Token, Verdict, question, verdict};
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::timeout::with_timeout;
use crate::upstream::client::read;
use crate::wiro::http_response::HttpResponse;

/// Somebody waits for it with a finger on the button.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a challenge was solved on a page whose host `is_ours`. `address` is the visitor's.
pub async fn verify(
    turnstile: &Turnstile,
    token: &Token,
    address: Option<&str>,
    is_ours: impl Fn(&str) -> bool,
) -> Verdict {
    let question = question(&turnstile.secret, token, address);
    let answer = with_timeout(PATIENCE, ask(&turnstile.verify_url, &question)).await;
    match answer.unwrap_or(Err(FetchError::Timeout(PATIENCE))) {
        Ok(answer) => verdict(answer.status, &answer.body.unwrap_or_default(), is_ours),
        Err(error) => Verdict::Unknown(error.to_string()),
    }
}

async fn ask(url: &str, question: &str) -> Result<HttpResponse, FetchError> {
    let headers = [("content-type", "application/json")];
    let request = request("POST", url, &headers, Some(&question.into()));
    let request = request.map_err(|error| FetchError::NotSent(error.to_string()))?;
    read(fetch(request, PATIENCE).await?).await
}
