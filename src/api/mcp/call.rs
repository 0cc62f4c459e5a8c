//! A tool call is a request to our own API: it goes through the same flow as if it had come over HTTP, with the
//! caller's token and address, so that no rule exists twice.

use serde_json::{Map, Value};

use super::result::{Purpose, of_answer, of_problem, of_video};
use super::tools::Action;
use crate::api::error::ApiError;
use crate::api::route::Route;
use crate::api::{Call, NO_SUCH_VIDEO, flow, internal, log_failure};
use crate::runtime::fetch;
use crate::runtime::http::{Header, Request};

/// Whose calls they are.
pub struct Caller {
    origin: String,
    authorization: Option<String>,
    address: Option<String>,
}

/// A request to the API.
#[derive(Default)]
struct Inner<'a> {
    method: &'a str,
    query: &'a str,
    body: Option<String>,
    headers: Vec<(&'a str, &'a str)>,
}

impl Caller {
    #[must_use]
    pub fn of(call: &Call<'_>, request: &Request) -> Self {
        // Without client tokens nobody reads one.
        let is_read = call.config.clients.is_some();
        Self {
            origin: request.origin().to_owned(),
            authorization: request.header(Header::Authorization).filter(|_| is_read),
            address: request.header(Header::CfConnectingIp),
        }
    }

    /// The result of a tool call.
    pub async fn perform(&self, call: &Call<'_>, action: &Action) -> Map<String, Value> {
        let answer = match action {
            Action::Create { submit, key, wait_seconds } => {
                self.create(call, submit, key.as_deref(), *wait_seconds).await
            }
            Action::Wait { id, wait_seconds } => self.read(call, id, &wait(*wait_seconds)).await,
            Action::Get { id } => self.read(call, id, "").await,
            Action::Cancel { id } => {
                let inner = Inner { method: "POST", ..Inner::default() };
                self.send(call, Route::Cancel { id }, inner).await
            }
            Action::List { query } => {
                self.send(call, Route::List, Inner { method: "GET", query, ..Inner::default() }).await
            }
            Action::Models => {
                self.send(call, Route::Models, Inner { method: "GET", ..Inner::default() }).await
            }
            Action::Usage => self.send(call, Route::Usage, Inner { method: "GET", ..Inner::default() }).await,
        };
        match (answer, action) {
            (Ok(video), Action::Create { .. } | Action::Wait { .. }) => of_video(video, Purpose::End),
            (Ok(video), Action::Get { .. } | Action::Cancel { .. }) => of_video(video, Purpose::Look),
            (Ok(answer), Action::List { .. } | Action::Models | Action::Usage) => of_answer(answer),
            (Err(error), _) => failed(call, error),
        }
    }

    /// Submits, and waits so long.
    pub async fn create(
        &self,
        call: &Call<'_>,
        submit: &Map<String, Value>,
        key: Option<&str>,
        wait_seconds: u32,
    ) -> Result<Value, ApiError> {
        let wait = wait(wait_seconds);
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        headers.extend((!wait.is_empty()).then_some(("prefer", wait.as_str())));
        let body = serde_json::to_string(submit).map_err(internal)?;
        self.send(
            call,
            Route::Submit,
            Inner { method: "POST", body: Some(body), headers, ..Inner::default() },
        )
        .await
    }

    /// Reads a video with such a preference.
    pub async fn read(&self, call: &Call<'_>, id: &str, prefer: &str) -> Result<Value, ApiError> {
        let headers = if prefer.is_empty() { Vec::new() } else { vec![("prefer", prefer)] };
        self.send(call, Route::Status { id }, Inner { method: "GET", headers, ..Inner::default() }).await
    }

    async fn send(&self, call: &Call<'_>, route: Route<'_>, inner: Inner<'_>) -> Result<Value, ApiError> {
        let Inner { method, query, body, mut headers } = inner;
        let authorization = self.authorization.as_deref().map(|token| ("authorization", token));
        let address = self.address.as_deref().map(|address| ("cf-connecting-ip", address));
        headers.extend([authorization, address].into_iter().flatten());
        // The route is known; of the URL only the query is read.
        let url = format!("{}/?{query}", self.origin);
        let request = fetch::request(method, &url, &headers, body.map(Into::into).as_ref())?;
        let request = Request::read(request).ok_or(NO_SUCH_VIDEO)?;
        let answer = flow(call, &request, route)?.await?;
        serde_json::from_slice(answer.bytes().unwrap_or_default()).map_err(internal)
    }
}

/// The result of a call that the API refused.
pub fn failed(call: &Call<'_>, error: ApiError) -> Map<String, Value> {
    let problem = log_failure(error, &call.request_id);
    let retry_after = problem.headers.iter().find(|(name, _)| *name == "retry-after");
    let body = serde_json::from_str(&problem.body(&call.request_id)).unwrap_or_default();
    of_problem(&body, retry_after.map(|(_, seconds)| seconds.as_str()))
}

/// The preference to wait so long for the end; none for no time.
fn wait(seconds: u32) -> String {
    if seconds == 0 { String::new() } else { format!("wait={seconds}") }
}
