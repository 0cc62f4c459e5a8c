//! A tool call is a request to our own API: it goes through the same flow as if it had come over HTTP, with the
//! caller's token and address, so that no rule exists twice.

use serde_json::{Map, Value};

use super::result::{Purpose, is_final, of_answer, of_problem, of_video};
use super::tools::Action;
use crate::api::error::ApiError;
use crate::api::route::Route;
use crate::api::{NO_SUCH_VIDEO, RequestContext, call_handler, internal, log_error};
use crate::runtime::http::{Header, Request};
use crate::runtime::{clock, fetch};

/// The caller. Its token and address go into the inner requests.
pub struct Caller {
    origin: String,
    authorization: Option<String>,
    address: Option<String>,
}

/// The contents of an inner request.
#[derive(Default)]
struct Sent<'a> {
    query: &'a str,
    body: Option<String>,
    headers: Vec<(&'a str, &'a str)>,
}

/// The time at which a waiting call must be answered.
#[derive(Clone, Copy)]
pub struct Deadline {
    millis: i64,
}

impl Deadline {
    #[must_use]
    pub fn in_seconds(seconds: u32) -> Self {
        Self { millis: clock::now().millis() + i64::from(seconds) * 1000 }
    }

    /// Rounded up.
    #[must_use]
    pub fn seconds_left(self) -> u32 {
        let millis = (self.millis - clock::now().millis()).max(0);
        u32::try_from((millis + 999) / 1000).unwrap_or_default()
    }
}

impl Caller {
    #[must_use]
    pub fn of(context: &RequestContext<'_>, request: &Request) -> Self {
        // Without client tokens it is not read.
        let is_read = context.needs_tokens();
        Self {
            origin: request.origin().to_owned(),
            authorization: request.header(Header::Authorization).filter(|_| is_read),
            address: request.header(Header::CfConnectingIp),
        }
    }

    /// The result of a tool call.
    pub async fn perform(&self, context: &RequestContext<'_>, action: &Action) -> Map<String, Value> {
        let (purpose, answer) = match action {
            Action::Create { submit, key, wait_seconds } => {
                let deadline = Deadline::in_seconds(*wait_seconds);
                let video = match self.submit(context, submit, key.as_deref()).await {
                    Ok(video) if !is_final(&video) => Ok(self.wait(context, video, deadline).await),
                    other => other,
                };
                (Some(Purpose::End), video)
            }
            Action::Wait { id, wait_seconds } => {
                (Some(Purpose::End), self.read(context, id, &format!("wait={wait_seconds}")).await)
            }
            Action::Get { id } => (Some(Purpose::Look), self.read(context, id, "").await),
            Action::Cancel { id } => {
                let video = self.send(context, "POST", Route::Cancel { id }, Sent::default()).await;
                (Some(Purpose::Look), video)
            }
            Action::List { query } => {
                (None, self.send(context, "GET", Route::List, Sent { query, ..Sent::default() }).await)
            }
            Action::Models => (None, self.send(context, "GET", Route::Models, Sent::default()).await),
            Action::Usage => (None, self.send(context, "GET", Route::Usage, Sent::default()).await),
        };
        match (answer, purpose) {
            (Ok(video), Some(purpose)) => of_video(video, purpose),
            (Ok(answer), None) => of_answer(answer),
            (Err(error), _) => failed(context, error),
        }
    }

    /// Submits, without waiting for the end.
    pub async fn submit(
        &self,
        context: &RequestContext<'_>,
        submit: &Map<String, Value>,
        key: Option<&str>,
    ) -> Result<Value, ApiError> {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let body = Some(serde_json::to_string(submit).map_err(internal)?);
        self.send(context, "POST", Route::Submit, Sent { body, headers, ..Sent::default() }).await
    }

    /// Reads a video with such a preference.
    pub async fn read(
        &self,
        context: &RequestContext<'_>,
        id: &str,
        prefer: &str,
    ) -> Result<Value, ApiError> {
        let sent = Sent { headers: vec![("prefer", prefer)], ..Sent::default() };
        self.send(context, "GET", Route::Status { id }, sent).await
    }

    /// Waits until the submitted video has ended or the deadline has passed. If the video cannot be read, the result is
    /// the submitted video, because the caller needs its id.
    async fn wait(&self, context: &RequestContext<'_>, video: Value, deadline: Deadline) -> Value {
        let id = video.get("id").and_then(Value::as_str).unwrap_or_default();
        match deadline.seconds_left() {
            0 => video,
            seconds => match self.read(context, id, &format!("wait={seconds}")).await {
                Ok(video) => video,
                Err(error) => {
                    log_error(error, &context.request_id);
                    video
                }
            },
        }
    }

    async fn send(
        &self,
        context: &RequestContext<'_>,
        method: &str,
        route: Route<'_>,
        sent: Sent<'_>,
    ) -> Result<Value, ApiError> {
        let Sent { query, body, mut headers } = sent;
        let authorization = self.authorization.as_deref().map(|token| ("authorization", token));
        let address = self.address.as_deref().map(|address| ("cf-connecting-ip", address));
        headers.extend([authorization, address].into_iter().flatten());
        // Handlers read only the query of the URL.
        let url = format!("{}/?{query}", self.origin);
        let request = fetch::request(method, &url, &headers, body.map(Into::into).as_ref())?;
        let request = Request::read(request).ok_or(NO_SUCH_VIDEO)?;
        let answer = call_handler(context, &request, route)?.await?;
        serde_json::from_slice(answer.bytes().unwrap_or_default()).map_err(internal)
    }
}

/// The result of a call that the API refused.
pub fn failed(context: &RequestContext<'_>, error: ApiError) -> Map<String, Value> {
    let problem = log_error(error, &context.request_id);
    let retry_after = problem.headers.iter().find(|(name, _)| *name == "retry-after");
    let body = serde_json::from_str(&problem.body(&context.request_id)).unwrap_or_default();
    of_problem(&body, retry_after.map(|(_, seconds)| seconds.as_str()))
}
