//! `DELETE /v1/videos/{id}`: the video is not visible any more at once; its data is removed in the background.

use serde_json::json;

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, Own, internal, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Answer;
use crate::storage::records::Records;

pub async fn delete(call: &Call<'_>, own: Own) -> Result<Answer, ApiError> {
    let id = &own.id;
    // 1. The object hides the video, stops the job and removes all data in the background.
    let Reply::Video(_) = call.ask(id, &Message::Delete).await? else { return Err(NO_SUCH_VIDEO) };
    // 2. Remove the record from KV, so that no request finds it there. The object does this again at the end.
    Records::new(call.env)?.delete(id).await.map_err(internal)?;
    respond::json(200, &json!({ "id": id, "object": "video.deleted", "deleted": true }))
}
