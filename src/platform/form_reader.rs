//! A multipart submit as it streams in: text fields into memory, the image towards R2. Nothing lies in
//! R2 before the caller, who has checked all fields, finishes the upload.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use worker::js_sys::Uint8Array;
use worker::web_sys::ReadableStream;

use super::chunk::{Chunk, joined, to_usize};
use super::digest::Digest;
use super::streams::{Reader, StreamError};
use super::upload::Upload;
use super::videos::Videos;
use crate::multipart::{Demux, FormError, Part, Piece};
use crate::video::id::VideoId;
use crate::video::record::Image;
use crate::video::request::{FieldValue, Fields, IMAGE_FIELD, ImageType, MAX_IMAGE_BYTES};

/// All text fields together; the same as for a JSON body.
pub const MAX_TEXT_BYTES: u32 = 64 * 1024;

/// The whole body: the largest image, all text, and as much again for delimiters and headers.
pub const MAX_BODY_BYTES: u64 = MAX_IMAGE_BYTES + 2 * 64 * 1024;

/// A form has six fields; more parts than this are not read.
const MAX_PARTS: usize = 32;

/// How long a client may send nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
pub enum ReadFormError {
    #[error("the text fields are longer than {MAX_TEXT_BYTES} bytes together")]
    TextTooLong,
    #[error("{IMAGE_FIELD} is larger than {MAX_IMAGE_BYTES} bytes (20 MiB)")]
    ImageTooLarge,
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    BodyTooLarge,
    #[error("the form has more than {MAX_PARTS} parts")]
    TooManyParts,
    #[error("{IMAGE_FIELD} must be a JPEG, PNG or WebP image by its bytes")]
    NotAnImage,
    #[error("field {0:?} is not UTF-8 text")]
    NotText(String),
    #[error(transparent)]
    Form(#[from] FormError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("R2: {0}")]
    Storage(#[from] worker::Error),
}

/// A form as it was read; dropping it leaves nothing behind but what [`Form::discard`] would remove.
pub struct Form<'a> {
    pub fields: Fields,
    image: Option<Upload<'a>>,
    image_digest: Option<Digest>,
}

impl Form<'_> {
    /// SHA-256 of the image in lowercase hex, if there is one. To be asked once.
    ///
    /// # Errors
    /// When the runtime has no digest to give.
    pub async fn image_sha256(&mut self) -> Result<Option<String>, StreamError> {
        match self.image_digest.take() {
            Some(digest) => Ok(Some(digest.finish().await?)),
            None => Ok(None),
        }
    }

    /// Puts the image, if there is one, into R2.
    ///
    /// # Errors
    /// When R2 does not take it.
    pub async fn store_image(self) -> worker::Result<()> {
        if let Some(image) = self.image {
            image.finish().await?;
        }
        Ok(())
    }

    /// Forgets an image that is not wanted.
    pub async fn discard(self) {
        if let Some(image) = self.image {
            image.abort().await;
        }
    }
}

/// Reads a form to its end.
///
/// # Errors
/// [`ReadFormError`]; nothing is kept then.
pub async fn read_form<'a>(
    body: &ReadableStream,
    boundary: &str,
    videos: &'a Videos,
    id: &VideoId,
) -> Result<Form<'a>, ReadFormError> {
    let mut reader = FormReader {
        videos,
        id,
        fields: Vec::new(),
        parts: 0,
        text_bytes: 0,
        image: None,
        image_digest: None,
    };
    match reader.read(body, boundary).await {
        Ok(()) => Ok(Form { fields: reader.fields, image: reader.image, image_digest: reader.image_digest }),
        Err(error) => {
            Form { fields: Vec::new(), image: reader.image, image_digest: None }.discard().await;
            Err(error)
        }
    }
}

struct FormReader<'a, 'id> {
    videos: &'a Videos,
    id: &'id VideoId,
    fields: Fields,
    parts: usize,
    text_bytes: u32,
    image: Option<Upload<'a>>,
    image_digest: Option<Digest>,
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
        held: Uint8Array,
        is_chosen: bool,
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

impl FormReader<'_, '_> {
    async fn read(&mut self, body: &ReadableStream, boundary: &str) -> Result<(), ReadFormError> {
        let mut reader = Reader::of_client(body, IDLE_TIMEOUT);
        let mut demux = Demux::<Chunk>::new(boundary);
        let mut open = Open::Nothing;
        let mut body_bytes = 0;
        while let Some(chunk) = reader.next().await? {
            body_bytes += u64::from(chunk.length());
            if body_bytes > MAX_BODY_BYTES {
                return Err(too_large(&open));
            }
            demux.push(&Chunk::new(chunk));
            while let Some(piece) = demux.take()? {
                open = match piece {
                    Piece::PartStart(part) => self.start(part)?,
                    Piece::Data(data) => self.data(open, data.array).await?,
                    Piece::PartEnd => self.end(open)?,
                    Piece::End => Open::Nothing,
                };
            }
        }
        Ok(demux.finish()?)
    }

