//! `GET /v1/videos/{id}/deliveries`: what became of the messages to the video's `callback_url`.

use serde_json::json;

use super::error::ApiError;
use super::{AuthorizedVideo, NO_SUCH_VIDEO, RequestContext, respond};
use crate::calls::task::{Message, Reply};
use crate::runtime::http::Response;

pub async fn deliveries(
    context: &RequestContext<'_>,
    AuthorizedVideo { id, .. }: AuthorizedVideo,
) -> Result<Response, ApiError> {
    match context.ask(&id, &Message::Deliveries).await? {
        Reply::Deliveries(attempts) => {
            let list = json!({ "object": "list", "data": attempts });
            Ok(respond::json(200, &list)?.with("cache-control", "private, no-store"))
        }
        _ => Err(NO_SUCH_VIDEO),
    }
}
