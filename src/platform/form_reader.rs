//! A form as it streams in: text fields into memory, its one file handed on piece by piece to whoever reads.
//! Shared by everything that takes an image.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use worker::js_sys::Uint8Array;

use super::chunk::{Chunk, joined, to_usize};
use super::streams::{Reader, StreamError};
use crate::multipart::{Demux, FormError, Part, Piece};
use crate::video::record::Image;
use crate::video::request::{FieldValue, Fields, ImageType, MAX_IMAGE_BYTES};

/// All text fields together; the same as for a JSON body.
pub const MAX_TEXT_BYTES: u32 = 64 * 1024;

/// The whole body: the largest image, all text, and as much again for delimiters and headers.
pub const MAX_BODY_BYTES: u64 = MAX_IMAGE_BYTES + 2 * 64 * 1024;

/// A form has six fields at most; more parts than this are not read.
const MAX_PARTS: usize = 32;

/// How long a client may send nothing.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
pub enum ReadFormError {
    #[error("the text fields are longer than {MAX_TEXT_BYTES} bytes together")]
    TextTooLong,
    #[error("{0} is larger than {MAX_IMAGE_BYTES} bytes (20 MiB)")]
    ImageTooLarge(&'static str),
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    BodyTooLarge,
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

/// What a form brings that is not kept.
pub enum Incoming {
    /// The image begins, with these bytes.
    Image { filename: String, content_type: ImageType, bytes: Uint8Array },
    /// It goes on.
    Bytes(Uint8Array),
}

pub struct FormReader {
    source: Reader,
    demux: Demux<Chunk>,
    /// The field whose file is an image.
    image_field: &'static str,
    open: Open,
    fields: Fields,
    has_image: bool,
    parts: usize,
    text_bytes: u32,
    body_bytes: u64,
}

/// The part that is being read.
enum Open {
    Nothing,
    Text {
        name: String,
        bytes: Vec<u8>,
    },
    /// The image before its type is known.
    ImageStart {
        filename: String,
        held: Uint8Array,
    },
    Image {
        content_type: ImageType,
        size: u64,
    },
    /// A file that no field takes: counted, not kept.
    OtherFile {
        name: String,
    },
}

impl FormReader {
    #[must_use]
    pub fn new(source: Reader, boundary: &str, image_field: &'static str) -> Self {
        Self {
            source,
            demux: Demux::new(boundary),
            image_field,
            open: Open::Nothing,
            fields: Vec::new(),
            has_image: false,
            parts: 0,
            text_bytes: 0,
            body_bytes: 0,
        }
    }

    /// The next bytes of the image; `None` when the form was read to its end.
    ///
    /// # Errors
    /// [`ReadFormError`]; what was handed out must be forgotten then.
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
            if self.body_bytes > MAX_BODY_BYTES {
                return Err(match self.open {
                    Open::Image { .. } => ReadFormError::ImageTooLarge(self.image_field),
                    _ => ReadFormError::BodyTooLarge,
                });
            }
            self.demux.push(&Chunk(chunk));
        }
    }

    #[must_use]
    pub fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// All fields so far, in the order given.
    pub fn take_fields(&mut self) -> Fields {
        std::mem::take(&mut self.fields)
    }

    fn start(&mut self, part: Part) -> Result<Open, ReadFormError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ReadFormError::TooManyParts);
        }
        Ok(match part.filename {
            None => Open::Text { name: part.name, bytes: Vec::new() },
            // A second image is reported with the fields; the first stays.
            Some(filename) if part.name == self.image_field && !self.has_image => {
                Open::ImageStart { filename, held: Uint8Array::new_with_length(0) }
            }
            Some(_) => Open::OtherFile { name: part.name },
        })
    }

    fn data(&mut self, data: Uint8Array) -> Result<Option<Incoming>, ReadFormError> {
        match &mut self.open {
            Open::Text { bytes, .. } => {
                self.text_bytes = self.text_bytes.saturating_add(data.length());
                if self.text_bytes > MAX_TEXT_BYTES {
                    return Err(ReadFormError::TextTooLong);
                }
                bytes.extend(data.to_vec());
            }
            Open::ImageStart { filename, held } => {
                let bytes = joined(held, &data);
                if to_usize(bytes.length()) < ImageType::MAGIC_BYTES {
                    *held = bytes;
                    return Ok(None);
                }
                let magic = u32::try_from(ImageType::MAGIC_BYTES).unwrap_or(u32::MAX);
                let start = bytes.subarray(0, magic).to_vec();
                let content_type =
                    ImageType::sniff(&start).ok_or(ReadFormError::NotAnImage(self.image_field))?;
                let filename = std::mem::take(filename);
                self.has_image = true;
                self.open = Open::Image { content_type, size: 0 };
                self.count(&bytes)?;
                return Ok(Some(Incoming::Image { filename, content_type, bytes }));
            }
            Open::Image { .. } => {
                self.count(&data)?;
                return Ok(Some(Incoming::Bytes(data)));
            }
            Open::OtherFile { .. } | Open::Nothing => {}
        }
        Ok(None)
    }

    fn count(&mut self, bytes: &Uint8Array) -> Result<(), ReadFormError> {
        if let Open::Image { size, .. } = &mut self.open {
            *size += u64::from(bytes.length());
            if *size > MAX_IMAGE_BYTES {
                return Err(ReadFormError::ImageTooLarge(self.image_field));
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadFormError> {
        let image_field = || self.image_field.to_owned();
        let (name, value) = match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return Ok(()),
            Open::Text { name, bytes } => match String::from_utf8(bytes) {
                Ok(text) => (name, FieldValue::Json(Value::String(text))),
                Err(_) => return Err(ReadFormError::NotText(name)),
            },
            // The empty part that a browser sends when no file was chosen.
            Open::ImageStart { filename, held } if filename.is_empty() && held.length() == 0 => {
                (image_field(), FieldValue::Json(Value::Null))
            }
            Open::ImageStart { .. } => return Err(ReadFormError::NotAnImage(self.image_field)),
            Open::Image { content_type, size } => {
                (image_field(), FieldValue::File(Image { content_type, size }))
            }
            Open::OtherFile { name } => {
                (name, FieldValue::File(Image { content_type: ImageType::Png, size: 0 }))
            }
        };
        self.fields.push((name, value));
        Ok(())
    }
}
