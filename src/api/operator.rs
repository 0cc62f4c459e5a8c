//! The endpoints of the operator. Without an `OPERATOR_TOKEN` they do not exist.

use serde::Serialize;
use serde_json::json;

use super::error::ApiError;
use super::{NO_SUCH_VIDEO, NOTHING_HERE, RequestContext, TOKEN_REQUIRED, internal, respond};
use crate::calls::task::{Message, Reply};
use crate::calls::webhook::{WebhookEvent, send};
use crate::config::Webhook;
use crate::runtime::clock;
use crate::runtime::http::{Header, Request, Response};
use crate::video::access::bearer::PresentedToken;
use crate::video::delivery::DeliveryAttempt;
use crate::video::id::VideoId;
use crate::video::record::public::Video;

const NO_WEBHOOK: ApiError = ApiError::NotFound("There is no webhook to test: NOTIFY_URL is not set.");

#[derive(Serialize)]
struct Inspection {
    video: Video,
    deliveries: Vec<DeliveryAttempt>,
    next_delivery_at: Option<i64>,
}

/// `GET /operator/videos/{id}`: the Video and its webhook deliveries.
pub async fn inspect(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, ApiError> {
    match context.ask(&authorize(context, request, id)?, &Message::Inspect).await? {
        Reply::Inspected { record, deliveries, next_delivery_at } => {
            let video = Video::of(record, &context.origin, None);
            let response = respond::json(200, &Inspection { video, deliveries, next_delivery_at })?;
            Ok(response.with("cache-control", "private, no-store"))
        }
        _ => Err(NO_SUCH_VIDEO),
    }
}

/// `POST /operator/videos/{id}/redrive`: resumes a failed video that may have been charged.
pub async fn redrive(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, ApiError> {
    match context.ask(&authorize(context, request, id)?, &Message::Redrive).await? {
        Reply::Video(record) => respond::json(202, &Video::of(record, &context.origin, None)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}

/// `POST /operator/webhook-test`: sends one signed `webhook.test` to `NOTIFY_URL`, and answers what came of it.
pub async fn test_webhook(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request)?;
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

/// Authenticates the operator, who may read the videos of all owners.
fn authorize(context: &RequestContext<'_>, request: &Request, id: &str) -> Result<VideoId, ApiError> {
    authenticate(context, request)?;
    VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)
}

fn authenticate(context: &RequestContext<'_>, request: &Request) -> Result<(), ApiError> {
    let token = context.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let token_sent = request.header(Header::Authorization).and_then(|header| PresentedToken::read(&header));
    if token_sent.is_some_and(|sent| token.is(&sent)) { Ok(()) } else { Err(TOKEN_REQUIRED) }
}
