//! The events that tell of a video's end: to the operator's webhook, and to the `callback_url` of the submit.

use std::borrow::Cow;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde_json::{Value, json};

use super::store::{TaskError, VideoTaskStore};
use crate::calls::clients::managed_clients;
use crate::calls::webhook::{WebhookEvent, send};
use crate::config::Config;
use crate::runtime::log::{self, Level};
use crate::storage::media;
use crate::video::access::managed_clients::ManagedClients;
use crate::video::access::webhook_key::WebhookKeys;
use crate::video::delivery::{DeliveryResponse, Recipient};
use crate::video::record::public::{PublicOrigin, Video};
use crate::video::task::Task;

/// Longer than any attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// The Video as its owner sees it.
#[derive(Serialize)]
struct OwnedVideo {
    #[serde(flatten)]
    video: Video,
    /// Who that is, for the operator only; null without client tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Value>,
}

/// One attempt: the response, or the reason why there was none. It is cancelled if the video is deleted or resumed
/// meanwhile. `None` if the event was no longer pending at the start.
pub async fn notify(
    store: &VideoTaskStore,
    config: &Config,
    task: &Task,
    recipient: Recipient,
    webhook_id: &str,
) -> Result<Option<Result<DeliveryResponse, String>>, TaskError> {
    let is_pending = |task: &Task| {
        task.deliveries_to(recipient).is_some_and(|deliveries| deliveries.is_pending(webhook_id))
    };
    let managed = match recipient {
        Recipient::Owner if config.operator_token.is_some() => managed_clients(&store.env).await,
        _ => Some(Rc::default()),
    };
    let Some((url, keys)) = address(config, task, recipient, managed.as_deref()).filter(|_| is_pending(task))
    else {
        return Ok(None);
    };
    let response = match keys {
        None if managed.is_none() => Err("the client's keys cannot be read at the moment".to_owned()),
        None => Err("the client has no webhook_secret any more".to_owned()),
        Some(keys) => {
            let body = serde_json::to_string(&event(store, config, task, recipient, webhook_id))?;
            let cancelled = store.wait_until(|task| !is_pending(task), ATTEMPT_TIMEOUT);
            match select(pin!(send(url, &keys, webhook_id, &body)), pin!(cancelled)).await {
                Either::Left((response, _)) => response,
                Either::Right(_) => Err("cancelled before the receiver answered".to_owned()),
            }
        }
    };
    let problem = match &response {
        Ok(DeliveryResponse { status: 200..=299, .. }) => return Ok(Some(response)),
        Ok(DeliveryResponse { status, .. }) => json!(status),
        Err(reason) => json!(reason),
    };
    let fields = [("video.id", json!(task.record.id)), ("webhook.id", json!(webhook_id)), ("error", problem)];
    match recipient {
        Recipient::Operator => log::write(Level::Warn, "delivering the webhook failed", fields),
        // The client sees it at `/deliveries`; no operator has to act.
        Recipient::Owner => log::write(Level::Info, "delivering to a callback_url failed", fields),
    }
    Ok(Some(response))
}

/// The URL of the recipient, and the keys that sign for it, if the client still has some.
fn address<'a>(
    config: &'a Config,
    task: &'a Task,
    recipient: Recipient,
    managed: Option<&ManagedClients>,
) -> Option<(&'a str, Option<Cow<'a, WebhookKeys>>)> {
    match recipient {
        Recipient::Operator => {
            let webhook = config.webhook.as_ref();
            webhook.map(|webhook| (webhook.url.as_str(), Some(Cow::Borrowed(&webhook.keys))))
        }
        Recipient::Owner => {
            let keys = managed.and_then(|managed| config.owner_webhook_keys(&task.owner, managed));
            let webhook = task.owner_webhook.as_ref();
            webhook.map(|webhook| (webhook.url.as_str(), keys.map(Cow::Owned)))
        }
    }
}

fn event<'a>(
    store: &VideoTaskStore,
    config: &Config,
    task: &Task,
    recipient: Recipient,
    webhook_id: &'a str,
) -> WebhookEvent<'a, OwnedVideo> {
    let record = task.record.clone();
    // The callback URL has the origin of the submit.
    let submit_origin = || task.callback_url.rsplit_once("/hooks/wiro/").map_or("", |(origin, _)| origin);
    let url = config.public_url.as_deref().unwrap_or_else(submit_origin).to_owned();
    let origin = PublicOrigin { url, has_thumbnails: media::is_bound(&store.env) };
    let kind = format!("video.{}", record.status.as_str());
    let created_at = record.completed_at.unwrap_or_default();
    let client = Some(task.owner.as_str()).filter(|_| !task.owner.is_nobody());
    let data = OwnedVideo {
        video: Video::of(record, &origin, store.grants(task).as_ref()),
        client: (recipient == Recipient::Operator).then(|| json!(client)),
    };
    WebhookEvent::new(webhook_id, kind, created_at, data)
}
