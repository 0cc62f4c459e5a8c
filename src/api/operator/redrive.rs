//! `POST /operator/videos/{id}/redrive`.

use super::authorize;
use crate::api::error::ApiError;
use crate::api::{NO_SUCH_VIDEO, RequestContext, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::{Request, Response};
use crate::video::record::public::Video;

/// Resumes a failed video that may have been charged.
pub async fn redrive(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, ApiError> {
    match context.ask(&authorize(context, request, id).await?, &Message::Redrive).await? {
        Reply::Video(record) => respond::json(202, &Video::of(record, &context.origin, None)),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
