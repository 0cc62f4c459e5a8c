//! The endpoints of the operator. Without an `OPERATOR_TOKEN` they do not exist.

use serde::Serialize;

use super::error::ApiError;
use super::{NO_SUCH_VIDEO, NOTHING_HERE, RequestContext, TOKEN_REQUIRED, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::{Header, Request, Response};
use crate::video::access::bearer::PresentedToken;
use crate::video::delivery::DeliveryAttempt;
use crate::video::id::VideoId;
use crate::video::record::public::Video;

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

/// Authenticates the operator, who may read the videos of all owners.
fn authorize(context: &RequestContext<'_>, request: &Request, id: &str) -> Result<VideoId, ApiError> {
    let token = context.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let token_sent = request.header(Header::Authorization).and_then(|header| PresentedToken::read(&header));
    if !token_sent.is_some_and(|sent| token.is(&sent)) {
        return Err(TOKEN_REQUIRED);
    }
    VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)
}
