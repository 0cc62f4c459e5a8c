//! `POST /v1/videos/{id}/cancel`: stops a video at any stage.

use super::error::ApiError;
use super::{AuthorizedVideo, NO_SUCH_VIDEO, RequestContext, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Response;

pub async fn cancel(context: &RequestContext<'_>, video: AuthorizedVideo) -> Result<Response, ApiError> {
    match context.ask(&video.id, &Message::Cancel).await? {
        // Its status is cancelled, still running until Wiro confirms the stop, or completed if it was faster.
        Reply::Video(record) => respond::json(200, &context.to_video(&video.owner, record)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
