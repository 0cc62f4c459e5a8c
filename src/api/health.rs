//! `GET /health`: whether the Worker runs, and with `?deep=1`, for the operator, whether everything it needs does too.

use std::future::Future;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::json;
use worker::Env;

use super::error::ApiError;
use super::{RequestContext, operator, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::health::DispatcherHealth;
use crate::config::{Config, TURNSTILE};
use crate::runtime::clock;
use crate::runtime::http::{Request, Response};
use crate::runtime::join::all;
use crate::runtime::timeout::with_timeout;
use crate::storage::records::Records;
use crate::storage::videos::Videos;
use crate::upstream::client::WiroClient;
use crate::wiro::search::{TASK_LIST, list_body, read_rows};

/// Longest time of one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The sweep runs every five minutes; two may be missed.
const MAX_SWEEP_AGE_SECONDS: i64 = 15 * 60;

pub async fn health(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    match request.parameter("deep") {
        None | Some("0" | "false") => shallow(context),
        Some(_) => {
            operator::authenticate(context, request).await?;
            deep(context).await
        }
    }
}

fn shallow(context: &RequestContext<'_>) -> Result<Response, ApiError> {
    let protection = context.protection();
    let mut body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "protection": protection });
    let turnstile = context.config.turnstile.as_ref().filter(|_| protection == TURNSTILE);
    let site_key = turnstile.and_then(|turnstile| turnstile.site_key.as_deref());
    if let (Some(site_key), Some(members)) = (site_key, body.as_object_mut()) {
        members.insert("turnstile_site_key".to_owned(), site_key.into());
    }
    Ok(respond::json(200, &body)?.with("cache-control", "no-store"))
}

#[derive(Serialize)]
struct DeepHealth {
    status: &'static str,
    version: &'static str,
    protection: &'static str,
    checks: Checks,
}

#[derive(Serialize)]
struct Checks {
    kv: Check,
    r2: Check,
    dispatcher: DispatcherCheck,
    wiro: Check,
}

#[derive(Serialize)]
struct DispatcherCheck {
    #[serde(flatten)]
    check: Check,
    #[serde(flatten)]
    found: Option<DispatcherHealth>,
}

/// What came of one check.
#[derive(Serialize)]
struct Check {
    status: &'static str,
    /// How long it took.
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Check {
    const fn is_ok(&self) -> bool {
        self.error.is_none()
    }
}

/// Asks everything that the Worker needs, at the same time. 503 if one of them has a problem.
async fn deep(context: &RequestContext<'_>) -> Result<Response, ApiError> {
    let (env, config) = (context.env, &*context.config);
    let mut found = None;
    let dispatcher = async {
        let health = DispatcherClient::new(env).map_err(text)?.health().await.map_err(text)?;
        let is_swept = sweep_error(&health, clock::now().seconds());
        found = Some(health);
        is_swept
    };
    let work: [LocalBoxFuture<'_, Result<(), String>>; 4] =
        [Box::pin(read_kv(env)), Box::pin(read_r2(env)), Box::pin(dispatcher), Box::pin(ask_wiro(config))];
    let checks = all(work.map(timed)).await;
    let Ok([kv, r2, dispatcher, wiro]) = <[Check; 4]>::try_from(checks) else {
        return Err(ApiError::Internal("a check is missing".to_owned()));
    };
    let is_ok = [&kv, &r2, &dispatcher, &wiro].iter().all(|check| check.is_ok());
    let body = DeepHealth {
        status: if is_ok { "ok" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        protection: context.protection(),
        checks: Checks { kv, r2, dispatcher: DispatcherCheck { check: dispatcher, found }, wiro },
    };
    Ok(respond::json(if is_ok { 200 } else { 503 }, &body)?.with("cache-control", "no-store"))
}

async fn timed(work: impl Future<Output = Result<(), String>>) -> Check {
    let started = clock::now();
    let outcome = with_timeout(CHECK_TIMEOUT, work).await.unwrap_or_else(|error| Err(error.to_string()));
    let ms = clock::now().since(started).get();
    Check { status: if outcome.is_ok() { "ok" } else { "error" }, ms, error: outcome.err() }
}

async fn read_kv(env: &Env) -> Result<(), String> {
    Records::new(env).map_err(text)?.check().await.map_err(text)
}

async fn read_r2(env: &Env) -> Result<(), String> {
    Videos::new(env).map_err(text)?.check().await.map_err(text)
}

/// Lists one task, which needs a valid key and costs nothing.
async fn ask_wiro(config: &Config) -> Result<(), String> {
    let answer = WiroClient::of(config).call(TASK_LIST, &list_body(0, 1)).await.map_err(text)?;
    read_rows(&answer).map(|_| ())
}

fn sweep_error(health: &DispatcherHealth, now: i64) -> Result<(), String> {
    match health.last_sweep_at {
        None => Err("there was no sweep yet: is the cron trigger set?".to_owned()),
        Some(at) if now - at > MAX_SWEEP_AGE_SECONDS => {
            Err(format!("the last sweep was {} minutes ago: is the cron trigger set?", (now - at) / 60))
        }
        Some(_) => Ok(()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
