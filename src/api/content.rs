//! `GET` and `HEAD /v1/videos/{id}/content`: the bytes from R2, whole or in part.

use base64ct::{Base64, Encoding};
use worker::{Request, Response};

use super::{Call, NO_SUCH_VIDEO, header, parameter, respond};
use crate::error::ApiError;
use crate::platform::clock;
use crate::platform::task_object::Message;
use crate::range::{Conditions, Representation, Selection, http_date};
use crate::video::record::{Output, Record, Status};

/// A video never changes under its URL, but may be deleted: caches ask again after an hour.
const CACHE_CONTROL: &str = "private, max-age=3600";

pub async fn content(
    call: &Call<'_>,
    request: &Request,
    query: &str,
    id: &str,
) -> Result<Response, ApiError> {
    // 1. A grant is as good as the owner's token: a <video> can show nothing else.
    let keys = &call.config.signing_keys;
    let granted = parameter(query, "grant").and_then(|grant| keys.verify_grant(id, grant, clock::now()));
    let id = &match granted {
        Some(id) => id,
        None => call.own(request, id)?.id,
    };

    // 2. The record says whether there is anything, how large it is and what it is called.
    let record = call.record(id, &Message::Read).await?;
    let output = match (record.status, &record.output) {
        (Status::Completed, Some(output)) => output,
        (Status::Queued | Status::InProgress, _) => {
            return Err(ApiError::NotReady { retry_after_seconds: super::RETRY_AFTER_SECONDS });
        }
        _ => return Err(ApiError::NotFound("This video ended without content.")),
    };
    let modified_at = record.completed_at.unwrap_or(record.created_at);
    let representation = Representation { size: output.size, etag: &output.etag, modified_at };

    // 3. The request's conditions select what is sent. Ranges are for GET only.
    let is_head = request.inner().method() == "HEAD";
    let conditions = Conditions {
        range: header(request, "range").filter(|_| !is_head),
        if_range: header(request, "if-range"),
        if_none_match: header(request, "if-none-match"),
        if_modified_since: header(request, "if-modified-since"),
    };
    let mut headers = vec![
        ("accept-ranges", "bytes".to_owned()),
        ("etag", output.etag.clone()),
        ("last-modified", http_date(modified_at)),
        ("cache-control", CACHE_CONTROL.to_owned()),
    ];
    let (status, first, last) = match conditions.select(representation) {
        Selection::NotModified => return respond::empty(304, &borrowed(&headers)),
        Selection::Unsatisfiable => return Err(ApiError::RangeNotSatisfiable { size: output.size }),
        Selection::Whole => (200, 0, output.size.saturating_sub(1)),
        Selection::Part { first, last } => {
            headers.push(("content-range", format!("bytes {first}-{last}/{}", output.size)));
            (206, first, last)
        }
    };

    // 4. What is said of the bytes.
    headers.push(("content-type", output.content_type.clone()));
    headers.push(("content-length", (last - first + 1).to_string()));
    headers.push(("content-disposition", disposition(query, &record)));
    headers.extend(repr_digest(output).map(|digest| ("repr-digest", digest)));
    // Pages of other origins may show it, whatever they isolate themselves from.
    headers.push(("cross-origin-resource-policy", "cross-origin".to_owned()));
    if is_head {
        return respond::empty(status, &borrowed(&headers));
    }

    // 5. The bytes themselves, handed from R2 to the client by the runtime.
    let stream = call.videos()?.read(id, first, last).await?.ok_or(NO_SUCH_VIDEO)?;
    Ok(respond::builder(status, &borrowed(&headers))?.stream(stream))
}

fn disposition(query: &str, record: &Record) -> String {
    if parameter(query, "download") == Some("1") {
        format!("attachment; filename=\"{}.mp4\"", record.file_stem())
    } else {
        format!("inline; filename=\"{}.mp4\"", record.id)
    }
}

/// RFC 9530: a structured field, the digest between colons.
fn repr_digest(output: &Output) -> Option<String> {
    let digest = base16ct::lower::decode_vec(&output.sha256).ok()?;
    Some(format!("sha-256=:{}:", Base64::encode_string(&digest)))
}

fn borrowed<'a>(headers: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
