//! Sends an event to a webhook, signed by Standard Webhooks.

use std::time::Duration;

use serde::Serialize;
use worker::ResponseBody;

use crate::runtime::clock;
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::streams::Reader;
use crate::video::access::webhook_key::WebhookKeys;
use crate::video::delivery::DeliveryResponse;
use crate::video::time::Millis;
use crate::wiro::http_response::retry_after_seconds;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// An event in the format of OpenAI's webhooks and Standard Webhooks.
#[derive(Serialize)]
pub struct WebhookEvent<'a, D> {
    /// The same as the header `webhook-id`.
    id: &'a str,
    object: &'static str,
    #[serde(rename = "type")]
    kind: String,
    /// When it happened, in unix seconds.
    created_at: i64,
    /// The same in RFC 3339.
    timestamp: String,
    data: D,
}

impl<'a, D: Serialize> WebhookEvent<'a, D> {
    #[must_use]
    pub fn new(id: &'a str, kind: String, created_at: i64, data: D) -> Self {
        Self { id, object: "event", kind, created_at, timestamp: clock::rfc3339(created_at), data }
    }
}

/// Sends the event once. Redirects are not followed, and response bodies are not read.
///
/// # Errors
/// Why there was no response, without the URL.
pub async fn send(
    url: &str,
    keys: &WebhookKeys,
    webhook_id: &str,
    body: &str,
) -> Result<DeliveryResponse, String> {
    post(url, keys, webhook_id, body).await.map_err(|error| public_reason(&error))
}

async fn post(
    url: &str,
    keys: &WebhookKeys,
    webhook_id: &str,
    body: &str,
) -> Result<DeliveryResponse, FetchError> {
    let now = clock::now();
    let timestamp = now.seconds().to_string();
    let signature = keys.sign(webhook_id, now, body);
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", webhook_id),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signature),
    ];
    let request = request("POST", url, &headers, Some(&body.into()));
    let request = request.map_err(|error| FetchError::NotSent(error.to_string()))?;
    let response = fetch(request, RESPONSE_TIMEOUT).await?;
    let status = response.status_code();
    let retry_after = response.headers().get("retry-after").ok().flatten();
    let retry_after = retry_after.and_then(|header| retry_after_seconds(&header, now.seconds()));
    if let ResponseBody::Stream(body) = response.into_parts().1 {
        drop(Reader::new(&body, RESPONSE_TIMEOUT));
    }
    Ok(DeliveryResponse { status, retry_after: retry_after.map(Millis::from_seconds) })
}

/// The runtime's messages may contain the URL, which may contain a secret.
fn public_reason(error: &FetchError) -> String {
    match error {
        FetchError::NotSent(_) => "the request could not be made".to_owned(),
        FetchError::Lost(_) => "the connection was refused or lost".to_owned(),
        FetchError::Timeout(_) => error.to_string(),
    }
}
