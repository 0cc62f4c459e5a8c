//! The body of a submit: JSON or a form, read within its limits and checked as a whole.

use std::time::Duration;

use super::form::{empty_body, form_error, media_type, open_form};
use super::internal;
use crate::error::ApiError;
use crate::platform::form_reader::MAX_TEXT_BYTES;
use crate::platform::http::{Header, Request};
use crate::platform::image_form::{ImageForm, ReceiveError};
use crate::platform::streams::StreamError;
use crate::platform::upload::UploadError;
use crate::platform::url;
use crate::platform::videos::Videos;
use crate::video::id::VideoId;
use crate::video::json_fields::json_fields;
use crate::video::record::Input;
use crate::video::request::{Fields, IMAGE_FIELD, validate};

/// Largest JSON body: both formats allow as much text.
const MAX_JSON_BYTES: u32 = MAX_TEXT_BYTES;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What was asked for, all of it checked. The image is not in R2 before
/// [`store_image`](Self::store_image).
pub struct Submission<'a> {
    pub input: Input,
    /// Lowercase hex.
    pub image_sha256: Option<String>,
    form: Option<ImageForm<'a>>,
}

impl Submission<'_> {
    /// # Errors
    /// When R2 does not take it.
    pub async fn store_image(self) -> Result<(), ApiError> {
        match self.form {
            Some(form) => form.store_image().await.map_err(internal),
            None => Ok(()),
        }
    }

    /// Forgets an image that is stored already.
    pub async fn discard(self) {
        if let Some(form) = self.form {
            form.discard().await;
        }
    }
}

/// Reads and checks a submit; nothing is kept when something is wrong with it.
pub async fn read<'a>(
    request: &Request,
    videos: &'a Videos,
    id: &VideoId,
) -> Result<Submission<'a>, ApiError> {
    let content_type = request.header(Header::ContentType).unwrap_or_default();
    match media_type(&content_type).as_str() {
        "application/json" => {
            let fields = read_json(request).await?;
            let input = validate(fields, url::parse).map_err(ApiError::InvalidParameter)?;
            Ok(Submission { input, image_sha256: None, form: None })
        }
        "multipart/form-data" => read_multipart(request, &content_type, videos, id).await,
        _ => Err(ApiError::UnsupportedMediaType("Send application/json or multipart/form-data.".to_owned())),
    }
}

async fn read_multipart<'a>(
    request: &Request,
    content_type: &str,
    videos: &'a Videos,
    id: &VideoId,
) -> Result<Submission<'a>, ApiError> {
    let reader = open_form(request, content_type, IMAGE_FIELD)?;
    let mut form = ImageForm::receive(reader, videos, id).await.map_err(|error| match error {
        ReceiveError::Form(error) => form_error(&error),
        ReceiveError::Upload(UploadError::MemoryFull) => ApiError::TooManyUploads,
        ReceiveError::Stream(_) | ReceiveError::Upload(_) => internal(error),
    })?;
    match validate(std::mem::take(&mut form.fields), url::parse) {
        Ok(input) => {
            let image_sha256 = form.image_sha256().await.map_err(internal)?;
            Ok(Submission { input, image_sha256, form: Some(form) })
        }
        Err(errors) => {
            form.discard().await;
            Err(ApiError::InvalidParameter(errors))
        }
    }
}

async fn read_json(request: &Request) -> Result<Fields, ApiError> {
    let too_large =
        || ApiError::PayloadTooLarge(format!("A JSON body has at most {MAX_JSON_BYTES} bytes (64 KiB)."));
    let bytes = request.read_body(MAX_JSON_BYTES, IDLE_TIMEOUT).await.map_err(|error| match error {
        StreamError::TooLong(_) => too_large(),
        other => ApiError::InvalidRequest(other.to_string()),
    })?;
    if bytes.is_empty() {
        return Err(empty_body());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        ApiError::InvalidRequest("The body is not a JSON object: it is not UTF-8.".to_owned())
    })?;
    json_fields(text)
        .map_err(|error| ApiError::InvalidRequest(format!("The body is not a JSON object: {error}.")))
}
