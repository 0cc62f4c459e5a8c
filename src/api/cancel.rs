//! `POST /v1/videos/{id}/cancel`: stops a video at whatever stage it is.

use worker::Response;

use super::{Call, NO_SUCH_VIDEO, respond};
use crate::error::ApiError;
use crate::platform::task_object::{Message, Reply};
use crate::video::id::VideoId;

pub async fn cancel(call: &Call<'_>, id: &VideoId) -> Result<Response, ApiError> {
    match call.ask(id, &Message::Cancel).await? {
        // As it is now: stopped, on its way there, or finished after all.
        Reply::Video(record) => respond::json(200, &[], &record.shown_at(&call.origin)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
