//! `POST /operator/videos/{id}/redrive`: tries a failed video again that may have been paid for. Without
//! an `OPERATOR_TOKEN` there is nothing at this path.

use worker::{Request, Response};

use super::{Call, NO_SUCH_VIDEO, NOTHING_HERE, SHOW_A_TOKEN, header, respond};
use crate::error::ApiError;
use crate::platform::task_object::{Message, Reply};
use crate::video::bearer::ShownToken;
use crate::video::id::VideoId;

pub async fn redrive(call: &Call<'_>, request: &Request, id: &str) -> Result<Response, ApiError> {
    let token = call.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let shown = header(request, "authorization").and_then(|header| ShownToken::read(&header));
    if !shown.is_some_and(|shown| token.is(&shown)) {
        return Err(SHOW_A_TOKEN);
    }
    let id = VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)?;
    match call.ask(&id, &Message::Redrive).await? {
        Reply::Video(record) => respond::json(202, &[], &record.shown_at(&call.origin, None)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
