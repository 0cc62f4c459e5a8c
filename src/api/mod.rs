//! The public API. Each group of endpoints has one file, which reads from top to bottom in the order of the steps.

mod cancel;
mod content;
mod delete;
mod deliveries;
mod error;
mod events;
mod files;
mod form;
mod guard;
mod health;
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
use crate::calls::clients::managed_clients;
use crate::calls::task::VideoTaskClient;
use crate::calls::task::{Message, Reply};
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::http::{Request, Response};
use crate::runtime::log::{self, Level};
use crate::runtime::streams::Drain;
use crate::storage::media;
use crate::storage::records::Records;
use crate::storage::videos::Videos;
use crate::video::access::managed_clients::ManagedClients;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::Record;
use crate::video::record::public::{PublicOrigin, Video};
use crate::video::record::text::status_of;

/// The `Retry-After` of clients that poll, in seconds.
const RETRY_AFTER_SECONDS: u32 = 3;

/// What the handler of a request needs.
struct RequestContext<'a> {
    config: Rc<Config>,
    env: &'a Env,
    origin: PublicOrigin,
    request_id: String,
    /// The clients that are managed at run time; `None` if they are needed and cannot be read.
    managed_clients: Option<Rc<ManagedClients>>,
}

/// Answers one request. Every error becomes a problem document.
///
/// # Errors
/// If the runtime cannot create a response.
pub async fn serve(request: web_sys::Request, env: &Env) -> Result<web_sys::Response, JsValue> {
    let request = Request::read(request).ok_or("the request has no URL")?;
    let request_id = request_id();
    let outcome = handle(&request, env, &request_id).await;
    // The rest of the body is read before the response is sent, because a connection that is closed with an unread
    // body loses the response.
    let mut response = outcome.unwrap_or_else(|error| error_response(error, &request_id));
    let is_refusal = matches!(response.status, 401 | 403 | 404 | 405 | 429);
    request.drain(if is_refusal { Drain::Refused } else { Drain::Served }).await;
    if request.is_head() {
        response.drop_body();
    }
    response.add("x-request-id", &request_id);
    response.add("x-content-type-options", "nosniff");
    if let Ok(config) = Config::of(env) {
        guard::cross_origin::add_cors_headers(&request, &config, &mut response);
    }
    response.send()
}

/// The response to a failed request. Not inlined, so that the runtime compiles it only when a request fails.
#[inline(never)]
fn error_response(error: ApiError, request_id: &str) -> Response {
    respond::problem(&log_error(error, request_id), request_id)
}

