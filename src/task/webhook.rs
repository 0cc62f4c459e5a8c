//! The operator's webhook, which gets every ending, by Standard Webhooks.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde_json::json;
use worker::ResponseBody;

use super::store::{TaskError, VideoTaskStore};
use crate::config::{Config, Webhook};
use crate::runtime::clock;
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::log::{self, Level};
use crate::runtime::streams::Reader;
use crate::video::delivery::DeliveryResponse;
use crate::video::record::public::Video;
use crate::video::task::Task;
use crate::video::time::Millis;
use crate::wiro::http_response::retry_after_seconds;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than any attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// An event as OpenAI's webhooks and Standard Webhooks write it.
#[derive(Serialize)]
struct Payload<'a> {
    /// The same as the header `webhook-id`.
    id: &'a str,
    object: &'static str,
    #[serde(rename = "type")]
    kind: String,
    /// When the video ended, in unix seconds.
    created_at: i64,
    /// The same in RFC 3339.
    timestamp: String,
    data: OwnedVideo<'a>,
}

/// The Video as its owner sees it, and who that is; only the operator is told.
#[derive(Serialize)]
struct OwnedVideo<'a> {
    #[serde(flatten)]
    video: Video,
    /// `None` without client tokens.
    client: Option<&'a str>,
}

/// One attempt: the response, or the reason why there was none. It is cancelled if the video is deleted or resumed
/// meanwhile. `None` if the event was no longer pending at the start.
pub async fn notify(
    store: &VideoTaskStore,
    config: &Config,
    task: &Task,
    webhook_id: &str,
) -> Result<Option<Result<DeliveryResponse, String>>, TaskError> {
    let is_pending = |task: &Task| task.deliveries.is_pending(webhook_id);
    let Some(webhook) = config.webhook.as_ref().filter(|_| is_pending(task)) else { return Ok(None) };
    let body = serde_json::to_string(&payload(store, config, task, webhook_id))?;
    let cancelled = store.wait_until(|task| !is_pending(task), ATTEMPT_TIMEOUT);
    let response = match select(pin!(post(webhook, webhook_id, &body)), pin!(cancelled)).await {
        Either::Left((response, _)) => response.map_err(|error| public_reason(&error)),
        Either::Right(_) => Err("cancelled before the receiver answered".to_owned()),
    };
    let problem = match &response {
        Ok(DeliveryResponse { status: 200..=299, .. }) => return Ok(Some(response)),
        Ok(DeliveryResponse { status, .. }) => json!(status),
        Err(reason) => json!(reason),
    };
    let fields = [("video.id", json!(task.record.id)), ("webhook.id", json!(webhook_id)), ("error", problem)];
    log::write(Level::Warn, "delivering the webhook failed", fields);
    Ok(Some(response))
}

fn payload<'a>(store: &VideoTaskStore, config: &Config, task: &'a Task, webhook_id: &'a str) -> Payload<'a> {
    let record = task.record.clone();
    // The callback URL has the origin of the submit.
    let submit_origin = || task.callback_url.rsplit_once("/hooks/wiro/").map_or("", |(origin, _)| origin);
    let origin = config.public_url.as_deref().unwrap_or_else(submit_origin);
    let created_at = record.completed_at.unwrap_or_default();
    Payload {
        id: webhook_id,
        object: "event",
        kind: format!("video.{}", record.status.as_str()),
        created_at,
        timestamp: clock::rfc3339(created_at),
        data: OwnedVideo {
            video: Video::of(record, origin, store.grants(task).as_ref()),
            client: Some(task.owner.as_str()).filter(|_| !task.owner.is_nobody()),
        },
    }
}

/// Redirects are not followed, and response bodies are not read.
async fn post(webhook: &Webhook, webhook_id: &str, body: &str) -> Result<DeliveryResponse, FetchError> {
    let now = clock::now();
    let timestamp = now.seconds().to_string();
    let signature = webhook.keys.sign(webhook_id, now, body);
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", webhook_id),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signature),
    ];
    let request = request("POST", &webhook.url, &headers, Some(&body.into()));
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
