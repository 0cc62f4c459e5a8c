//! Responses that are made the same way everywhere.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use worker::{Response, ResponseBuilder};

use crate::error::{ApiError, Problem};
use crate::platform::config::Config;

/// A JSON answer.
pub fn json<B: Serialize>(status: u16, headers: &[(&str, &str)], body: &B) -> Result<Response, ApiError> {
    let text = serde_json::to_vec(body).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(builder(status, headers)?.with_header("content-type", "application/json")?.fixed(text))
}

/// An answer without a body.
pub fn empty(status: u16, headers: &[(&str, &str)]) -> Result<Response, ApiError> {
    Ok(builder(status, headers)?.empty())
}

pub fn builder(status: u16, headers: &[(&str, &str)]) -> Result<ResponseBuilder, ApiError> {
    let mut builder = ResponseBuilder::new().with_status(status);
    for (name, value) in headers {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder)
}

pub fn problem(problem: &Problem, request_id: &str) -> worker::Result<Response> {
    let mut builder = ResponseBuilder::new()
        .with_status(problem.status)
        .with_header("content-type", "application/problem+json")?
        .with_header("cache-control", "no-store")?;
    for (name, value) in &problem.headers {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder.fixed(problem.body(request_id).into_bytes()))
}

/// `protection` says whether just anybody may submit; with Turnstile, a page needs its site key.
pub fn health(config: &Config) -> Result<Response, ApiError> {
    let protection = config.protection();
    let mut body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "protection": protection });
    let site_key = config.turnstile.as_ref().and_then(|turnstile| turnstile.site_key.as_deref());
    if let (Some(site_key), Some(members)) = (site_key, body.as_object_mut()) {
        members.insert("turnstile_site_key".to_owned(), site_key.into());
    }
    json(200, &[("cache-control", "no-store")], &body)
}

/// A strong validator for a body that is made anew each time: a prefix of its SHA-256.
pub fn etag_of(body: &[u8]) -> String {
    const PREFIX_BYTES: usize = 16;
    let digest = Sha256::digest(body);
    format!("\"{}\"", base16ct::lower::encode_string(digest.get(..PREFIX_BYTES).unwrap_or(&digest)))
}
