//! `GET /operator/videos/{id}`: one video of any owner, and `…/content`: its file.

use serde::Serialize;

use super::authorize;
use crate::api::content::send_content;
use crate::api::error::ApiError;
use crate::api::{NO_SUCH_VIDEO, RequestContext, respond};
use crate::calls::task::{Inspected, Message, Reply, UpstreamState};
use crate::runtime::http::{Request, Response};
use crate::video::delivery::DeliveryAttempt;
use crate::video::id::VideoId;
use crate::video::record::public::Video;

#[derive(Serialize)]
struct Inspection {
    video: Video,
    /// Null for a video without a client.
    client: Option<String>,
    request_id: Option<String>,
    upstream: UpstreamState,
    deliveries: Vec<DeliveryAttempt>,
    next_delivery_at: Option<i64>,
}

/// `GET /operator/videos/{id}`: the Video, its job at Wiro and its webhook deliveries.
pub async fn inspect(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, ApiError> {
    let id = authorize(context, request, id).await?;
    let Inspected { record, owner, request_id, upstream, deliveries, next_delivery_at } =
        inspected(context, &id).await?;
    let client = owner.name().map(str::to_owned);
    let video = context.to_video(&owner, record);
    let inspection = Inspection { video, client, request_id, upstream, deliveries, next_delivery_at };
    Ok(respond::json(200, &inspection)?.with("cache-control", "private, no-store"))
}

/// `GET /operator/videos/{id}/content`: the file, as `GET /v1/videos/{id}/content` sends it.
pub async fn content(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, ApiError> {
    let id = authorize(context, request, id).await?;
    match send_content(context, request, &id).await {
        // Tells a video that was removed from one that never existed.
        Err(ApiError::NotFound(_)) => {
            inspected(context, &id).await?;
            Err(ApiError::NotFound("This video has no content."))
        }
        outcome => outcome,
    }
}

async fn inspected(context: &RequestContext<'_>, id: &VideoId) -> Result<Inspected, ApiError> {
    match context.ask(id, &Message::Inspect).await? {
        Reply::Inspected(inspected) => Ok(*inspected),
        Reply::Removed(tombstone) => Err(ApiError::Removed(Box::new(tombstone))),
        _ => Err(NO_SUCH_VIDEO),
    }
}
