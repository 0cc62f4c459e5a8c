//! `POST /operator/webhook-test`.

use serde_json::json;

use super::authenticate;
use crate::api::error::ApiError;
use crate::api::{RequestContext, internal, respond};
use crate::calls::webhook::{WebhookEvent, send};
use crate::config::Webhook;
use crate::runtime::clock;
use crate::runtime::http::{Request, Response};
use crate::video::delivery::DeliveryAttempt;

const NO_WEBHOOK: ApiError = ApiError::NotFound("There is no webhook to test: NOTIFY_URL is not set.");

/// Sends one signed `webhook.test` to `NOTIFY_URL`, and answers what came of it.
pub async fn send_test(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let Webhook { url, keys } = context.config.webhook.as_ref().ok_or(NO_WEBHOOK)?;
    let random = clock::random::<12>().map_err(internal)?;
    let webhook_id = format!("msg_test_{}", hex::encode(random));
    let now = clock::now().seconds();
    let event = WebhookEvent::new(&webhook_id, "webhook.test".to_owned(), now, json!({}));
    let body = serde_json::to_string(&event).map_err(internal)?;
    let (status, error) = match send(url, keys, &webhook_id, &body).await {
        Ok(response) => (Some(response.status), None),
        Err(reason) => (None, Some(reason)),
    };
    let at = clock::now().seconds();
    let response = respond::json(200, &DeliveryAttempt { at, webhook_id, attempt: Some(1), status, error })?;
    Ok(response.with("cache-control", "no-store"))
}
