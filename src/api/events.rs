//! `GET /v1/videos/{id}/events`: the video live, as server-sent events or, asked to upgrade, as a WebSocket.

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
    // Made anew: the headers of an object's answer cannot be added to.
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

/// Where the watcher was. A browser's WebSocket can send no headers: it may say so in the query.
fn last_event_id(request: &Request) -> Option<u64> {
    let sent = request.header(Header::LastEventId);
    sent.as_deref().or_else(|| request.parameter("last_event_id"))?.parse().ok()
}
