//! The public API: one file for each group of endpoints, each reading top to bottom as the flow it
//! serves, and what they share.

mod cancel;
mod content;
mod delete;
mod error;
mod events;
mod files;
mod form;
mod guard;
mod list;
mod mcp;
mod models;
mod operator;
mod respond;
pub mod route;
mod status;
mod submission;
mod submit;
mod usage;
mod webhook;

use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::{Value, json};
use worker::Env;
use worker::wasm_bindgen::JsValue;
use worker::web_sys;

use crate::api::error::{ApiError, Problem};
use crate::api::route::{NoRoute, Route, route};
use crate::calls::task::VideoTaskClient;
use crate::calls::task::{Message, Reply};
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::http::{Answer, Header, Request};
use crate::runtime::log::{self, Level};
use crate::runtime::streams::Drain;
use crate::storage::records::Records;
use crate::storage::videos::Videos;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::Record;
use crate::video::record::public::Video;
use crate::video::record::text::status_of;

/// What clients that ask again should wait, in seconds.
const RETRY_AFTER_SECONDS: u32 = 3;

/// What a flow works with.
struct Call<'a> {
    config: Rc<Config>,
    env: &'a Env,
    /// Where the public reaches this Worker, without a trailing slash.
    origin: String,
    request_id: String,
}

/// Answers one request; every failure becomes a problem document.
///
/// # Errors
/// Only when the runtime cannot even make a response.
pub async fn serve(request: web_sys::Request, env: &Env) -> Result<web_sys::Response, JsValue> {
    let request = Request::read(request).ok_or("the request has no URL")?;
    let request_id = request_id();
    let outcome = dispatch(&request, env, &request_id).await;
    // Before the answer, which is lost where the connection is closed over a body that nobody reads.
    let mut answer = outcome.unwrap_or_else(|error| failed(error, &request_id));
    let is_refusal = matches!(answer.status, 401 | 403 | 404 | 405 | 429);
    request.drain(if is_refusal { Drain::Refused } else { Drain::Served }).await;
    if request.is_head() {
        answer.drop_body();
    }
    answer.add("x-request-id", &request_id);
    answer.add("x-content-type-options", "nosniff");
    if let Ok(config) = Config::of(env) {
        guard::cross_origin::tell(&request, &config, &mut answer);
    }
    answer.send()
}

/// The answer to a request that failed. Not inlined, so that those that succeed need not have it compiled.
#[inline(never)]
fn failed(error: ApiError, request_id: &str) -> Answer {
    respond::problem(&log_failure(error, request_id), request_id)
}

/// The public side of an error. Its cause is logged where it is ours.
fn log_failure(error: ApiError, request_id: &str) -> Problem {
    let cause = error.to_string();
    let problem = error.problem();
    if problem.status >= 500 {
        let fields = [
            ("request_id", json!(request_id)),
            ("status", json!(problem.status)),
            ("error", Value::String(cause)),
        ];
        log::write(Level::Error, "a request failed", fields);
    }
    problem
}

async fn dispatch(request: &Request, env: &Env, request_id: &str) -> Result<Answer, ApiError> {
    let config = Config::of(env).map_err(|error| ApiError::Misconfigured(error.to_string()))?;
    let origin = config.public_url.clone().unwrap_or_else(|| request.origin().to_owned());
    let call = Call { config, env, origin, request_id: request_id.to_owned() };
    let route = route(request.method(), request.path());
    if !matches!(route, Ok(Route::Health)) {
        guard::limits::visit(&call, request).await?;
    }
    match route {
        Ok(route) => flow(&call, request, route)?.await,
        Err(NoRoute::NotFound) => Err(NOTHING_HERE),
        Err(NoRoute::MethodNotAllowed { allow }) if request.method() == "OPTIONS" => {
            guard::cross_origin::preflight(&call, request, allow)
        }
        Err(NoRoute::MethodNotAllowed { allow }) => Err(ApiError::MethodNotAllowed { allow }),
    }
}

