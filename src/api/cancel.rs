//! `POST /v1/videos/{id}/cancel`: stops a video at whatever stage it is.

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, Own, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Answer;

pub async fn cancel(call: &Call<'_>, own: Own) -> Result<Answer, ApiError> {
    match call.ask(&own.id, &Message::Cancel).await? {
        // As it is now: stopped, on its way there, or finished after all.
        Reply::Video(record) => respond::json(200, &call.shown(&own.owner, record)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
