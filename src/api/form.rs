//! Forms of submits and uploads: opening one, and its errors.

pub mod images;
pub mod reader;

use super::error::ApiError;
use super::form::reader::{FormReader, IDLE_TIMEOUT, ReadFormError, max_body_bytes};
use crate::http::multipart;
use crate::runtime::http::{Header, Request};

/// The content type in lower case, without parameters.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Opens the multipart form in the body. Only the `image_fields` may be files.
pub fn open_form(
    request: &Request,
    content_type: &str,
    image_fields: &'static [&'static str],
) -> Result<FormReader, ApiError> {
    let boundary = multipart::boundary(content_type).ok_or_else(|| {
        ApiError::InvalidRequest("The Content-Type has no usable boundary parameter.".to_owned())
    })?;
    if declared_length(request).is_some_and(|length| length > max_body_bytes(image_fields)) {
        let field = image_fields.first().copied().unwrap_or_default();
        return Err(form_error(&ReadFormError::ImageTooLarge(field)));
    }
    let body = request.reader(IDLE_TIMEOUT).ok_or_else(empty_body)?;
    Ok(FormReader::new(body, boundary, image_fields))
}

pub fn form_error(error: &ReadFormError) -> ApiError {
    let detail = error.to_string();
    match error {
        ReadFormError::TextTooLong | ReadFormError::ImageTooLarge(_) | ReadFormError::BodyTooLarge(_) => {
            ApiError::PayloadTooLarge(detail)
        }
        ReadFormError::NotAnImage(_) => ApiError::UnsupportedMediaType(detail),
        ReadFormError::TooManyParts
        | ReadFormError::NotText(_)
        | ReadFormError::Form(_)
        | ReadFormError::Stream(_) => ApiError::InvalidRequest(detail),
    }
}

pub fn declared_length(request: &Request) -> Option<u64> {
    request.header(Header::ContentLength)?.parse().ok()
}

pub fn empty_body() -> ApiError {
    ApiError::InvalidRequest("The body is empty.".to_owned())
}
