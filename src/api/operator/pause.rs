//! `POST /operator/pause` and `/operator/resume`.

use serde_json::json;

use super::authenticate;
use crate::api::error::ApiError;
use crate::api::{RequestContext, internal, respond};
use crate::calls::clients::invalidate_managed_clients;
use crate::calls::dispatcher::DispatcherClient;
use crate::runtime::http::{Request, Response};

/// Pauses or resumes all submits and the queue. Running jobs go on.
pub async fn set(
    context: &RequestContext<'_>,
    request: &Request,
    paused: bool,
) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    DispatcherClient::new(context.env)?.pause(paused).await.map_err(internal)?;
    invalidate_managed_clients();
    Ok(respond::json(200, &json!({ "paused": paused }))?.with("cache-control", "no-store"))
}