/// What answers a route. Each flow is boxed, and so a function of its own: the runtime compiles a function when it is
/// first called, and the first request of an isolate must not wait for flows that it does not go through.
fn flow<'a>(
    call: &'a Call<'a>,
    request: &'a Request,
    route: Route<'a>,
) -> Result<LocalBoxFuture<'a, Result<Answer, ApiError>>, ApiError> {
    Ok(match route {
        Route::Health => ready(respond::health(&call.config)).boxed_local(),
        Route::Submit => submit::submit(call, request).boxed_local(),
        Route::Upload => files::upload(call, request).boxed_local(),
        Route::List => list::list(call, request, call.client(request)?).boxed_local(),
        Route::Usage => usage::usage(call, call.client(request)?).boxed_local(),
        Route::Mcp => mcp::serve(call, request).boxed_local(),
        Route::Models => models::list(call, request).boxed_local(),
        Route::Model { name } => models::read(call, request, name).boxed_local(),
        Route::Unsupported => ready(Err(NO_VIDEO_OF_A_VIDEO)).boxed_local(),
        Route::Status { id } => status::status(call, request, call.own(request, id)?).boxed_local(),
        Route::Delete { id } => delete::delete(call, call.own(request, id)?).boxed_local(),
        Route::Content { id } => content::content(call, request, id).boxed_local(),
        Route::Events { id } => events::events(call, request, call.own(request, id)?).boxed_local(),
        Route::Cancel { id } => cancel::cancel(call, call.own(request, id)?).boxed_local(),
        Route::Inspect { id } => operator::inspect(call, request, id).boxed_local(),
        Route::Redrive { id } => operator::redrive(call, request, id).boxed_local(),
        Route::WiroCallback { id, proof } => webhook::wiro_callback(call, request, id, proof).boxed_local(),
    })
}

/// A video of the caller's: nobody else gets as far as this.
struct Own {
    owner: Owner,
    id: VideoId,
}

impl Call<'_> {
    /// Who asks. A stranger's page that would change something is turned away, and, where there are client
    /// tokens, whoever shows none of them.
    fn client(&self, request: &Request) -> Result<Owner, ApiError> {
        guard::cross_origin::check(self, request)?;
        let Some(clients) = &self.config.clients else { return Ok(Owner::nobody()) };
        let shown = request.header(Header::Authorization);
        shown.and_then(|header| clients.authorized(&header).cloned()).ok_or(SHOW_A_TOKEN)
    }

    /// An id that we made for whoever asks; touches no storage.
    fn own(&self, request: &Request, text: &str) -> Result<Own, ApiError> {
        let owner = self.client(request)?;
        let id = self.config.signing_keys.verify_id(&owner, text).ok_or(NO_SUCH_VIDEO)?;
        Ok(Own { owner, id })
    }

    /// The Video as its owner sees it.
    fn shown(&self, owner: &Owner, record: Record) -> Video {
        let keys = &self.config.signing_keys;
        let grant = keys.grant(owner, &record.id, record.created_at, clock::now());
        Video::of(record, &self.origin, grant.as_deref())
    }

    /// The JSON of a video's record as it stands: KV's if it is final there, else its object's, which always
    /// knows, asked in these words.
    async fn record(&self, id: &VideoId, question: &Message) -> Result<String, ApiError> {
        let published = Records::new(self.env)?.get(id).await;
        let error = match published {
            Ok(None) => None,
            Ok(Some(record)) => match status_of(&record) {
                Some(status) if status.is_final() => return Ok(record),
                Some(_) => None,
                None => Some("it is none".to_owned()),
            },
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = error {
            let fields = [("video.id", json!(id)), ("error", json!(error))];
            log::write(Level::Warn, "the record cannot be read", fields);
        }
        let record = VideoTaskClient::new(self.env)?.record(id, question).await.map_err(internal)?;
        record.ok_or(NO_SUCH_VIDEO)
    }

    async fn ask(&self, id: &VideoId, message: &Message) -> Result<Reply, ApiError> {
        VideoTaskClient::new(self.env)?.send(id, message).await.map_err(internal)
    }

    fn videos(&self) -> Result<Videos, ApiError> {
        Ok(Videos::new(self.env)?)
    }
}

const SHOW_A_TOKEN: ApiError = ApiError::Unauthorized("Send a valid token as Authorization: Bearer <token>.");

const NOTHING_HERE: ApiError = ApiError::NotFound("There is nothing at this path.");

const NO_VIDEO_OF_A_VIDEO: ApiError = ApiError::Unsupported(
    "Videos are not made of videos or characters here: submit a prompt, perhaps with a first frame.",
);

const NO_SUCH_VIDEO: ApiError = ApiError::NotFound("There is no such video.");

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn internal(error: impl ToString) -> ApiError {
    ApiError::Internal(error.to_string())
}

impl From<worker::Error> for ApiError {
    fn from(error: worker::Error) -> Self {
        internal(error)
    }
}

fn request_id() -> String {
    // Without randomness a request still deserves an answer.
    let random = clock::random::<12>().unwrap_or_default();
    format!("req_{}", hex::encode(random))
}
