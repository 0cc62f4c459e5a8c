//! The public API: one file for each group of endpoints, each reading top to bottom as the flow it
//! serves, and what they share.

mod cancel;
mod challenge;
mod content;
mod cross_origin;
mod delete;
mod events;
mod files;
mod form;
mod limits;
mod list;
mod operator;
mod respond;
mod status;
mod submission;
mod submit;
mod usage;
mod webhook;

use std::rc::Rc;

use serde_json::{Value, json};
use worker::{Env, Request, Response};

use crate::error::ApiError;
use crate::platform::clock;
use crate::platform::config::Config;
use crate::platform::log::{self, Level};
use crate::platform::records::Records;
use crate::platform::streams::drain;
use crate::platform::task_object::{Message, Reply};
use crate::platform::tasks::Tasks;
use crate::platform::url;
use crate::platform::videos::Videos;
use crate::route::{NoRoute, Route, route};
use crate::video::id::VideoId;
use crate::video::owner::Owner;
use crate::video::record::Record;

/// What clients that ask again should wait, in seconds.
const RETRY_AFTER_SECONDS: u32 = 3;

/// What a flow works with.
struct Call<'a> {
    config: Rc<Config>,
    env: &'a Env,
    /// Where the public reaches this Worker, without a trailing slash.
    origin: String,
}

/// Answers one request; every failure becomes a problem document.
///
/// # Errors
/// Only when the runtime cannot even make a response.
pub async fn serve(request: Request, env: &Env) -> worker::Result<Response> {
    let request_id = request_id();
    let answer = match dispatch(&request, env).await {
        Ok(response) => response,
        Err(error) => {
            if let Some(body) = request.inner().body() {
                drain(&body).await;
            }
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
            respond::problem(&problem, &request_id)?
        }
    };
    answer.headers().set("x-request-id", &request_id)?;
    answer.headers().set("x-content-type-options", "nosniff")?;
    if let Ok(config) = Config::of(env) {
        cross_origin::tell(&request, &config, answer.headers())?;
    }
    Ok(answer)
}

async fn dispatch(request: &Request, env: &Env) -> Result<Response, ApiError> {
    let url = url::parse(&request.inner().url()).ok_or_else(|| internal("the request's URL is none"))?;
    let method = request.inner().method();
    let config = Config::of(env).map_err(|error| ApiError::Misconfigured(error.to_string()))?;
    let origin = config.public_url.clone().unwrap_or_else(|| url.origin());
    let call = Call { config, env, origin };
    let route = route(&method, &url.path);
    if !matches!(route, Ok(Route::Health)) {
        limits::visit(&call, request).await?;
    }
    match route {
        Ok(Route::Health) => respond::health(&call.config),
        Ok(Route::Submit) => submit::submit(&call, request, &call.spender(request).await?).await,
        Ok(Route::Upload) => {
            call.spender(request).await?;
            challenge::check(&call, request).await?.passed()?;
            files::upload(&call, request).await
        }
        Ok(Route::List) => list::list(&call, &url.query, &call.client(request)?).await,
        Ok(Route::Usage) => usage::usage(&call, &call.client(request)?).await,
        Ok(Route::Status { id }) => status::status(&call, request, &call.own(request, id)?).await,
        Ok(Route::Delete { id }) => delete::delete(&call, &call.own(request, id)?).await,
        Ok(Route::Content { id }) => content::content(&call, request, &url.query, id).await,
        Ok(Route::Events { id }) => events::events(&call, request, &url.query, &call.own(request, id)?).await,
        Ok(Route::Cancel { id }) => cancel::cancel(&call, &call.own(request, id)?).await,
        Ok(Route::Inspect { id }) => operator::inspect(&call, request, id).await,
        Ok(Route::Redrive { id }) => operator::redrive(&call, request, id).await,
        Ok(Route::WiroCallback { id, proof }) => webhook::wiro_callback(&call, request, id, proof).await,
        Err(NoRoute::NotFound) => Err(NOTHING_HERE),
        Err(NoRoute::MethodNotAllowed { allow }) if method == "OPTIONS" => {
            cross_origin::preflight(&call, request, allow)
        }
        Err(NoRoute::MethodNotAllowed { allow }) => Err(ApiError::MethodNotAllowed { allow }),
    }
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
        cross_origin::check(self, request)?;
        let Some(clients) = &self.config.clients else { return Ok(Owner::nobody()) };
        let shown = header(request, "authorization");
        shown.and_then(|header| clients.authorized(&header).cloned()).ok_or(SHOW_A_TOKEN)
    }

    /// Who asks for what costs money, and not too often.
    async fn spender(&self, request: &Request) -> Result<Owner, ApiError> {
        let owner = self.client(request)?;
        limits::submit(self, request, &owner).await?;
        Ok(owner)
    }

    /// An id that we made for whoever asks; touches no storage.
    fn own(&self, request: &Request, text: &str) -> Result<Own, ApiError> {
        let owner = self.client(request)?;
        let id = self.config.signing_keys.verify_id(&owner, text).ok_or(NO_SUCH_VIDEO)?;
        Ok(Own { owner, id })
    }

    /// The Video as its owner sees it.
    fn shown(&self, owner: &Owner, record: Record) -> Record {
        let grant = self.config.signing_keys.grant(owner, &record.id, clock::now());
        record.shown_at(&self.origin, grant.as_deref())
    }

    /// The video as it stands: KV if it is final there, else its object, which always knows, asked in
    /// these words.
    async fn record(&self, id: &VideoId, question: &Message) -> Result<Record, ApiError> {
        match Records::new(self.env)?.get(id).await {
            Ok(Some(record)) if record.status.is_final() => return Ok(record),
            Ok(_) => {}
            Err(error) => {
                let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
                log::write(Level::Warn, "the record cannot be read", fields);
            }
        }
        match self.ask(id, question).await? {
            Reply::Video(record) => Ok(record),
            _ => Err(NO_SUCH_VIDEO),
        }
    }

    async fn ask(&self, id: &VideoId, message: &Message) -> Result<Reply, ApiError> {
        Tasks::new(self.env)?.send(id, message).await.map_err(internal)
    }

    fn videos(&self) -> Result<Videos, ApiError> {
        Ok(Videos::new(self.env)?)
    }
}

const SHOW_A_TOKEN: ApiError = ApiError::Unauthorized("Send a valid token as Authorization: Bearer <token>.");

const NOTHING_HERE: ApiError = ApiError::NotFound("There is nothing at this path.");

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
    format!("req_{}", base16ct::lower::encode_string(&random))
}

/// The value of a query's parameter as it is written there; ids and numbers need no escapes.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    values.into_iter().find_map(|(known, value)| (known == name).then_some(value))
}

/// A request header as text; unreadable ones count as absent.
fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}
