//! What the operator does to one video, or to all that a filter selects: cancel, delete, redrive, release.

use serde::Serialize;
use serde_json::json;

use super::videos::{select, selection};
use super::{authenticate, authorize};
use crate::api::delete::remove;
use crate::api::error::ApiError;
use crate::api::route::Action;
use crate::api::{NO_SUCH_VIDEO, RequestContext, internal, log_error, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::task::{Message, Reply};
use crate::runtime::http::{Request, Response};
use crate::runtime::join;
use crate::video::id::VideoId;
use crate::video::money::Usd;
use crate::video::record::listing::Filter;
use crate::video::record::listing::operator::OperatorListing;
use crate::video::record::public::Video;
use crate::video::record::{Record, Status};
use crate::video::request::FieldError;

/// Most videos of one call.
const BATCH: u32 = 100;

/// Most videos at the same time: each is a request to its object.
const MAX_CONCURRENT: usize = 20;

const MAY_HAVE_JOB: ApiError = ApiError::Conflict(
    "This video has a job at Wiro, or may have one: its reservation is released when its cost is known.",
);

const NEEDS_FILTER: &str =
    "must be given, or status, model or since: all videos of all clients are never deleted at once";

/// What was done to a video.
enum Done {
    Video(Box<Record>),
    Deleted,
    Released(Usd),
}

/// What was done to the selected videos.
#[derive(Serialize)]
pub struct Outcome {
    matched: usize,
    done: usize,
    failed: Vec<Failed>,
    /// Whether there are more after `last_id`.
    pub has_more: bool,
    last_id: Option<VideoId>,
}

#[derive(Serialize)]
struct Failed {
    id: VideoId,
    code: &'static str,
}

pub async fn one(
    context: &RequestContext<'_>,
    request: &Request,
    action: Action,
    id: &str,
) -> Result<Response, ApiError> {
    let id = authorize(context, request, id).await?;
    let response = match act(context, action, &id).await? {
        Done::Video(record) => {
            let status = if action == Action::Redrive { 202 } else { 200 };
            respond::json(status, &Video::of(*record, &context.origin, None))
        }
        Done::Deleted => respond::json(200, &json!({ "id": id, "object": "video.deleted", "deleted": true })),
        Done::Released(amount) => {
            respond::json(200, &json!({ "id": id, "released_usd": amount.to_string() }))
        }
    };
    Ok(response?.with("cache-control", "no-store"))
}

/// Acts on one batch of the videos that the query selects.
pub async fn many(
    context: &RequestContext<'_>,
    request: &Request,
    action: Action,
) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let mut wanted = selection(context, request, &["after"])?;
    let filter = &mut wanted.listing.filter;
    if action == Action::Delete && wanted.client.is_none() && *filter == Filter::default() {
        let error = FieldError { field: "client".to_owned(), message: NEEDS_FILTER.to_owned() };
        return Err(ApiError::InvalidParameter(vec![error]));
    }
    // Without a status, the videos to which this can be done.
    match (action, filter.status) {
        (Action::Cancel, None) => filter.unfinished = true,
        (Action::Redrive | Action::Release, None) => filter.status = Some(Status::Failed),
        _ => {}
    }
    let outcome = each(context, wanted, async |id| act(context, action, &id).await.map(|_| ())).await?;
    Ok(respond::json(200, &outcome)?.with("cache-control", "no-store"))
}

/// Acts on one batch of the wanted videos.
pub async fn each(
    context: &RequestContext<'_>,
    mut wanted: OperatorListing,
    act: impl AsyncFn(VideoId) -> Result<(), ApiError>,
) -> Result<Outcome, ApiError> {
    wanted.listing.limit = BATCH;
    let found = select(context, &wanted).await?;
    let last_id = found.last_id().cloned();
    let ids: Vec<VideoId> = found.videos.into_iter().map(|(_, record)| record.id).collect();
    let mut failed = Vec::new();
    for some in ids.chunks(MAX_CONCURRENT) {
        let results = join::all(some.iter().map(|id| act(id.clone()))).await;
        for (id, result) in some.iter().zip(results) {
            if let Err(error) = result {
                failed.push(Failed { id: id.clone(), code: log_error(error, &context.request_id).code() });
            }
        }
    }
    let matched = ids.len();
    Ok(Outcome { matched, done: matched - failed.len(), failed, has_more: found.has_more, last_id })
}

async fn act(context: &RequestContext<'_>, action: Action, id: &VideoId) -> Result<Done, ApiError> {
    let message = match action {
        Action::Cancel => Message::Cancel,
        Action::Redrive => Message::Redrive,
        Action::Delete => return remove(context, id, &Message::Delete).await.map(|()| Done::Deleted),
        Action::Release => {
            if matches!(context.ask(id, &Message::MayHaveJob).await?, Reply::MayHaveJob(true)) {
                return Err(MAY_HAVE_JOB);
            }
            let released = DispatcherClient::new(context.env)?.release(id).await;
            return released.map(Done::Released).map_err(internal);
        }
    };
    match context.ask(id, &message).await? {
        Reply::Video(record) => Ok(Done::Video(Box::new(record))),
        Reply::AlreadyFinished => Err(ApiError::AlreadyFinished),
        _ => Err(NO_SUCH_VIDEO),
    }
}
