//! The body of a submit: JSON or a form, read within its limits and checked as a whole.

use std::time::Duration;

use super::error::ApiError;
use super::form::images::{ImageDigests, ImageForm, ReceiveError, ReceivedImages};
use super::form::reader::MAX_TEXT_BYTES;
use super::form::{empty_body, form_error, media_type, open_form};
use super::internal;
use crate::runtime::http::{Header, Request};
use crate::runtime::streams::StreamError;
use crate::runtime::url;
use crate::storage::upload::UploadError;
use crate::storage::videos::Videos;
use crate::video::id::VideoId;
use crate::video::model::Capabilities;
use crate::video::record::Input;
use crate::video::request::json_fields::json_fields;
use crate::video::request::{Fields, IMAGE_FIELDS, validate};

/// Largest JSON body: both formats allow as much text.
const MAX_JSON_BYTES: u32 = MAX_TEXT_BYTES;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What was asked for, all of it checked. The images are not in R2 before
/// [`store_images`](Self::store_images).
pub struct Submission<'a> {
    pub input: Input,
    pub digests: ImageDigests,
    images: Option<ReceivedImages<'a>>,
}

impl Submission<'_> {
    /// # Errors
    /// When R2 does not take it.
    pub async fn store_images(self) -> Result<(), ApiError> {
        match self.images {
            Some(images) => images.store().await.map_err(internal),
            None => Ok(()),
        }
    }

    /// Forgets images that are stored already.
    pub async fn discard(self) {
        if let Some(images) = self.images {
            images.discard().await;
        }
    }
}

/// Reads and checks a submit; nothing is kept when something is wrong with it.
pub async fn read<'a>(
    request: &Request,
    model: &Capabilities,
    videos: &'a Videos,
    id: &VideoId,
) -> Result<Submission<'a>, ApiError> {
    let content_type = request.header(Header::ContentType).unwrap_or_default();
    match media_type(&content_type).as_str() {
        "application/json" => {
            let fields = read_json(request).await?;
            let input = validate(fields, model, url::parse).map_err(ApiError::InvalidParameter)?;
            Ok(Submission { input, digests: ImageDigests::default(), images: None })
        }
        "multipart/form-data" => read_multipart(request, &content_type, model, videos, id).await,
        _ => Err(ApiError::UnsupportedMediaType("Send application/json or multipart/form-data.".to_owned())),
    }
}

async fn read_multipart<'a>(
    request: &Request,
    content_type: &str,
    model: &Capabilities,
    videos: &'a Videos,
    id: &VideoId,
) -> Result<Submission<'a>, ApiError> {
    let reader = open_form(request, content_type, &IMAGE_FIELDS)?;
    let mut form = ImageForm::receive(reader, videos, id).await.map_err(|error| match error {
        ReceiveError::Form(error) => form_error(&error),
        ReceiveError::Upload(UploadError::MemoryFull(_)) => ApiError::TooManyUploads,
        ReceiveError::Stream(_) | ReceiveError::Upload(_) => internal(error),
    })?;
    match validate(std::mem::take(&mut form.fields), model, url::parse) {
        Ok(input) => {
            let (images, digests) = form.finish().await.map_err(internal)?;
            Ok(Submission { input, digests, images: Some(images) })
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
