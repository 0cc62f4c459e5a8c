//! The endpoints of the operator. Without an `OPERATOR_TOKEN` they do not exist.

use serde::Serialize;

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, NOTHING_HERE, TOKEN_REQUIRED, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::{Answer, Header, Request};
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
pub async fn inspect(call: &Call<'_>, request: &Request, id: &str) -> Result<Answer, ApiError> {
    match call.ask(&authorize(call, request, id)?, &Message::Inspect).await? {
        Reply::Inspected { record, deliveries, next_delivery_at } => {
            let video = Video::of(record, &call.origin, None);
            let answer = respond::json(200, &Inspection { video, deliveries, next_delivery_at })?;
            Ok(answer.with("cache-control", "private, no-store"))
        }
        _ => Err(NO_SUCH_VIDEO),
    }
}

/// `POST /operator/videos/{id}/redrive`: resumes a failed video that may have been charged.
pub async fn redrive(call: &Call<'_>, request: &Request, id: &str) -> Result<Answer, ApiError> {
    match call.ask(&authorize(call, request, id)?, &Message::Redrive).await? {
        Reply::Video(record) => respond::json(202, &Video::of(record, &call.origin, None)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}

/// Authenticates the operator, who may read the videos of all owners.
fn authorize(call: &Call<'_>, request: &Request, id: &str) -> Result<VideoId, ApiError> {
    let token = call.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let token_sent = request.header(Header::Authorization).and_then(|header| PresentedToken::read(&header));
    if !token_sent.is_some_and(|sent| token.is(&sent)) {
        return Err(TOKEN_REQUIRED);
    }
    VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)
}
