//! `POST /operator/videos/{id}/redrive`: tries a failed video again that may have been paid for. Without
//! an `OPERATOR_TOKEN` there is nothing at this path.

use worker::{Request, Response};

use super::{Call, NO_SUCH_VIDEO, NOTHING_HERE, header, respond};
use crate::error::ApiError;
use crate::platform::task_object::{Message, Reply};

pub async fn redrive(call: &Call<'_>, request: &Request, id: &str) -> Result<Response, ApiError> {
    let token = call.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    if !header(request, "authorization").is_some_and(|shown| token.is_shown_by(&shown)) {
        return Err(ApiError::Unauthorized);
    }
    let id = call.video_id(id)?;
    match call.ask(&id, &Message::Redrive).await? {
        Reply::Video(record) => respond::json(202, &[], &record.shown_at(&call.origin)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
