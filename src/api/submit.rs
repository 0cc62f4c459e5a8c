//! `POST /v1/videos`: read and check the request, mint an id, hand the job to its object, answer when
//! the first Run was answered.

use std::time::Duration;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use worker::{Request, Response};

use super::{Call, header, internal, respond};
use crate::error::ApiError;
use crate::multipart;
use crate::platform::clock;
use crate::platform::form_reader::{MAX_BODY_BYTES, MAX_TEXT_BYTES, ReadFormError, read_form};
use crate::platform::streams::{Reader, StreamError, read_small};
use crate::platform::task_object::Message;
use crate::video::id::VideoId;
use crate::video::record::{FailureCode, Input, Record};
use crate::video::request::{FieldValue, Fields, validate};

/// Largest JSON body: both formats allow as much text.
const MAX_JSON_BYTES: u32 = MAX_TEXT_BYTES;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// What to wait when the upstream's account takes no jobs: an operator has to act.
const ACCOUNT_RETRY_SECONDS: u32 = 300;

pub async fn submit(call: &Call<'_>, request: &Request) -> Result<Response, ApiError> {
    // 1. The id comes first: an image is stored under it while it streams in.
    let id = call.config.signing_keys.mint(clock::random().map_err(internal)?);
    // 2. Everything that can be wrong with the request is found before anything is stored.
    let input = read_input(call, request, &id).await?;
    // 3. The object takes the job and sends Run; from here on nothing is lost when we vanish.
    let callback =
        format!("{}/hooks/wiro/{id}/{}", call.origin, call.config.signing_keys.callback_proof(&id));
    let accept = Message::Accept {
        id: id.clone(),
        model: call.config.wiro_model.clone(),
        input,
        callback_url: callback,
    };
    let record = call.ask(&id, &accept).await?.ok_or_else(|| internal("the object kept nothing"))?;
    // 4. A refusal is the caller's to hear at once.
    refused(&record)?;
    let video = record.shown_at(&call.origin);
    let location = video.urls.as_ref().map_or("", |urls| &urls.itself);
    let retry_after = super::RETRY_AFTER_SECONDS.to_string();
    respond::json(202, &[("location", location), ("retry-after", &retry_after)], &video)
}

/// The first Run's refusal, told as the answer to the submit.
fn refused(record: &Record) -> Result<(), ApiError> {
    match &record.error {
        Some(failure) if failure.code == FailureCode::UpstreamRejected => {
            Err(ApiError::RefusedParameters(failure.message.clone()))
        }
        Some(failure) if failure.code == FailureCode::UpstreamUnavailable => {
            Err(ApiError::UpstreamUnavailable { retry_after_seconds: ACCOUNT_RETRY_SECONDS })
        }
        _ => Ok(()),
    }
}

async fn read_input(call: &Call<'_>, request: &Request, id: &VideoId) -> Result<Input, ApiError> {
    let content_type = header(request, "content-type").unwrap_or_default();
    match content_type.split(';').next().map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        Some("application/json") => {
            let fields = read_json(request).await?;
            validate(fields).map_err(ApiError::InvalidParameter)
        }
        Some("multipart/form-data") => {
            let boundary = multipart::boundary(&content_type).ok_or_else(|| {
                ApiError::InvalidRequest("The Content-Type has no usable boundary parameter.".to_owned())
            })?;
            read_multipart(call, request, boundary, id).await
        }
        _ => Err(ApiError::UnsupportedMediaType("Send application/json or multipart/form-data.".to_owned())),
    }
}

async fn read_multipart(
    call: &Call<'_>,
    request: &Request,
    boundary: &str,
    id: &VideoId,
) -> Result<Input, ApiError> {
    if declared_length(request).is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(form_error(&ReadFormError::ImageTooLarge));
    }
    let body = request.inner().body().ok_or_else(empty_body)?;
    let videos = call.videos()?;
    let mut form = read_form(&body, boundary, &videos, id).await.map_err(|error| form_error(&error))?;
    match validate(std::mem::take(&mut form.fields)) {
        Ok(input) => {
            form.store_image().await?;
            Ok(input)
        }
        Err(errors) => {
            form.discard().await;
            Err(ApiError::InvalidParameter(errors))
        }
    }
}

fn form_error(error: &ReadFormError) -> ApiError {
    let detail = error.to_string();
    match error {
        ReadFormError::TextTooLong | ReadFormError::ImageTooLarge | ReadFormError::BodyTooLarge => {
            ApiError::PayloadTooLarge(detail)
        }
        ReadFormError::NotAnImage => ApiError::UnsupportedMediaType(detail),
        ReadFormError::TooManyParts
        | ReadFormError::NotText(_)
        | ReadFormError::Form(_)
        | ReadFormError::Stream(_) => ApiError::InvalidRequest(detail),
        ReadFormError::Storage(_) => ApiError::Internal(detail),
    }
}

async fn read_json(request: &Request) -> Result<Fields, ApiError> {
    let too_large =
        || ApiError::PayloadTooLarge(format!("A JSON body has at most {MAX_JSON_BYTES} bytes (64 KiB)."));
    if declared_length(request).is_some_and(|length| length > u64::from(MAX_JSON_BYTES)) {
        return Err(too_large());
    }
    let body = request.inner().body().ok_or_else(empty_body)?;
    let bytes = read_small(Reader::of_client(&body, IDLE_TIMEOUT), MAX_JSON_BYTES).await.map_err(
        |error| match error {
            StreamError::TooLong(_) => too_large(),
            other => ApiError::InvalidRequest(other.to_string()),
        },
    )?;
    json_fields(&bytes)
        .map_err(|error| ApiError::InvalidRequest(format!("The body is not a JSON object: {error}.")))
}

/// The members of a JSON object in their order, repeated names included.
fn json_fields(bytes: &[u8]) -> serde_json::Result<Fields> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Fields;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
            let mut fields = Fields::new();
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                fields.push((name, FieldValue::Json(value)));
            }
            Ok(fields)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let fields = deserializer.deserialize_map(Members)?;
    deserializer.end()?;
    Ok(fields)
}

fn declared_length(request: &Request) -> Option<u64> {
    header(request, "content-length")?.parse().ok()
}

fn empty_body() -> ApiError {
    ApiError::InvalidRequest("The body is empty.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_kept_for_the_checks() {
        let fields = json_fields(br#"{"prompt":"a","prompt":"b"}"#).unwrap();
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["prompt", "prompt"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "\"a\"", "null", "{}x", "{\"a\":}", &"[".repeat(10_000)] {
            assert!(json_fields(body.as_bytes()).is_err());
        }
        let deep = format!("{{\"prompt\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
        assert!(json_fields(deep.as_bytes()).is_err());
    }
}
