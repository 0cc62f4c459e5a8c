//! What only the operator may. Without an `OPERATOR_TOKEN` there is nothing at these paths.

use serde::Serialize;

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, NOTHING_HERE, SHOW_A_TOKEN, respond};
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

/// `GET /operator/videos/{id}`: the Video, and what became of telling the webhook of it.
pub async fn inspect(call: &Call<'_>, request: &Request, id: &str) -> Result<Answer, ApiError> {
    match call.ask(&video(call, request, id)?, &Message::Inspect).await? {
        Reply::Inspected { record, deliveries, next_delivery_at } => {
            let video = Video::of(record, &call.origin, None);
            let answer = respond::json(200, &Inspection { video, deliveries, next_delivery_at })?;
            Ok(answer.with("cache-control", "private, no-store"))
        }
        _ => Err(NO_SUCH_VIDEO),
    }
}

/// `POST /operator/videos/{id}/redrive`: tries a failed video again that may have been paid for.
pub async fn redrive(call: &Call<'_>, request: &Request, id: &str) -> Result<Answer, ApiError> {
    match call.ask(&video(call, request, id)?, &Message::Redrive).await? {
        Reply::Video(record) => respond::json(202, &Video::of(record, &call.origin, None)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}

/// Anybody's video, for the operator alone.
fn video(call: &Call<'_>, request: &Request, id: &str) -> Result<VideoId, ApiError> {
    let token = call.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let shown = request.header(Header::Authorization).and_then(|header| PresentedToken::read(&header));
    if !shown.is_some_and(|shown| token.is(&shown)) {
        return Err(SHOW_A_TOKEN);
    }
    VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)
}
