//! `GET /v1/videos/{id}/events`: the video live, as server-sent events or, asked to upgrade, as a WebSocket.

use worker::{Request, Response, ResponseBody};

use super::{Call, NO_SUCH_VIDEO, Own, header, internal, parameter, respond};
use crate::error::ApiError;
use crate::platform::tasks::Tasks;
use crate::platform::watchers::Manner;

pub async fn events(
    call: &Call<'_>,
    request: &Request,
    query: &str,
    own: &Own,
) -> Result<Response, ApiError> {
    let is_socket = header(request, "upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    let manner =
        Manner { origin: call.origin.clone(), last_event_id: last_event_id(request, query), is_socket };
    let answer = Tasks::new(call.env)?.watch(&own.id, &manner).await.map_err(internal)?;
    // Made anew: the headers of an object's answer cannot be added to.
    match answer.status_code() {
        101 => match answer.websocket() {
            Some(socket) => Ok(Response::from_websocket(socket)?),
            None => Err(internal("the object made no WebSocket")),
        },
        200 => {
            let ResponseBody::Stream(stream) = answer.into_parts().1 else {
                return Err(internal("the object made no stream"));
            };
            let headers =
                [("content-type", "text/event-stream"), ("cache-control", "no-cache, no-transform")];
            Ok(respond::builder(200, &headers)?.stream(stream))
        }
        204 => respond::empty(204, &[]),
        404 => Err(NO_SUCH_VIDEO),
        status => Err(internal(format!("the object answered {status}"))),
    }
}

/// Where the watcher was. A browser's WebSocket can send no headers: it may say so in the query.
fn last_event_id(request: &Request, query: &str) -> Option<u64> {
    match header(request, "last-event-id") {
        Some(id) => id.parse().ok(),
        None => parameter(query, "last_event_id")?.parse().ok(),
    }
}
