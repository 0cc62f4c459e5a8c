//! CORS headers and preflight requests. A page of an origin that is not allowed cannot change anything.

use crate::api::error::ApiError;
use crate::api::{RequestContext, respond};
use crate::config::Config;
use crate::http::origins::Origin;
use crate::runtime::http::{Header, Request, Response};

/// The response headers that a page may read, besides those that CORS always allows.
const EXPOSED_HEADERS: &str = "accept-ranges, content-disposition, content-range, etag, idempotent-replayed, \
                               location, openai-poll-after-ms, preference-applied, repr-digest, retry-after, \
                               x-request-id, x-should-retry";

/// The request headers that a page may send if its preflight names none, besides those that CORS always allows.
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, if-modified-since, if-none-match, \
                               if-range, last-event-id, prefer, range, turnstile-token";

/// How long a browser may cache a preflight, in seconds. This is the maximum of Chromium.
const PREFLIGHT_SECONDS: &str = "7200";

/// Refuses changes and `WebSocket` connections from pages of an origin that is not allowed. Browsers send no preflight for a
/// WebSocket.
pub fn check(context: &RequestContext<'_>, request: &Request) -> Result<(), ApiError> {
    let is_read_only = matches!(request.method(), "GET" | "HEAD");
    if is_read_only && request.header(Header::Upgrade).is_none() {
        return Ok(());
    }
    require_allowed_origin(request, &context.config)
}

/// Answers a preflight with the methods of this path. All request headers are allowed, because unknown ones have no
/// effect.
pub fn preflight(context: &RequestContext<'_>, request: &Request, allow: &str) -> Result<Response, ApiError> {
    require_allowed_origin(request, &context.config)?;
    let asked = request.header(Header::AccessControlRequestHeaders);
    let allowed = asked.as_deref().filter(|names| !names.is_empty()).unwrap_or(ALLOWED_HEADERS);
    Ok(respond::empty(204)
        .with("allow", allow)
        .with("access-control-allow-methods", allow)
        .with("access-control-allow-headers", allowed)
        .with("access-control-max-age", PREFLIGHT_SECONDS))
}

/// Adds the CORS headers to a response. If every origin is allowed, requests without `Origin` get them too: a browser
/// caches the response to a `<video>`, which sends no `Origin`, and may use it for a page of another origin later.
pub fn add_cors_headers(request: &Request, config: &Config, response: &mut Response) {
    let is_any = config.allowed_origins.is_any();
    let origin = match classify(request, config) {
        _ if is_any => Some("*"),
        Origin::Allowed(origin) => Some(origin),
        Origin::Own | Origin::Disallowed => None,
    };
    if let Some(origin) = origin {
        response.add("access-control-allow-origin", origin);
        response.add("access-control-expose-headers", EXPOSED_HEADERS);
    }
    if !is_any {
        response.add("vary", "origin");
    }
}

fn require_allowed_origin(request: &Request, config: &Config) -> Result<(), ApiError> {
    match classify(request, config) {
        Origin::Disallowed => Err(ApiError::OriginNotAllowed),
        Origin::Own | Origin::Allowed(_) => Ok(()),
    }
}

fn classify<'a>(request: &Request, config: &'a Config) -> Origin<'a> {
    let origin = request.header(Header::Origin);
    let site = origin.as_ref().and_then(|_| request.header(Header::SecFetchSite));
    config.allowed_origins.classify(origin.as_deref(), site.as_deref(), request.origin())
}
