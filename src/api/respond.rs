//! Responses that several endpoints share.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::RequestContext;
use super::error::{ApiError, Problem};
use crate::runtime::http::{Body, Response};

/// A JSON response.
pub fn json<B: Serialize>(status: u16, body: &B) -> Result<Response, ApiError> {
    let text = serde_json::to_vec(body).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(Response::new(status, Body::Bytes(text)).with("content-type", "application/json"))
}

/// A response without a body.
pub const fn empty(status: u16) -> Response {
    Response::new(status, Body::Empty)
}

pub fn problem(problem: &Problem, request_id: &str) -> Response {
    let body = Body::Bytes(problem.body(request_id).into_bytes());
    let mut response = Response::new(problem.status, body)
        .with("content-type", "application/problem+json")
        .with("cache-control", "no-store");
    if !problem.may_retry() {
        response.add("x-should-retry", "false");
    }
    for (name, value) in &problem.headers {
        response.add(name, value);
    }
    response
}

/// `protection` names what a submit needs: nothing, a token or a Turnstile challenge, for which a page needs the site key.
pub fn health(context: &RequestContext<'_>) -> Result<Response, ApiError> {
    let config = &context.config;
    let has_clients = context.managed_clients.as_ref().is_some_and(|managed| managed.has_clients());
    let protection = if has_clients { "tokens" } else { config.protection() };
    let mut body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "protection": protection });
    let turnstile = config.turnstile.as_ref().filter(|_| !has_clients);
    let site_key = turnstile.and_then(|turnstile| turnstile.site_key.as_deref());
    if let (Some(site_key), Some(members)) = (site_key, body.as_object_mut()) {
        members.insert("turnstile_site_key".to_owned(), site_key.into());
    }
    Ok(json(200, &body)?.with("cache-control", "no-store"))
}

/// A strong `ETag` for a body: a prefix of its SHA-256.
pub fn etag_of(body: &[u8]) -> String {
    const PREFIX_BYTES: usize = 16;
    let digest = Sha256::digest(body);
    format!("\"{}\"", hex::encode(digest.get(..PREFIX_BYTES).unwrap_or(&digest)))
}