    fn start(&mut self, part: Part) -> Result<Open, ReadFormError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ReadFormError::TooManyParts);
        }
        Ok(match part.filename {
            None => Open::Text { name: part.name, bytes: Vec::new() },
            // A second image is reported with the fields; the first stays.
            Some(filename) if part.name == IMAGE_FIELD && self.image.is_none() => {
                Open::ImageStart { held: Uint8Array::new_with_length(0), is_chosen: !filename.is_empty() }
            }
            Some(_) => Open::OtherFile { name: part.name },
        })
    }

    async fn data(&mut self, open: Open, data: Uint8Array) -> Result<Open, ReadFormError> {
        match open {
            Open::Text { name, mut bytes } => {
                self.text_bytes = self.text_bytes.saturating_add(data.length());
                if self.text_bytes > MAX_TEXT_BYTES {
                    return Err(ReadFormError::TextTooLong);
                }
                bytes.extend(data.to_vec());
                Ok(Open::Text { name, bytes })
            }
            Open::ImageStart { held, is_chosen } => {
                let held = joined(&held, &data);
                if to_usize(held.length()) < ImageType::MAGIC_BYTES {
                    return Ok(Open::ImageStart { held, is_chosen });
                }
                self.begin_image(held).await
            }
            Open::Image { content_type, size } => self.write_image(content_type, size, data).await,
            Open::OtherFile { .. } | Open::Nothing => Ok(open),
        }
    }

    fn end(&mut self, open: Open) -> Result<Open, ReadFormError> {
        let (name, value) = match open {
            Open::Nothing => return Ok(Open::Nothing),
            Open::Text { name, bytes } => match String::from_utf8(bytes) {
                Ok(text) => (name, FieldValue::Json(Value::String(text))),
                Err(_) => return Err(ReadFormError::NotText(name)),
            },
            // The empty part that a browser sends when no file was chosen.
            Open::ImageStart { held, is_chosen: false } if held.length() == 0 => {
                (IMAGE_FIELD.to_owned(), FieldValue::Json(Value::Null))
            }
            Open::ImageStart { .. } => return Err(ReadFormError::NotAnImage),
            Open::Image { content_type, size } => {
                (IMAGE_FIELD.to_owned(), FieldValue::File(Image { content_type, size }))
            }
            Open::OtherFile { name } => {
                (name, FieldValue::File(Image { content_type: ImageType::Png, size: 0 }))
            }
        };
        self.fields.push((name, value));
        Ok(Open::Nothing)
    }

    async fn begin_image(&mut self, held: Uint8Array) -> Result<Open, ReadFormError> {
        let magic = u32::try_from(ImageType::MAGIC_BYTES).unwrap_or(u32::MAX);
        let start = held.subarray(0, magic).to_vec();
        let content_type = ImageType::sniff(&start).ok_or(ReadFormError::NotAnImage)?;
        self.image = Some(self.videos.upload_input(self.id, content_type.content_type()));
        self.image_digest = Some(Digest::new()?);
        self.write_image(content_type, 0, held).await
    }

    async fn write_image(
        &mut self,
        content_type: ImageType,
        size: u64,
        data: Uint8Array,
    ) -> Result<Open, ReadFormError> {
        let size = size + u64::from(data.length());
        if size > MAX_IMAGE_BYTES {
            return Err(ReadFormError::ImageTooLarge);
        }
        if let Some(digest) = &self.image_digest {
            digest.write(&data).await?;
        }
        if let Some(upload) = &mut self.image {
            upload.write(&data).await?;
        }
        Ok(Open::Image { content_type, size })
    }
}

fn too_large(open: &Open) -> ReadFormError {
    match open {
        Open::Image { .. } => ReadFormError::ImageTooLarge,
        _ => ReadFormError::BodyTooLarge,
    }
}
