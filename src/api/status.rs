//! `GET /v1/videos/{id}`: the Video as it stands, or, with `Prefer: wait=N`, as soon as it has moved.

use super::error::ApiError;
use super::{Call, Own, internal, respond};
use crate::calls::task::Message;
use crate::http::prefer::preferred_wait;
use crate::http::range::matches_any;
use crate::runtime::http::{Answer, Body, Header, Request};
use crate::video::record::Status;
use crate::video::record::text::{show, status_of};

pub async fn status(call: &Call<'_>, request: &Request, own: Own) -> Result<Answer, ApiError> {
    let wait = request.header(Header::Prefer).as_deref().and_then(preferred_wait);
    let record = call.record(&own.id, &wait.map_or(Message::Read, Message::Wait)).await?;
    let is_final = status_of(&record).is_some_and(Status::is_final);
    let video = show(&record, call.urls(&own.owner, &own.id)).ok_or_else(|| internal("it is no record"))?;
    let etag = respond::etag_of(video.as_bytes());
    let is_known = request.header(Header::IfNoneMatch).is_some_and(|tags| matches_any(&tags, &etag));
    let mut answer = if is_known {
        respond::empty(304)
    } else {
        Answer::new(200, Body::Bytes(video.into_bytes())).with("content-type", "application/json")
    };
    answer.add("etag", &etag);
    answer.add("cache-control", "private, no-cache");
    if let Some(seconds) = wait {
        answer.add("preference-applied", &format!("wait={seconds}"));
    }
    if !is_final {
        answer.add("retry-after", &super::RETRY_AFTER_SECONDS.to_string());
    }
    Ok(answer)
}
