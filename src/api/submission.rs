//! The body of a submit: JSON or a form. It is read up to its size limits, then validated as a whole.

use std::time::Duration;

use super::error::ApiError;
use super::form::images::{ImageDigests, ImageForm, ReceiveError, ReceivedImages};
use super::form::reader::MAX_TEXT_BYTES;
use super::form::{empty_body, form_error, media_type, open_form};
use super::internal;
use crate::runtime::http::{Header, Request};
use crate::runtime::streams::StreamError;
use crate::storage::upload::UploadError;
use crate::storage::videos::Videos;
use crate::video::id::VideoId;
use crate::video::model::Capabilities;
use crate::video::request::json_fields::json_fields;
use crate::video::request::{Fields, IMAGE_FIELDS, Links, ValidRequest, named_model, validate};

/// Limit of a JSON body: as much text as a form may have.
const MAX_JSON_BYTES: u32 = MAX_TEXT_BYTES;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The body of a submit before validation. Its images are being uploaded to R2.
pub struct Body<'a> {
    fields: Fields,
    form: Option<ImageForm<'a>>,
}

/// A valid submit. Its images exist in R2 only after [`store_images`](Self::store_images).
pub struct Submission<'a> {
    pub requested: ValidRequest,
    pub digests: ImageDigests,
    images: Option<ReceivedImages<'a>>,
}

impl<'a> Body<'a> {
    /// Reads the body. After an error no image is stored.
    pub async fn read(request: &Request, videos: &'a Videos, id: &VideoId) -> Result<Self, ApiError> {
        let content_type = request.header(Header::ContentType).unwrap_or_default();
        match media_type(&content_type).as_str() {
            "application/json" => Ok(Self { fields: read_json(request).await?, form: None }),
            "multipart/form-data" => {
                let mut form = receive(request, &content_type, videos, id).await?;
                Ok(Self { fields: std::mem::take(&mut form.fields), form: Some(form) })
            }
            _ => Err(ApiError::UnsupportedMediaType(
                "Send application/json or multipart/form-data.".to_owned(),
            )),
        }
    }

    /// The name of the model in the body.
    pub fn model(&self) -> Result<Option<String>, ApiError> {
        let model = named_model(&self.fields).map_err(|error| ApiError::InvalidParameter(vec![error]))?;
        Ok(model.map(str::to_owned))
    }

    /// Validates the fields for this model. After an error no image is stored.
    pub async fn check(self, model: &Capabilities, links: Links<'_>) -> Result<Submission<'a>, ApiError> {
        let requested = match validate(self.fields, model, links) {
            Ok(requested) => requested,
            Err(errors) => {
                if let Some(form) = self.form {
                    form.discard().await;
                }
                return Err(ApiError::InvalidParameter(errors));
            }
        };
        let Some(form) = self.form else {
            return Ok(Submission { requested, digests: ImageDigests::default(), images: None });
        };
        let (images, digests) = form.finish().await.map_err(internal)?;
        Ok(Submission { requested, digests, images: Some(images) })
    }

    /// Aborts the uploads of the images.
    pub async fn discard(self) {
        if let Some(form) = self.form {
            form.discard().await;
        }
    }
}

impl Submission<'_> {
    /// # Errors
    /// If R2 does not accept an image.
    pub async fn store_images(self) -> Result<(), ApiError> {
        match self.images {
            Some(images) => images.store().await.map_err(internal),
            None => Ok(()),
        }
    }

    /// Aborts the uploads of images that are not needed, because the video exists already.
    pub async fn discard(self) {
        if let Some(images) = self.images {
            images.discard().await;
        }
    }
}

async fn receive<'a>(
    request: &Request,
    content_type: &str,
    videos: &'a Videos,
    id: &VideoId,
) -> Result<ImageForm<'a>, ApiError> {
    let reader = open_form(request, content_type, &IMAGE_FIELDS)?;
    ImageForm::receive(reader, videos, id).await.map_err(|error| match error {
        ReceiveError::Form(error) => form_error(&error),
        ReceiveError::Upload(UploadError::MemoryFull(_)) => ApiError::TooManyUploads,
        ReceiveError::Stream(_) | ReceiveError::Upload(_) => internal(error),
    })
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
