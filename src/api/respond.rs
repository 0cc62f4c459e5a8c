//! Responses that several endpoints share.

use serde::Serialize;
use sha2::{Digest, Sha256};

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

/// A strong `ETag` for a body: a prefix of its SHA-256.
pub fn etag_of(body: &[u8]) -> String {
    const PREFIX_BYTES: usize = 16;
    let digest = Sha256::digest(body);
    format!("\"{}\"", hex::encode(digest.get(..PREFIX_BYTES).unwrap_or(&digest)))
}
