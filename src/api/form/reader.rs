//! Reads a streaming multipart form. Text fields are kept in memory; the bytes of images are returned chunk by chunk.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use worker::js_sys::Uint8Array;

use crate::http::multipart::{Demux, FormError, Part, Piece};
use crate::runtime::chunk::{Chunk, joined, to_usize};
use crate::runtime::streams::{Reader, StreamError};
use crate::video::record::Image;
use crate::video::request::{FieldValue, Fields, ImageType, MAX_IMAGE_BYTES, MAX_IMAGES};

/// Limit for all text fields together; the same as for a JSON body.
pub const MAX_TEXT_BYTES: u32 = 64 * 1024;

/// Limit for everything but the images: the text, and as much again for delimiters and headers.
const MAX_OTHER_BYTES: u64 = 2 * 64 * 1024;

/// Limit for the whole body of a form with these image fields.
#[must_use]
pub fn max_body_bytes(image_fields: &[&str]) -> u64 {
    let images = u64::try_from(image_fields.len()).unwrap_or(u64::MAX).min(MAX_IMAGES);
    images.saturating_mul(MAX_IMAGE_BYTES).saturating_add(MAX_OTHER_BYTES)
}

/// Limit for the parts. A form has about 15 fields and 16 pairs of metadata at most.
const MAX_PARTS: usize = 48;

/// A client that sends nothing for this long is disconnected.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
pub enum ReadFormError {
    #[error("the text fields are longer than {MAX_TEXT_BYTES} bytes together")]
    TextTooLong,
    #[error("{0} is larger than {MAX_IMAGE_BYTES} bytes (20 MiB)")]
    ImageTooLarge(&'static str),
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(u64),
    #[error("the form has more than {MAX_PARTS} parts")]
    TooManyParts,
    #[error("{0} must be a JPEG, PNG or WebP image by its bytes")]
    NotAnImage(&'static str),
    #[error("field {0:?} is not UTF-8 text")]
    NotText(String),
    #[error(transparent)]
    Form(#[from] FormError),
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Bytes of an image.
pub enum Incoming {
    /// The image of this field starts with these bytes.
    Image { field: &'static str, filename: String, content_type: ImageType, bytes: Uint8Array },
    /// The next bytes of the same image.
    Bytes(Uint8Array),
}

pub struct FormReader {
    source: Reader,
    demux: Demux<Chunk>,
    /// The fields that may contain an image.
    image_fields: &'static [&'static str],
    open: OpenPart,
    fields: Fields,
    /// The fields whose images were received.
    seen: Vec<&'static str>,
    parts: usize,
    text_bytes: u32,
    body_bytes: u64,
}

/// The part that is being read.
enum OpenPart {
    Nothing,
    Text {
        name: String,
        bytes: Vec<u8>,
    },
    /// The start of an image; its type is not known yet.
    ImageStart {
        field: &'static str,
        filename: String,
        buffered: Uint8Array,
    },
    Image {
        field: &'static str,
        content_type: ImageType,
        size: u64,
    },
    /// A file in a field that takes none. Its bytes are ignored.
    OtherFile {
        name: String,
    },
}

impl FormReader {
    #[must_use]
    pub fn new(source: Reader, boundary: &str, image_fields: &'static [&'static str]) -> Self {
        Self {
            source,
            demux: Demux::new(boundary),
            image_fields,
            open: OpenPart::Nothing,
            fields: Vec::new(),
            seen: Vec::new(),
            parts: 0,
            text_bytes: 0,
            body_bytes: 0,
        }
    }

    /// The next bytes of an image; `None` at the end of the form.
    ///
    /// # Errors
    /// [`ReadFormError`]; the caller must discard the bytes that it got.
    pub async fn next(&mut self) -> Result<Option<Incoming>, ReadFormError> {
        loop {
            while let Some(piece) = self.demux.take()? {
                match piece {
                    Piece::PartStart(part) => self.open = self.start(part)?,
                    Piece::Data(data) => {
                        if let Some(incoming) = self.data(data.0)? {
                            return Ok(Some(incoming));
                        }
                    }
                    Piece::PartEnd => self.end()?,
                    Piece::End => {}
                }
            }
            let Some(chunk) = self.source.next().await? else {
                self.demux.finish()?;
                return Ok(None);
            };
            self.body_bytes += u64::from(chunk.length());
            let max_bytes = max_body_bytes(self.image_fields);
            if self.body_bytes > max_bytes {
                return Err(match self.open {
                    OpenPart::Image { field, .. } => ReadFormError::ImageTooLarge(field),
                    _ => ReadFormError::BodyTooLarge(max_bytes),
                });
            }
            self.demux.push(&Chunk(chunk));
        }
    }

    /// The fields so far, in the order of the form.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Takes the fields so far, in the order of the form.
    pub fn take_fields(&mut self) -> Fields {
        std::mem::take(&mut self.fields)
    }

    fn start(&mut self, part: Part) -> Result<OpenPart, ReadFormError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ReadFormError::TooManyParts);
        }
        let Some(filename) = part.filename else {
            return Ok(OpenPart::Text { name: part.name, bytes: Vec::new() });
        };
        // A second image of the same field is reported later as an invalid field.
        let is_new = |field: &&&'static str| **field == part.name && !self.seen.contains(*field);
        Ok(match self.image_fields.iter().find(is_new) {
            Some(field) => OpenPart::ImageStart { field, filename, buffered: Uint8Array::new_with_length(0) },
            None => OpenPart::OtherFile { name: part.name },
        })
    }

