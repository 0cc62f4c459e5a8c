//! The operator's own webhook: told how a video ended, by Standard Webhooks.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde_json::json;
use worker::ResponseBody;

use super::state::{TaskError, TaskState};
use crate::config::{Config, Webhook};
use crate::runtime::clock;
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::log::{self, Level};
use crate::runtime::streams::Reader;
use crate::video::delivery::Answer;
use crate::video::record::public::Video;
use crate::video::task::Task;
use crate::video::time::Millis;
use crate::wiro::answer::retry_after_seconds;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than any try takes.
const TRY_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    /// When the video ended, by RFC 3339.
    timestamp: String,
    data: Video,
}

/// One try: the answer, or why there was none; it is broken off when the video is deleted or goes on meanwhile.
/// `None` when the event was not to be told any more before that.
pub async fn notify(
    state: &TaskState,
    config: &Config,
    task: &Task,
    webhook_id: &str,
) -> Result<Option<Result<Answer, String>>, TaskError> {
    let is_pending = |task: &Task| task.deliveries.is_pending(webhook_id);
    let Some(webhook) = config.webhook.as_ref().filter(|_| is_pending(task)) else { return Ok(None) };
    let body = serde_json::to_string(&payload(state, config, task))?;
    let withdrawn = state.wait_until(|task| !is_pending(task), TRY_PATIENCE);
    let answer = match select(pin!(post(webhook, webhook_id, &body)), pin!(withdrawn)).await {
        Either::Left((answer, _)) => answer.map_err(|error| reason(&error)),
        Either::Right(_) => Err("withdrawn before it was answered".to_owned()),
    };
    let problem = match &answer {
        Ok(Answer { status: 200..=299, .. }) => return Ok(Some(answer)),
        Ok(Answer { status, .. }) => json!(status),
        Err(reason) => json!(reason),
    };
    let fields = [("video.id", json!(task.record.id)), ("webhook.id", json!(webhook_id)), ("error", problem)];
    log::write(Level::Warn, "the webhook was not taken", fields);
    Ok(Some(answer))
}

/// The video as its owner sees it.
fn payload(state: &TaskState, config: &Config, task: &Task) -> Payload {
    let record = task.record.clone();
    // The submit came by the origin that the upstream calls back.
    let own = || task.callback_url.rsplit_once("/hooks/wiro/").map_or("", |(origin, _)| origin);
    let origin = config.public_url.as_deref().unwrap_or_else(own);
    Payload {
        kind: format!("video.{}", record.status.as_str()),
        timestamp: clock::rfc3339(record.completed_at.unwrap_or_default()),
        data: Video::of(record, origin, state.grant(task).as_deref()),
    }
}

/// Redirects are answers like any other, and nobody reads the body of one.
async fn post(webhook: &Webhook, webhook_id: &str, body: &str) -> Result<Answer, FetchError> {
    let now = clock::now();
    let timestamp = now.seconds().to_string();
    let signature = webhook.key.sign(webhook_id, now, body);
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", webhook_id),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signature),
    ];
    let request = request("POST", &webhook.url, &headers, Some(&body.into()));
    let request = request.map_err(|error| FetchError::NotSent(error.to_string()))?;
    let response = fetch(request, ANSWER_TIMEOUT).await?;
    let status = response.status_code();
    let retry_after = response.headers().get("retry-after").ok().flatten();
    let retry_after = retry_after.and_then(|header| retry_after_seconds(&header, now.seconds()));
    if let ResponseBody::Stream(body) = response.into_parts().1 {
        drop(Reader::new(&body, ANSWER_TIMEOUT));
    }
    Ok(Answer { status, retry_after: retry_after.map(Millis::from_seconds) })
}

/// In our own words: the runtime's may name the URL, which may hold a secret.
fn reason(error: &FetchError) -> String {
    match error {
        FetchError::NotSent(_) => "the request could not be made".to_owned(),
        FetchError::Lost(_) => "the connection was refused or lost".to_owned(),
        FetchError::Timeout(_) => error.to_string(),
    }
}
