//! `GET /v1/usage`: what the caller has spent today, and its limit.

use serde_json::json;

use super::error::ApiError;
use super::{RequestContext, internal, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::runtime::clock;
use crate::runtime::http::Response;
use crate::video::access::owner::Owner;
use crate::video::money::budget::Day;

const NEEDS_CLIENT_TOKENS: ApiError =
    ApiError::Unauthorized("Only clients with a token have a usage, and this service has no client tokens.");

pub async fn usage(context: &RequestContext<'_>, owner: Owner) -> Result<Response, ApiError> {
    if owner.is_nobody() {
        return Err(NEEDS_CLIENT_TOKENS);
    }
    let (spent, reserved) = DispatcherClient::new(context.env)?.usage(&owner).await.map_err(internal)?;
    let limit = context.limits(&owner).lowest();
    let body = json!({
        "object": "usage",
        "spent_usd": spent.to_string(),
        "reserved_usd": reserved.to_string(),
        "limit_usd": limit.map(|limit| limit.to_string()),
        "resets_at": Day::of(clock::now()).ends_at(),
    });
    Ok(respond::json(200, &body)?.with("cache-control", "private, no-store"))
}