/// The public part of an error. The log gets the cause of a server error.
fn log_error(error: ApiError, request_id: &str) -> Problem {
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

async fn handle(request: &Request, env: &Env, request_id: &str) -> Result<Response, ApiError> {
    let config = Config::of(env).map_err(|error| ApiError::Misconfigured(error.to_string()))?;
    let url = config.public_url.clone().unwrap_or_else(|| request.origin().to_owned());
    let origin = PublicOrigin { url, has_thumbnails: media::is_bound(env) };
    let request_id = request_id.to_owned();
    let mut context =
        RequestContext { config, env, origin, request_id, managed_clients: Some(Rc::default()) };
    let route = route(request.method(), request.path());
    if !matches!(route, Ok(Route::Health)) {
        guard::limits::check_request(&context, request).await?;
    }
    if context.config.operator_token.is_some() && route.is_ok_and(|route| route.needs_clients()) {
        context.managed_clients = managed_clients(env).await;
        context.warn_if_unprotected();
    }
    match route {
        Ok(route) => call_handler(&context, request, route)?.await,
        Err(NoRoute::NotFound) => Err(NOTHING_HERE),
        Err(NoRoute::MethodNotAllowed { allow }) if request.method() == "OPTIONS" => {
            guard::cross_origin::preflight(&context, request, allow)
        }
        Err(NoRoute::MethodNotAllowed { allow }) => Err(ApiError::MethodNotAllowed { allow }),
    }
}

/// Calls the handler of a route. Each handler is boxed, which makes it a function of its own: the runtime compiles a
/// function on its first call, and the first request of an isolate must not wait for other handlers.
fn call_handler<'a>(
    context: &'a RequestContext<'a>,
    request: &'a Request,
    route: Route<'a>,
) -> Result<LocalBoxFuture<'a, Result<Response, ApiError>>, ApiError> {
    Ok(match route {
        Route::Health => health::health(context, request).boxed_local(),
        Route::Submit => submit::submit(context, request).boxed_local(),
        Route::Upload => files::upload(context, request).boxed_local(),
        Route::List => list::list(context, request, context.authenticate(request)?).boxed_local(),
        Route::Usage => usage::usage(context, context.authenticate(request)?).boxed_local(),
        Route::Mcp => mcp::serve(context, request).boxed_local(),
        Route::Models => models::list(context, request).boxed_local(),
        Route::Model { name } => models::read(context, request, name).boxed_local(),
        Route::Unsupported => ready(Err(ONLY_FROM_PROMPTS)).boxed_local(),
        Route::Status { id } => {
            status::status(context, request, context.authorize(request, id)?).boxed_local()
        }
        Route::Delete { id } => delete::delete(context, context.authorize(request, id)?).boxed_local(),
        Route::Content { id } => content::content(context, request, id).boxed_local(),
        Route::Events { id } => events::events(context, request, id).boxed_local(),
        Route::Cancel { id } => cancel::cancel(context, context.authorize(request, id)?).boxed_local(),
        Route::Deliveries { id } => {
            deliveries::deliveries(context, context.authorize(request, id)?).boxed_local()
        }
        Route::ListAll => operator::videos::list(context, request).boxed_local(),
        Route::OperatorUsage => operator::usage::usage(context, request).boxed_local(),
        Route::Inspect { id } => operator::inspect::inspect(context, request, id).boxed_local(),
        Route::OperatorContent { id } => operator::inspect::content(context, request, id).boxed_local(),
        Route::ActOnOne { action, id } => operator::act::one(context, request, action, id).boxed_local(),
        Route::ActOnMany { action } => operator::act::many(context, request, action).boxed_local(),
        Route::TestWebhook => operator::webhook_test::send_test(context, request).boxed_local(),
        Route::ListClients => operator::clients::list(context, request).boxed_local(),
        Route::CreateClient => operator::clients::create(context, request).boxed_local(),
        Route::ChangeClient { name } => operator::clients::change(context, request, name).boxed_local(),
        Route::RemoveClient { name } => operator::clients::remove(context, request, name).boxed_local(),
        Route::RotateClient { name } => operator::clients::rotate(context, request, name).boxed_local(),
        Route::Pause => operator::pause::set(context, request, true).boxed_local(),
        Route::Resume => operator::pause::set(context, request, false).boxed_local(),
        Route::WiroCallback { id, proof } => {
            webhook::wiro_callback(context, request, id, proof).boxed_local()
        }
    })
}

/// The id of a video that the caller owns.
struct AuthorizedVideo {
    owner: Owner,
    id: VideoId,
}

impl RequestContext<'_> {
    /// Verifies that the caller owns the video, by the proof in its id, without reading storage.
    fn authorize(&self, request: &Request, text: &str) -> Result<AuthorizedVideo, ApiError> {
        let owner = self.authenticate(request)?;
        let id = self.config.signing_keys.verify_id(&owner, text).ok_or(NO_SUCH_VIDEO)?;
        Ok(AuthorizedVideo { owner, id })
    }

    /// The Video as JSON of the API.
    fn to_video(&self, owner: &Owner, record: Record) -> Video {
        let keys = &self.config.signing_keys;
        let grants = keys.grants(owner, &record.id, record.created_at, clock::now());
        Video::of(record, &self.origin, grants.as_ref())
    }

    /// The current record of a video as JSON: from KV if it is final there, otherwise from the video's object, which gets
    /// this message.
    async fn record(&self, id: &VideoId, message: &Message) -> Result<String, ApiError> {
        let published = Records::new(self.env)?.get(id).await;
        let error = match published {
            Ok(None) => None,
            Ok(Some(record)) => match status_of(&record) {
                Some(status) if status.is_final() => return Ok(record),
                Some(_) => None,
                None => Some("it is not a record".to_owned()),
            },
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = error {
            let fields = [("video.id", json!(id)), ("error", json!(error))];
            log::write(Level::Warn, "the record cannot be read", fields);
        }
        let record = VideoTaskClient::new(self.env)?.record(id, message).await.map_err(internal)?;
        record.ok_or(NO_SUCH_VIDEO)
    }

    async fn ask(&self, id: &VideoId, message: &Message) -> Result<Reply, ApiError> {
        VideoTaskClient::new(self.env)?.send(id, message).await.map_err(internal)
    }

    fn videos(&self) -> Result<Videos, ApiError> {
        Ok(Videos::new(self.env)?)
    }
}

const TOKEN_REQUIRED: ApiError =
    ApiError::Unauthorized("Send a valid token as Authorization: Bearer <token>.");

const NOTHING_HERE: ApiError = ApiError::NotFound("There is nothing at this path.");

const ONLY_FROM_PROMPTS: ApiError = ApiError::Unsupported(
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
    // Without randomness the request is still answered.
    let random = clock::random::<12>().unwrap_or_default();
    format!("req_{}", hex::encode(random))
}
