//! `GET /v1/videos/{id}/events`: live events of a video, as server-sent events, or as a WebSocket if the client
//! requests an upgrade.

use worker::worker_sys::ext::ResponseExt;

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, Own, internal, respond};
use crate::calls::objects::SubscribeOptions;
use crate::calls::task::{Message, VideoTaskClient};
use crate::runtime::http::{Answer, Body, Header, Request};

pub async fn events(call: &Call<'_>, request: &Request, own: Own) -> Result<Answer, ApiError> {
    if request.is_head() {
        call.record(&own.id, &Message::Read).await?;
        return Ok(event_stream(Body::Empty));
    }
    let is_socket = request.header(Header::Upgrade).is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    let manner =
        SubscribeOptions { origin: call.origin.clone(), last_event_id: last_event_id(request), is_socket };
    let answer = VideoTaskClient::new(call.env)?.watch(&own.id, &manner).await.map_err(internal)?;
    // A new response, because the headers of the object's response cannot be changed.
    match answer.status() {
        101 => match answer.websocket() {
            Some(socket) => Ok(Answer::new(101, Body::Socket(socket))),
            None => Err(internal("the object made no WebSocket")),
        },
        200 => match answer.body() {
            Some(stream) => Ok(event_stream(Body::Stream(stream))),
            None => Err(internal("the object made no stream")),
        },
        204 => Ok(respond::empty(204)),
        404 => Err(NO_SUCH_VIDEO),
        status => Err(internal(format!("the object answered {status}"))),
    }
}

fn event_stream(body: Body) -> Answer {
    Answer::new(200, body)
        .with("content-type", "text/event-stream; charset=utf-8")
        .with("cache-control", "no-cache, no-transform")
}

/// The last event that the client got. A WebSocket in a browser cannot send headers, so the query may contain it.
fn last_event_id(request: &Request) -> Option<u64> {
    let sent = request.header(Header::LastEventId);
    sent.as_deref().or_else(|| request.parameter("last_event_id"))?.parse().ok()
}
