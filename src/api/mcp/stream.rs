//! A call with progress notifications: the response is a stream of them, with the result at the end. If the client
//! disconnects, only the stream ends.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::call::{Caller, Deadline, failed};
use super::message::Request;
use super::reply::{KEEP_ALIVE, event, progress_notification, response};
use super::result::{Progress, Purpose, is_final, of_video};
use crate::api::error::ApiError;
use crate::api::{RequestContext, internal};
use crate::runtime::executor::spawn;
use crate::runtime::http::{Body, Response};
use crate::runtime::streams::{Pipe, StreamError, Writer, chunk_of};

/// The longest wait for a change of status or stage. The percentage also rises without such a change, so it is read again
/// after this time.
const QUESTION_SECONDS: u32 = 5;

/// A stream that follows `video` until the deadline.
pub fn follow(
    context: &RequestContext<'_>,
    caller: Caller,
    request: Request,
    video: Value,
    deadline: Deadline,
) -> Result<Response, ApiError> {
    let Pipe { readable, writer } = Pipe::open().map_err(internal)?;
    let (config, env) = (Rc::clone(&context.config), context.env.clone());
    let (origin, request_id) = (context.origin.clone(), context.request_id.clone());
    let managed_clients = context.managed_clients.clone();
    spawn(async move {
        let context = RequestContext { config, env: &env, origin, request_id, managed_clients };
        let following = Following { context: &context, caller: &caller, request: &request, writer: &writer };
        // Writing fails if the client has disconnected.
        if following.run(video, deadline).await.is_ok() {
            let _ = writer.close().await;
        }
    });
    Ok(event_stream(Body::Stream(readable)))
}

pub fn event_stream(body: Body) -> Response {
    Response::new(200, body)
        .with("content-type", "text/event-stream; charset=utf-8")
        .with("cache-control", "no-cache, no-transform")
        .with("x-accel-buffering", "no")
}

struct Following<'a> {
    context: &'a RequestContext<'a>,
    caller: &'a Caller,
    request: &'a Request,
    writer: &'a Writer,
}

impl Following<'_> {
    async fn run(&self, video: Value, deadline: Deadline) -> Result<(), StreamError> {
        let result = self.watch(video, deadline).await?;
        self.write(&event(&response(self.request, result))).await
    }

    /// Notifies of each change until the video has ended or the deadline has passed. Returns the result of the call.
    async fn watch(&self, mut video: Value, deadline: Deadline) -> Result<Map<String, Value>, StreamError> {
        let id = video.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut progress = Progress::default();
        loop {
            self.notify(progress.of(&video)).await?;
            let left = deadline.seconds_left();
            if is_final(&video) || left == 0 {
                return Ok(of_video(video, Purpose::End));
            }
            let prefer = format!("wait={}; until=change", left.min(QUESTION_SECONDS));
            video = match self.caller.read(self.context, &id, &prefer).await {
                Ok(video) => video,
                Err(error) => return Ok(failed(self.context, error)),
            };
        }
    }

    async fn notify(&self, progress: Option<(f64, String)>) -> Result<(), StreamError> {
        match (progress, &self.request.progress_token) {
            (Some((progress, message)), Some(token)) => {
                self.write(&event(&progress_notification(token, progress, &message))).await
            }
            _ => self.write(KEEP_ALIVE).await,
        }
    }

    async fn write(&self, text: &str) -> Result<(), StreamError> {
        self.writer.write(&chunk_of(text)).await
    }
}
