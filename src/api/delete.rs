//! `DELETE /v1/videos/{id}`: from here on there is no such video; what is left of it goes by itself.

use serde_json::json;

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, Own, internal, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Answer;
use crate::storage::records::Records;

pub async fn delete(call: &Call<'_>, own: Own) -> Result<Answer, ApiError> {
    let id = &own.id;
    // 1. The object stops the job, forgets the video and removes everything, however long that takes.
    let Reply::Video(_) = call.ask(id, &Message::Delete).await? else { return Err(NO_SUCH_VIDEO) };
    // 2. Nobody is told from KV any more. The object repeats this at the end.
    Records::new(call.env)?.delete(id).await.map_err(internal)?;
    respond::json(200, &json!({ "id": id, "object": "video.deleted", "deleted": true }))
}
