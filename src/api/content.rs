//! `GET` and `HEAD /v1/videos/{id}/content`: returns the video or its thumbnail from R2, the whole file or a byte range.

use base64ct::{Base64, Encoding};
use futures_util::FutureExt;

use super::error::ApiError;
use super::{NO_SUCH_VIDEO, RequestContext, internal, respond};
use crate::calls::task::{Message, Reply};
use crate::http::percent;
use crate::http::range::{Conditions, Representation, Selection, http_date};
use crate::runtime::clock;
use crate::runtime::http::{Body, Header, Request, Response};
use crate::storage::videos::{File, THUMBNAIL_CONTENT_TYPE};
use crate::video::id::VideoId;
use crate::video::record::{Output, Record, Status};
use crate::video::request::FieldError;

/// A file never changes under its URL, but may be deleted: caches ask again after an hour.
const CACHE_CONTROL: &str = "private, max-age=3600";

const NO_THUMBNAILS: ApiError = ApiError::Unsupported("This service makes no thumbnails.");

/// The file of a response.
struct Served<'a> {
    content_type: &'a str,
    /// Of its name.
    extension: &'static str,
    size: u64,
    etag: String,
    modified_at: i64,
    digest: Option<String>,
}

pub async fn content(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, ApiError> {
    // 1. A grant replaces the owner's token, because a <video> element cannot send headers.
    let keys = &context.config.signing_keys;
    let granted =
        request.parameter("grant").and_then(|grant| keys.verify_content_grant(id, grant, clock::now()));
    let id = match granted {
        Some(id) => id,
        None => context.authorize(request, id)?.id,
    };
    send_content(context, request, &id).await
}

/// Sends the content to somebody who may have it.
pub async fn send_content(
    context: &RequestContext<'_>,
    request: &Request,
    id: &VideoId,
) -> Result<Response, ApiError> {
    let file = match request.parameter("variant") {
        None | Some("video") => File::Video,
        Some("thumbnail") if context.origin.has_thumbnails => File::Thumbnail,
        Some("thumbnail") => return Err(NO_THUMBNAILS),
        // OpenAI's API also returns a sprite sheet here.
        Some(_) => {
            let message = "must be video or thumbnail: there is nothing else of a video here".to_owned();
            return Err(ApiError::UnsupportedParameter(FieldError { field: "variant".to_owned(), message }));
        }
    };

    // 2. The record contains the status, and the size and name of the file.
    let record: Record =
        serde_json::from_str(&context.record(id, &Message::Read).await?).map_err(internal)?;
    let output = match (record.status, &record.output) {
        (Status::Completed, Some(output)) => output,
        (Status::Queued | Status::InProgress, _) => {
            return Err(ApiError::NotReady { retry_after_seconds: super::RETRY_AFTER_SECONDS });
        }
        _ => return Err(ApiError::NotFound("This video ended without content.")),
    };
    let modified_at = record.completed_at.unwrap_or(record.created_at);
    let served = match file {
        File::Video => video_of(output, modified_at),
        File::Thumbnail => thumbnail_of(context, id, modified_at).boxed_local().await?,
    };
    let size = served.size;
    let representation = Representation { size, etag: &served.etag, modified_at };

    // 3. The request's conditions select the range. HEAD ignores `Range`.
    let is_head = request.is_head();
    let [range, if_range, if_none_match, if_modified_since] =
        [Header::Range, Header::IfRange, Header::IfNoneMatch, Header::IfModifiedSince]
            .map(|name| request.header(name));
    let conditions = Conditions {
        range: range.as_deref().filter(|_| !is_head),
        if_range: if_range.as_deref(),
        if_none_match: if_none_match.as_deref(),
        if_modified_since: if_modified_since.as_deref(),
    };
    let (status, first, last) = match conditions.select(representation) {
        Selection::NotModified => return Ok(about(respond::empty(304), &served)),
        Selection::Unsatisfiable => return Err(ApiError::RangeNotSatisfiable { size }),
        Selection::Whole => (200, 0, size.saturating_sub(1)),
        Selection::Part { first, last } => (206, first, last),
    };

    // 4. The runtime streams the bytes from R2 to the client.
    let body = if is_head {
        Body::Empty
    } else {
        Body::Stream(context.videos()?.read(id, file, first, last).await?.ok_or(NO_SUCH_VIDEO)?)
    };

    // 5. The headers.
    let mut response = about(Response::new(status, body), &served)
        .with("content-type", served.content_type)
        .with("content-length", &(last - first + 1).to_string())
        .with("content-disposition", &disposition(request, &record, served.extension))
        // Pages with cross-origin isolation may show it too.
        .with("cross-origin-resource-policy", "cross-origin");
    if status == 206 {
        response.add("content-range", &format!("bytes {first}-{last}/{size}"));
    }
    if let Some(digest) = &served.digest {
        response.add("repr-digest", digest);
    }
    Ok(response)
}

fn video_of(output: &Output, modified_at: i64) -> Served<'_> {
    Served {
        content_type: &output.content_type,
        extension: "mp4",
        size: output.size,
        etag: output.etag.clone(),
        modified_at,
        digest: repr_digest(output),
    }
}

/// The first request lets the video's object make the thumbnail.
async fn thumbnail_of(
    context: &RequestContext<'_>,
    id: &VideoId,
    modified_at: i64,
) -> Result<Served<'static>, ApiError> {
    let videos = context.videos()?;
    let mut stored = videos.thumbnail(id).await?;
    if stored.is_none() {
        if let Reply::ThumbnailFailed { retry_after_seconds } =
            context.ask(id, &Message::MakeThumbnail).await?
        {
            return Err(ApiError::ThumbnailFailed { retry_after_seconds });
        }
        stored = videos.thumbnail(id).await?;
    }
    let stored = stored.ok_or(NO_SUCH_VIDEO)?;
    Ok(Served {
        content_type: THUMBNAIL_CONTENT_TYPE,
        extension: "jpg",
        size: stored.size(),
        etag: stored.http_etag(),
        modified_at,
        digest: None,
    })
}

/// Adds the headers that responses with and without a body have.
fn about(response: Response, served: &Served<'_>) -> Response {
    response
        .with("accept-ranges", "bytes")
        .with("etag", &served.etag)
        .with("last-modified", &http_date(served.modified_at))
        .with("cache-control", CACHE_CONTROL)
}

/// The header of RFC 6266: an ASCII name for all clients, then the name in the script of the prompt (RFC 8187).
fn disposition(request: &Request, record: &Record, extension: &str) -> String {
    if request.parameter("download") != Some("1") {
        return format!("inline; filename=\"{}.{extension}\"", record.id);
    }
    let (ascii, stem) = (record.ascii_file_stem(), record.file_stem());
    let plain = format!("attachment; filename=\"{ascii}.{extension}\"");
    if stem == ascii {
        return plain;
    }
    format!("{plain}; filename*=UTF-8''{}.{extension}", percent::encode(&stem))
}

/// The digest in the format of RFC 9530: Base64 between colons.
fn repr_digest(output: &Output) -> Option<String> {
    let digest = hex::decode(&output.sha256).ok()?;
    Some(format!("sha-256=:{}:", Base64::encode_string(&digest)))
}
