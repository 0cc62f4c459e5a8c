//! `GET /v1/videos/{id}`: the Video as it stands, or, with `Prefer: wait=N`, as soon as it has moved.

use worker::{Request, Response};

use super::{Call, Own, header, internal, respond};
use crate::error::ApiError;
use crate::platform::task_object::Message;
use crate::prefer::preferred_wait;
use crate::range::matches_any;

pub async fn status(call: &Call<'_>, request: &Request, own: &Own) -> Result<Response, ApiError> {
    let wait = header(request, "prefer").and_then(|preferences| preferred_wait(&preferences));
    let record = call.record(&own.id, &wait.map_or(Message::Read, Message::Wait)).await?;
    let is_final = record.status.is_final();
    let body = serde_json::to_vec(&call.shown(&own.owner, record)).map_err(internal)?;
    let etag = respond::etag_of(&body);
    let retry_after = super::RETRY_AFTER_SECONDS.to_string();
    let applied = wait.map(|seconds| format!("wait={seconds}"));
    let mut headers = vec![("etag", etag.as_str()), ("cache-control", "private, no-cache")];
    headers.extend(applied.iter().map(|applied| ("preference-applied", applied.as_str())));
    if !is_final {
        headers.push(("retry-after", &retry_after));
    }
    if header(request, "if-none-match").is_some_and(|tags| matches_any(&tags, &etag)) {
        return respond::empty(304, &headers);
    }
    headers.push(("content-type", "application/json"));
    Ok(respond::builder(200, &headers)?.fixed(body))
}
