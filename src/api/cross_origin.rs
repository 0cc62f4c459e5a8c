//! Pages of other origins: what a browser is told about every answer (CORS), and that nothing is changed for a
//! page that is not listed.

use worker::{Headers, Request, Response};

use super::{Call, header, respond};
use crate::error::ApiError;
use crate::origins::Origin;
use crate::platform::config::Config;
use crate::platform::url;

/// What a page may read beside the headers that it always may.
const EXPOSED_HEADERS: &str = "accept-ranges, content-disposition, content-range, etag, idempotent-replayed, \
                               location, preference-applied, repr-digest, retry-after, x-request-id";

/// What a page may send beside the headers that it always may.
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, if-modified-since, if-none-match, \
                               if-range, last-event-id, prefer, range, turnstile-token";

/// How long a browser need not ask again, in seconds: the longest that Chromium keeps to.
const PREFLIGHT_SECONDS: &str = "7200";

/// Refuses what a stranger's page would change, and sockets, about which no browser asks first.
pub fn check(call: &Call<'_>, request: &Request) -> Result<(), ApiError> {
    let is_harmless = matches!(request.inner().method().as_str(), "GET" | "HEAD");
    if is_harmless && header(request, "upgrade").is_none() {
        return Ok(());
    }
    refuse_strangers(request, &call.config)
}

/// The answer to a browser that asks first: what is answered at this path.
pub fn preflight(call: &Call<'_>, request: &Request, allow: &str) -> Result<Response, ApiError> {
    refuse_strangers(request, &call.config)?;
    let headers = [
        ("allow", allow),
        ("access-control-allow-methods", allow),
        ("access-control-allow-headers", ALLOWED_HEADERS),
        ("access-control-max-age", PREFLIGHT_SECONDS),
    ];
    respond::empty(204, &headers)
}

/// Adds to every answer whether a page may read it.
pub fn tell(request: &Request, config: &Config, answer: &Headers) -> worker::Result<()> {
    let origin = header(request, "origin");
    match judge(request, config, origin.as_deref()) {
        Origin::Allowed(origin) => {
            answer.set("access-control-allow-origin", origin)?;
            answer.set("access-control-expose-headers", EXPOSED_HEADERS)?;
        }
        Origin::Own | Origin::Stranger => {}
    }
    if config.allowed_origins.is_any() { Ok(()) } else { answer.append("vary", "origin") }
}

fn refuse_strangers(request: &Request, config: &Config) -> Result<(), ApiError> {
    match judge(request, config, header(request, "origin").as_deref()) {
        Origin::Stranger => Err(ApiError::OriginNotAllowed),
        Origin::Own | Origin::Allowed(_) => Ok(()),
    }
}

fn judge<'a>(request: &Request, config: &Config, origin: Option<&'a str>) -> Origin<'a> {
    let own = url::parse(&request.inner().url()).map(|url| url.origin()).unwrap_or_default();
    config.allowed_origins.judge(origin, header(request, "sec-fetch-site").as_deref(), &own)
}
