//! `GET /v1/videos/{id}/events`: the video live, as server-sent events or, asked to upgrade, as a WebSocket.

use worker::worker_sys::ext::ResponseExt;

use super::error::ApiError;
use super::{Call, NO_SUCH_VIDEO, guard, internal, respond};
use crate::calls::objects::SubscribeOptions;
use crate::calls::task::{Message, VideoTaskClient};
use crate::runtime::clock;
use crate::runtime::http::{Answer, Body, Header, Request};

pub async fn events(call: &Call<'_>, request: &Request, id: &str) -> Result<Answer, ApiError> {
    // A grant is as good as the owner's token: a browser's EventSource and WebSocket can send none. A page that is not listed
    // opens no socket with it either.
    guard::cross_origin::check(call, request)?;
    let keys = &call.config.signing_keys;
    let granted =
        request.parameter("grant").and_then(|grant| keys.verify_events_grant(id, grant, clock::now()));
    let (id, grants) = match granted {
        Some((id, grants)) => (id, Some(grants)),
        None => (call.own(request, id)?.id, None),
    };
    if request.is_head() {
        call.record(&id, &Message::Read).await?;
        return Ok(event_stream(Body::Empty));
    }
    let is_socket = request.header(Header::Upgrade).is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    let last_event_id = last_event_id(request);
    let options = SubscribeOptions { origin: call.origin.clone(), grants, last_event_id, is_socket };
    let answer = VideoTaskClient::new(call.env)?.watch(&id, &options).await.map_err(internal)?;
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
