//! `GET /operator/videos`: the videos of all owners in pages, newest first, perhaps filtered.

use std::cell::RefCell;

use serde::Serialize;

use super::authenticate;
use crate::api::error::ApiError;
use crate::api::list::{Found, find, model_name};
use crate::api::{RequestContext, internal};
use crate::calls::dispatcher::DispatcherClient;
use crate::http::percent;
use crate::runtime::http::{Request, Response};
use crate::video::record::listing::operator::{FILTERS, OperatorListing, PAGE, check_names};
use crate::video::record::listing::{Filter, Listing, Start};
use crate::video::record::public::Video;

const REQUEST_ID: &str = "request_id";

#[derive(Serialize)]
struct OperatorVideo {
    #[serde(flatten)]
    video: Video,
    /// Null for a video without a client.
    client: Option<String>,
}

pub async fn list(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let found = match request.parameter(REQUEST_ID) {
        Some(_) => of_request(context, &parameters(request)).await?,
        None => select(context, &selection(context, request, &PAGE)?).await?,
    };
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

/// The video that a request created.
async fn of_request(context: &RequestContext<'_>, sent: &[(String, String)]) -> Result<Found, ApiError> {
    let errors = check_names(sent, &[REQUEST_ID]);
    if !errors.is_empty() {
        return Err(ApiError::InvalidParameter(errors));
    }
    let request_id = sent.iter().map(|(_, value)| value.clone()).next().unwrap_or_default();
    let dispatcher = DispatcherClient::new(context.env)?;
    let page = dispatcher.of_request(request_id).await.map_err(internal)?;
    let listing = Listing { limit: 1, start: Start::First, oldest_first: false, filter: Filter::default() };
    let page = RefCell::new(Some(page));
    find(context, &listing, async |_| Ok(page.take())).await
}

/// The decoded query parameters.
pub fn parameters(request: &Request) -> Vec<(String, String)> {
    let decoded = |(name, value)| (percent::decode_query(name), percent::decode_query(value));
    request.parameters().map(decoded).collect()
}
