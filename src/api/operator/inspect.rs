//! `GET /operator/videos/{id}`: one video of any owner.

use serde::Serialize;

use super::authorize;
use crate::api::error::ApiError;
use crate::api::{NO_SUCH_VIDEO, RequestContext, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::{Request, Response};
use crate::video::delivery::DeliveryAttempt;
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
    match context.ask(&authorize(context, request, id).await?, &Message::Inspect).await? {
        Reply::Inspected { record, deliveries, next_delivery_at } => {
            let video = Video::of(record, &context.origin, None);
            let response = respond::json(200, &Inspection { video, deliveries, next_delivery_at })?;
            Ok(response.with("cache-control", "private, no-store"))
        }
        _ => Err(NO_SUCH_VIDEO),
    }
}
