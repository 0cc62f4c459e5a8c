//! `GET /v1/videos`: the caller's own videos in pages, newest first, perhaps filtered; and what the operator's list has in
//! common with it.

use std::iter::repeat;

use serde::Serialize;
use serde_json::json;

use super::error::ApiError;
use super::{RequestContext, internal, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::objects::CallError;
use crate::calls::task::{Message, Reply};
use crate::http::percent;
use crate::runtime::http::{Request, Response};
use crate::runtime::join;
use crate::runtime::log::{self, Level};
use crate::storage::records::Records;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::Record;
use crate::video::record::listing::{Listing, NOT_AFTER, Page, Start};
use crate::video::request::FieldError;

const NEEDS_CLIENT_TOKENS: ApiError =
    ApiError::Unauthorized("Only clients with a token have a list, and this service has no client tokens.");

/// A page in the format of the API.
#[derive(Serialize)]
struct List<V> {
    object: &'static str,
    data: Vec<V>,
    first_id: Option<VideoId>,
    last_id: Option<VideoId>,
    has_more: bool,
}

/// One page of the videos that a filter selects.
pub struct Found {
    /// Each with its owner.
    pub videos: Vec<(Owner, Record)>,
    pub has_more: bool,
    /// After which video the next page starts, if that is not the last one of this page.
    cut_after: Option<VideoId>,
}

impl Found {
    /// The id after which the next page starts.
    pub fn last_id(&self) -> Option<&VideoId> {
        self.cut_after.as_ref().or_else(|| self.videos.last().map(|(_, record)| &record.id))
    }

    /// The response, with each video as `show` returns it.
    pub fn response<V: Serialize>(self, show: impl Fn(Owner, Record) -> V) -> Result<Response, ApiError> {
        let first_id = self.videos.first().map(|(_, record)| record.id.clone());
        let last_id = self.last_id().cloned();
        let data = self.videos.into_iter().map(|(owner, record)| show(owner, record)).collect();
        let list = List { object: "list", data, first_id, last_id, has_more: self.has_more };
        Ok(respond::json(200, &list)?.with("cache-control", "private, no-store"))
    }
}

pub async fn list(
    context: &RequestContext<'_>,
    request: &Request,
    owner: Owner,
) -> Result<Response, ApiError> {
    if owner.is_nobody() {
        return Err(NEEDS_CLIENT_TOKENS);
    }
    let owned_id = |text: &str| context.config.signing_keys.verify_id(&owner, text);
    let model = |name: &str| model_name(context, &percent::decode_query(name));
    let listing = Listing::read(|name| request.parameter(name), owned_id, model);
    let listing = listing.map_err(ApiError::InvalidParameter)?;
    let dispatcher = DispatcherClient::new(context.env)?;
    let found = find(context, &listing, async |wanted| dispatcher.list(&owner, wanted).await).await?;
    found.response(|owner, record| context.to_video(&owner, record))
}

/// The API's name of an offered model, or what is wrong with this name.
pub fn model_name(context: &RequestContext<'_>, name: &str) -> Result<String, String> {
    let models = &context.config.models;
    let model = models.find(name).ok_or_else(|| format!("must be one of {}", models.names()))?;
    Ok(model.name.clone())
}

/// Reads one page of a list. `pages` asks the dispatcher for the ids of a part of it.
pub async fn find(
    context: &RequestContext<'_>,
    listing: &Listing,
    pages: impl AsyncFn(Listing) -> Result<Option<Page>, CallError>,
) -> Result<Found, ApiError> {
    let models = &context.config.models;
    let fits = |(_, record): &(Owner, Record)| {
        let offered = models.find(&record.model);
        listing.filter.fits(record, offered.map_or(&record.model, |model| &model.name))
    };
    let mut videos = Vec::new();
    let mut wanted = listing.clone();
    let mut last_read = None;
    let mut looks = 0;
    let is_filtered = listing.filter.needs_record();
    let (has_more, is_cut) = loop {
        let found = u32::try_from(videos.len()).unwrap_or(u32::MAX);
        let Some(limit) = listing.next_look(found, looks) else { break (true, true) };
        wanted.limit = limit;
        // 1. The dispatcher returns the ids, including those of the newest videos.
        let page = pages(wanted.clone()).await.map_err(internal)?.ok_or_else(not_after)?;
        looks += 1;
        // 2. Read the record of each video.
        let records = records(context, &page.ids).await?;
        let owners = page.owners.into_iter().chain(repeat(Owner::nobody()));
        let current = owners.zip(records).filter_map(|(owner, record)| Some((owner, record?)));
        let mut fitting = current.filter(fits);
        let missing = usize::try_from(listing.limit.saturating_sub(found)).unwrap_or(usize::MAX);
        videos.extend(fitting.by_ref().take(missing));
        if fitting.next().is_some() {
            break (true, false);
        }
        // 3. Videos that do not fit or are being removed are missing, so the page is filled up.
        let is_full = videos.len() >= usize::try_from(listing.limit).unwrap_or(usize::MAX);
        last_read = page.ids.last().cloned().or(last_read);
        match page.end {
            Some(end) if is_filtered || !is_full => wanted.start = Start::AfterPosition(end),
            end => break (end.is_some(), false),
        }
    };
    // After a page that was cut, the client goes on after all that was read.
    Ok(Found { videos, has_more, cut_after: last_read.filter(|_| is_cut) })
}

/// Final records come from one read of KV, all others from the objects of the videos.
async fn records(context: &RequestContext<'_>, ids: &[VideoId]) -> Result<Vec<Option<Record>>, ApiError> {
    let published = Records::new(context.env)?.get_all(ids).await.unwrap_or_else(|error| {
        log::write(Level::Warn, "the records cannot be read", [("error", json!(error.to_string()))]);
        Vec::new()
    });
    let published = published.into_iter().map(|record| record.filter(|record| record.status.is_final()));
    let current = ids.iter().zip(published.chain(repeat(None))).map(async |(id, known)| match known {
        Some(record) => Ok(Some(record)),
        None => Ok::<_, ApiError>(match context.ask(id, &Message::Read).await? {
            Reply::Video(record) => Some(record),
            // It was deleted and will disappear from the list.
            _ => None,
        }),
    });
    join::all(current).await.into_iter().collect()
}

fn not_after() -> ApiError {
    ApiError::InvalidParameter(vec![FieldError { field: "after".to_owned(), message: NOT_AFTER.to_owned() }])
}
