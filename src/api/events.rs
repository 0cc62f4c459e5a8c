//! `GET /v1/videos/{id}/events`: live events of a video, as server-sent events, or as a WebSocket if the client
//! requests an upgrade.

use worker::worker_sys::ext::ResponseExt;

use super::error::ApiError;
use super::{NO_SUCH_VIDEO, RequestContext, guard, internal, respond};
use crate::calls::objects::SubscribeOptions;
use crate::calls::task::{Message, VideoTaskClient};
use crate::runtime::clock;
use crate::runtime::http::{Body, Header, Request, Response};

pub async fn events(context: &RequestContext<'_>, request: &Request, id: &str) -> Result<Response, ApiError> {
    // A grant replaces the owner's token, because a browser's EventSource and WebSocket cannot send headers. It does not
    // let pages of other origins open a socket.
    guard::cross_origin::check(context, request)?;
    let keys = &context.config.signing_keys;
    let granted =
        request.parameter("grant").and_then(|grant| keys.verify_events_grant(id, grant, clock::now()));
    let (id, grants) = match granted {
        Some((id, grants)) => (id, Some(grants)),
        None => (context.authorize(request, id)?.id, None),
    };
    if request.is_head() {
        context.record(&id, &Message::Read).await?;
        return Ok(event_stream(Body::Empty));
    }
    let is_socket = request.header(Header::Upgrade).is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    let last_event_id = last_event_id(request);
    let options = SubscribeOptions { origin: context.origin.url.clone(), grants, last_event_id, is_socket };
    let response = VideoTaskClient::new(context.env)?.watch(&id, &options).await.map_err(internal)?;
    // A new response, because the headers of the object's response cannot be changed.
    match response.status() {
        101 => match response.websocket() {
            Some(socket) => Ok(Response::new(101, Body::Socket(socket))),
            None => Err(internal("the object made no WebSocket")),
        },
        200 => match response.body() {
            Some(stream) => Ok(event_stream(Body::Stream(stream))),
            None => Err(internal("the object made no stream")),
        },
        204 => Ok(respond::empty(204)),
        404 => Err(NO_SUCH_VIDEO),
        429 => Err(ApiError::TooManySubscribers),
        status => Err(internal(format!("the object answered {status}"))),
    }
}

fn event_stream(body: Body) -> Response {
    Response::new(200, body)
        .with("content-type", "text/event-stream; charset=utf-8")
        .with("cache-control", "no-cache, no-transform")
}

/// The last event that the client got. A WebSocket in a browser cannot send headers, so the query may contain it.
fn last_event_id(request: &Request) -> Option<u64> {
    let sent = request.header(Header::LastEventId);
    sent.as_deref().or_else(|| request.parameter("last_event_id"))?.parse().ok()
}
