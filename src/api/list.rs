//! `GET /v1/videos`: the caller's own videos in pages, newest first, perhaps filtered.

use std::iter::repeat;

use serde::Serialize;
use serde_json::json;

use super::error::ApiError;
use super::{RequestContext, internal, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::task::{Message, Reply};
use crate::http::percent;
use crate::runtime::http::{Request, Response};
use crate::runtime::join;
use crate::runtime::log::{self, Level};
use crate::storage::records::Records;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::Record;
use crate::video::record::listing::{Listing, NOT_AFTER, Start};
use crate::video::record::public::Video;
use crate::video::request::FieldError;

const NEEDS_CLIENT_TOKENS: ApiError =
    ApiError::Unauthorized("Only clients with a token have a list, and this service has no client tokens.");

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [Video],
    first_id: Option<&'a VideoId>,
    last_id: Option<&'a VideoId>,
    has_more: bool,
}

pub async fn list(
    context: &RequestContext<'_>,
    request: &Request,
    owner: Owner,
) -> Result<Response, ApiError> {
    if owner.is_nobody() {
        return Err(NEEDS_CLIENT_TOKENS);
    }
    // 1. The dispatcher returns the ids, including those of the newest videos.
    let owned_id = |text: &str| context.config.signing_keys.verify_id(&owner, text);
    let models = &context.config.models;
    let model = |name: &str| match models.find(&String::from_utf8(percent::decode(name)).unwrap_or_default())
    {
        Some(model) => Ok(model.name.clone()),
        None => Err(format!("must be one of {}", models.names())),
    };
    let listing = Listing::read(|name| request.parameter(name), owned_id, model);
    let listing = listing.map_err(ApiError::InvalidParameter)?;
    let fits = |record: &Record| {
        let offered = models.find(&record.model);
        listing.filter.fits(record, offered.map_or(&record.model, |model| &model.name))
    };
    let dispatcher = DispatcherClient::new(context.env)?;
    let mut data = Vec::new();
    let mut wanted = listing.clone();
    let mut last_read = None;
    let mut looks = 0;
    let is_filtered = listing.filter.needs_record();
    let (has_more, is_cut) = loop {
        let found = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let Some(limit) = listing.next_look(found, looks) else { break (true, true) };
        wanted.limit = limit;
        let page = dispatcher.list(&owner, wanted.clone()).await.map_err(internal)?.ok_or_else(not_after)?;
        looks += 1;
        // 2. Read the record of each video.
        let mut records = records(context, &page.ids).await?.into_iter().flatten().filter(&fits);
        let missing = usize::try_from(listing.limit.saturating_sub(found)).unwrap_or(usize::MAX);
        let shown = records.by_ref().take(missing);
        data.extend(shown.map(|record| context.to_video(&owner, record)));
        if records.next().is_some() {
            break (true, false);
        }
        // 3. Videos that do not fit or are being removed are missing, so the page is filled up.
        let is_full = data.len() >= usize::try_from(listing.limit).unwrap_or(usize::MAX);
        last_read = page.ids.last().cloned().or(last_read);
        match page.end {
            Some(end) if is_filtered || !is_full => wanted.start = Start::AfterPosition(end),
            end => break (end.is_some(), false),
        }
    };
    let first_id = data.first().map(|video| &video.record.id);
    // After a page that was cut, the client goes on behind all that was read.
    let last_id = last_read.as_ref().filter(|_| is_cut);
    let last_id = last_id.or_else(|| data.last().map(|video| &video.record.id));
    let list = List { object: "list", data: &data, first_id, last_id, has_more };
    Ok(respond::json(200, &list)?.with("cache-control", "private, no-store"))
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
