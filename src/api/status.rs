//! `GET /v1/videos/{id}`: the current Video. With `Prefer: wait=N` the response waits until the video
//! ends or changes.

use super::error::ApiError;
use super::{AuthorizedVideo, RequestContext, internal, respond};
use crate::calls::task::Message;
use crate::http::prefer::{Wait, preferred_wait};
use crate::http::range::matches_any;
use crate::runtime::clock;
use crate::runtime::http::{Body, Header, Request, Response};
use crate::video::record::text::{Shown, show};

pub async fn status(
    context: &RequestContext<'_>,
    request: &Request,
    video: AuthorizedVideo,
) -> Result<Response, ApiError> {
    let AuthorizedVideo { owner, id } = &video;
    let wait = wait_of(request);
    let record = context.record(id, &wait.map_or(Message::Read, wait_message)).await?;
    let grants = |created_at| context.config.signing_keys.grants(owner, id, created_at, clock::now());
    let shown = show(&record, &context.origin, grants);
    let Shown { json, status } = shown.ok_or_else(|| internal("it is not a record"))?;
    let etag = respond::etag_of(json.as_bytes());
    let is_known = request.header(Header::IfNoneMatch).is_some_and(|tags| matches_any(&tags, &etag));
    let mut response = if is_known {
        respond::empty(304)
    } else {
        Response::new(200, Body::Bytes(json.into_bytes())).with("content-type", "application/json")
    };
    response.add("etag", &etag);
    response.add("cache-control", "private, no-cache");
    add_polling_headers(&mut response, wait, status.is_final());
    Ok(response)
}

/// The wait that the `Prefer` header asks for.
pub fn wait_of(request: &Request) -> Option<Wait> {
    request.header(Header::Prefer).as_deref().and_then(preferred_wait)
}

/// The message to the video's object that waits.
pub const fn wait_message(wait: Wait) -> Message {
    if wait.is_until_change { Message::Wait(wait.seconds) } else { Message::WaitForEnd(wait.seconds) }
}

/// Adds `Preference-Applied` after a wait, and `Retry-After` while the video is not final.
pub fn add_polling_headers(response: &mut Response, wait: Option<Wait>, is_final: bool) {
    if let Some(wait) = wait {
        response.add("preference-applied", &wait.to_string());
    }
    if !is_final {
        response.add("retry-after", &super::RETRY_AFTER_SECONDS.to_string());
        response.add("openai-poll-after-ms", &(super::RETRY_AFTER_SECONDS * 1000).to_string());
    }
}
