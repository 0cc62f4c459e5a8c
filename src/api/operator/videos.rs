//! `GET /operator/videos`: the videos of all owners in pages, newest first, perhaps filtered.

use serde::Serialize;

use super::authenticate;
use crate::api::error::ApiError;
use crate::api::list::{Found, find, model_name};
use crate::api::{RequestContext, internal};
use crate::calls::dispatcher::DispatcherClient;
use crate::http::percent;
use crate::runtime::http::{Request, Response};
use crate::video::record::listing::operator::{FILTERS, OperatorListing, PAGE};
use crate::video::record::public::Video;

#[derive(Serialize)]
struct OperatorVideo {
    #[serde(flatten)]
    video: Video,
    /// Null for a video without a client.
    client: Option<String>,
}

pub async fn list(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let wanted = selection(context, request, &PAGE)?;
    let found = select(context, &wanted).await?;
    found.response(|owner, record| OperatorVideo {
        video: context.to_video(&owner, record),
        client: owner.name().map(str::to_owned),
    })
}

/// Which videos the request selects by `client`, `status`, `model` and `since`. Of all other parameters only those in
/// `others` are allowed.
pub fn selection(
    context: &RequestContext<'_>,
    request: &Request,
    others: &[&str],
) -> Result<OperatorListing, ApiError> {
    let known = [&FILTERS[..], others].concat();
    OperatorListing::read(&parameters(request), &known, |name| model_name(context, name))
        .map_err(ApiError::InvalidParameter)
}

/// One page of the selected videos. The next page starts after [`Found::last_id`] if there are more.
pub async fn select(context: &RequestContext<'_>, wanted: &OperatorListing) -> Result<Found, ApiError> {
    let dispatcher = DispatcherClient::new(context.env).map_err(internal)?;
    let client = wanted.client.as_ref();
    find(context, &wanted.listing, async |part| dispatcher.list_all(client, part).await).await
}

/// The decoded query parameters.
pub fn parameters(request: &Request) -> Vec<(String, String)> {
    let decoded = |(name, value)| (percent::decode_query(name), percent::decode_query(value));
    request.parameters().map(decoded).collect()
}
