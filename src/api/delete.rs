//! `DELETE /v1/videos/{id}`: the video is not visible any more at once; its data is removed in the background.

use serde_json::json;

use super::error::ApiError;
use super::{AuthorizedVideo, NO_SUCH_VIDEO, RequestContext, internal, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Response;
use crate::storage::records::Records;
use crate::video::id::VideoId;

pub async fn delete(context: &RequestContext<'_>, video: AuthorizedVideo) -> Result<Response, ApiError> {
    let id = &video.id;
    remove(context, id, &Message::Delete).await?;
    respond::json(200, &json!({ "id": id, "object": "video.deleted", "deleted": true }))
}

/// Removes a video by this message to its object.
pub async fn remove(context: &RequestContext<'_>, id: &VideoId, message: &Message) -> Result<(), ApiError> {
    // 1. The object hides the video, stops the job and removes all data in the background.
    let Reply::Video(_) = context.ask(id, message).await? else { return Err(NO_SUCH_VIDEO) };
    // 2. Remove the record from KV, so that no request finds it there. The object does this again at the end.
    Records::new(context.env)?.delete(id).await.map_err(internal)
}
