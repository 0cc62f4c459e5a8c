//! `POST /mcp`: the API as tools for agents, by the Model Context Protocol over Streamable HTTP without sessions.
//!
//! - `version`, `message`, `reply`: the protocol, pure
//! - `tools`, `result`: the tools and their results, pure
//! - `call`: a tool call as a request to the API
//! - `stream`: a call that tells of its progress

mod call;
mod message;
mod reply;
mod result;
mod stream;
mod tools;
mod version;

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::ApiError;
use super::form::media_type;
use super::{RequestContext, respond};
use crate::runtime::http::{Body, Header, Request, Response};
use crate::runtime::streams::StreamError;
use call::{Caller, Deadline, failed};
use message::{Headers, Message, Method, echo};
use reply::{Code, Failure, response};
use tools::{Action, CallError, action};

const MAX_BODY_BYTES: u32 = 64 * 1024;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const NO_AGENTS: ApiError = ApiError::Unauthorized(
    "Agents need a client token, and this service has none: it serves people who solve a challenge.",
);

pub async fn serve(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    // 1. Authenticate, as all endpoints do. An agent cannot solve a challenge.
    context.authenticate(request)?;
    if context.turnstile().is_some() {
        return Err(NO_AGENTS);
    }
    // 2. Read the message.
    let accepts = Accepts::read(request.header(Header::Accept).as_deref());
    if !accepts.json {
        return refuse(&Failure::new(
            406,
            Code::InvalidRequest,
            "Accept application/json and text/event-stream.",
        ));
    }
    if media_type(&request.header(Header::ContentType).unwrap_or_default()) != "application/json" {
        return Err(ApiError::UnsupportedMediaType("Send application/json.".to_owned()));
    }
    let body = request.read_body(MAX_BODY_BYTES, IDLE_TIMEOUT).await.map_err(|error| match error {
        StreamError::TooLong(_) => {
            ApiError::PayloadTooLarge(format!("A message has at most {MAX_BODY_BYTES} bytes (64 KiB)."))
        }
        other => ApiError::InvalidRequest(other.to_string()),
    })?;
    let [version, method, name] =
        [Header::McpProtocolVersion, Header::McpMethod, Header::McpName].map(|name| request.header(name));
    let headers = Headers { version: version.as_deref(), method: method.as_deref(), name: name.as_deref() };
    let message = match message::read(&body, headers) {
        Ok(Message::Request(message)) => message,
        Ok(Message::Notification) => return Ok(respond::empty(202)),
        Err(failure) => return refuse(&failure),
    };
    // 3. Answer it.
    let result = match &message.method {
        Method::Initialize => reply::initialized(message.version),
        Method::Ping => Map::new(),
        Method::Discover => reply::discovered(),
        Method::Listen => {
            let events = reply::empty_subscription(&message);
            return Ok(stream::event_stream(Body::Bytes(events.into_bytes())));
        }
        Method::ListTools => {
            let models: Vec<&str> = context.config.models.all().map(|model| model.name.as_str()).collect();
            reply::tool_list(message.version, tools::list(&models))
        }
        Method::CallTool { name, arguments } => match action(name, arguments.clone()) {
            Ok(action) => {
                let caller = Caller::of(context, request);
                if accepts.stream && message.progress_token.is_some() {
                    return call_with_progress(context, caller, message, &action).await;
                }
                caller.perform(context, &action).await
            }
            Err(CallError::Arguments(errors)) => failed(context, ApiError::InvalidParameter(errors)),
            Err(CallError::UnknownTool) => {
                let text = format!("There is no tool {}; there are {}.", echo(name), tools::names());
                return refuse(&Failure::new(200, Code::InvalidParams, text).of(&message.id));
            }
        },
    };
    answer(&response(&message, result))
}

/// A call with a progress token. Only the tools that wait send notifications.
async fn call_with_progress(
    context: &RequestContext<'_>,
    caller: Caller,
    message: message::Request,
    action: &Action,
) -> Result<Response, ApiError> {
    let (deadline, video) = match action {
        Action::Create { submit, key, wait_seconds } => {
            (Deadline::in_seconds(*wait_seconds), caller.submit(context, submit, key.as_deref()).await)
        }
        Action::Wait { id, wait_seconds } => {
            (Deadline::in_seconds(*wait_seconds), caller.read(context, id, "").await)
        }
        _ => return answer(&response(&message, caller.perform(context, action).await)),
    };
    match video {
        Ok(video) => stream::follow(context, caller, message, video, deadline),
        Err(error) => answer(&response(&message, failed(context, error))),
    }
}

/// The media types that a client accepts. The protocol requires both; without an `Accept` header JSON is sent.
struct Accepts {
    json: bool,
    stream: bool,
}

impl Accepts {
    fn read(accept: Option<&str>) -> Self {
        let Some(accept) = accept else { return Self { json: true, stream: false } };
        let types: Vec<String> = accept.split(',').map(media_type).collect();
        let has = |wanted: &str| types.iter().any(|accepted| accepted == wanted);
        Self {
            json: has("application/json") || has("application/*") || has("*/*"),
            stream: has("text/event-stream"),
        }
    }
}

fn refuse(failure: &Failure) -> Result<Response, ApiError> {
    json(failure.status, &failure.body())
}

fn answer(message: &Value) -> Result<Response, ApiError> {
    json(200, message)
}

fn json(status: u16, message: &Value) -> Result<Response, ApiError> {
    Ok(respond::json(status, message)?.with("cache-control", "private, no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_reads_no_json_is_refused() {
        let read = |accept| {
            let Accepts { json, stream } = Accepts::read(accept);
            (json, stream)
        };
        assert_eq!(read(Some("application/json, text/event-stream")), (true, true));
        assert_eq!(read(Some("Text/Event-Stream;q=0.9 ,APPLICATION/JSON")), (true, true));
        assert_eq!(read(Some("*/*")), (true, false));
        assert_eq!(read(None), (true, false));
        assert_eq!(read(Some("text/event-stream")), (false, true));
        assert_eq!(read(Some("text/html")), (false, false));
    }
}