    fn data(&mut self, data: Uint8Array) -> Result<Option<Incoming>, ReadFormError> {
        match &mut self.open {
            OpenPart::Text { bytes, .. } => {
                self.text_bytes = self.text_bytes.saturating_add(data.length());
                if self.text_bytes > MAX_TEXT_BYTES {
                    return Err(ReadFormError::TextTooLong);
                }
                bytes.extend(data.to_vec());
            }
            OpenPart::ImageStart { field, filename, buffered } => {
                let field = *field;
                let bytes = joined(buffered, &data);
                if to_usize(bytes.length()) < ImageType::MAGIC_BYTES {
                    *buffered = bytes;
                    return Ok(None);
                }
                let magic = u32::try_from(ImageType::MAGIC_BYTES).unwrap_or(u32::MAX);
                let start = bytes.subarray(0, magic).to_vec();
                let content_type = ImageType::sniff(&start).ok_or(ReadFormError::NotAnImage(field))?;
                let filename = std::mem::take(filename);
                self.seen.push(field);
                self.open = OpenPart::Image { field, content_type, size: 0 };
                self.count(&bytes)?;
                return Ok(Some(Incoming::Image { field, filename, content_type, bytes }));
            }
            OpenPart::Image { .. } => {
                self.count(&data)?;
                return Ok(Some(Incoming::Bytes(data)));
            }
            OpenPart::OtherFile { .. } | OpenPart::Nothing => {}
        }
        Ok(None)
    }

    fn count(&mut self, bytes: &Uint8Array) -> Result<(), ReadFormError> {
        if let OpenPart::Image { field, size, .. } = &mut self.open {
            *size += u64::from(bytes.length());
            if *size > MAX_IMAGE_BYTES {
                return Err(ReadFormError::ImageTooLarge(field));
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadFormError> {
        let (name, value) = match std::mem::replace(&mut self.open, OpenPart::Nothing) {
            OpenPart::Nothing => return Ok(()),
            OpenPart::Text { name, bytes } => match String::from_utf8(bytes) {
                Ok(text) => (name, FieldValue::Json(Value::String(text))),
                Err(_) => return Err(ReadFormError::NotText(name)),
            },
            // A browser sends an empty part if no file was chosen.
            OpenPart::ImageStart { field, filename, buffered }
                if filename.is_empty() && buffered.length() == 0 =>
            {
                (field.to_owned(), FieldValue::Json(Value::Null))
            }
            OpenPart::ImageStart { field, .. } => return Err(ReadFormError::NotAnImage(field)),
            OpenPart::Image { field, content_type, size } => {
                (field.to_owned(), FieldValue::File(Image { content_type, size }))
            }
            OpenPart::OtherFile { name } => {
                (name, FieldValue::File(Image { content_type: ImageType::Png, size: 0 }))
            }
        };
        self.fields.push((name, value));
        Ok(())
    }
}
