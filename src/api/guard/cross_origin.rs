//! Pages of other origins: what a browser is told about every answer (CORS), and that nothing is changed for a
//! page that is not listed.

use crate::api::error::ApiError;
use crate::api::{Call, respond};
use crate::config::Config;
use crate::http::origins::Origin;
use crate::runtime::http::{Answer, Header, Request};

/// What a page may read beside the headers that it always may.
const EXPOSED_HEADERS: &str = "accept-ranges, content-disposition, content-range, etag, idempotent-replayed, \
                               location, openai-poll-after-ms, preference-applied, repr-digest, retry-after, \
                               x-request-id, x-should-retry";

/// What a page may send beside the headers that it always may, when it does not say what it will send.
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, if-modified-since, if-none-match, \
                               if-range, last-event-id, prefer, range, turnstile-token";

/// How long a browser need not ask again, in seconds: the longest that Chromium keeps to.
const PREFLIGHT_SECONDS: &str = "7200";

/// Refuses what a stranger's page would change, and sockets, about which no browser asks first.
pub fn check(call: &Call<'_>, request: &Request) -> Result<(), ApiError> {
    let is_harmless = matches!(request.method(), "GET" | "HEAD");
    if is_harmless && request.header(Header::Upgrade).is_none() {
        return Ok(());
    }
    refuse_strangers(request, &call.config)
}

/// The answer to a browser that asks first: what is answered at this path. Any header is allowed: those that mean nothing
/// here change nothing.
pub fn preflight(call: &Call<'_>, request: &Request, allow: &str) -> Result<Answer, ApiError> {
    refuse_strangers(request, &call.config)?;
    let asked = request.header(Header::AccessControlRequestHeaders);
    let allowed = asked.as_deref().filter(|names| !names.is_empty()).unwrap_or(ALLOWED_HEADERS);
    Ok(respond::empty(204)
        .with("allow", allow)
        .with("access-control-allow-methods", allow)
        .with("access-control-allow-headers", allowed)
        .with("access-control-max-age", PREFLIGHT_SECONDS))
}

/// Adds to every answer whether a page may read it. Where any page may, the answer says so to everybody: a browser
/// keeps what a `<video>` fetched, without an `Origin`, and gives it to a page of another origin later.
pub fn tell(request: &Request, config: &Config, answer: &mut Answer) {
    let is_any = config.allowed_origins.is_any();
    let origin = match judge(request, config) {
        _ if is_any => Some("*"),
        Origin::Allowed(origin) => Some(origin),
        Origin::Own | Origin::Stranger => None,
    };
    if let Some(origin) = origin {
        answer.add("access-control-allow-origin", origin);
        answer.add("access-control-expose-headers", EXPOSED_HEADERS);
    }
    if !is_any {
        answer.add("vary", "origin");
    }
}

fn refuse_strangers(request: &Request, config: &Config) -> Result<(), ApiError> {
    match judge(request, config) {
        Origin::Stranger => Err(ApiError::OriginNotAllowed),
        Origin::Own | Origin::Allowed(_) => Ok(()),
    }
}

fn judge<'a>(request: &Request, config: &'a Config) -> Origin<'a> {
    let origin = request.header(Header::Origin);
    let site = origin.as_ref().and_then(|_| request.header(Header::SecFetchSite));
    config.allowed_origins.judge(origin.as_deref(), site.as_deref(), request.origin())
}
