//! `POST /v1/videos/{id}/cancel`: stops a video at any stage.

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, Own, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Answer;

pub async fn cancel(call: &Call<'_>, own: Own) -> Result<Answer, ApiError> {
    match call.ask(&own.id, &Message::Cancel).await? {
        // Its status is cancelled, still running until Wiro confirms the stop, or completed if it was faster.
        Reply::Video(record) => respond::json(200, &call.shown(&own.owner, record)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
