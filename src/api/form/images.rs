//! A submit's form: its pictures on the way to R2 while the form is read. Nothing lies in R2 before the caller,
//! who has checked all fields, finishes the uploads.

use thiserror::Error;

use super::reader::{FormReader, Incoming, ReadFormError};
use crate::runtime::digest::Digest;
use crate::runtime::streams::StreamError;
use crate::storage::upload::{Upload, UploadError};
use crate::storage::videos::{Frame, Videos};
use crate::video::id::VideoId;
use crate::video::request::{Fields, LAST};

#[derive(Debug, Error)]
pub enum ReceiveError {
    #[error(transparent)]
    Form(#[from] ReadFormError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("R2: {0}")]
    Upload(#[from] UploadError),
}

/// A picture that was read; its upload is not finished.
struct Received<'a> {
    frame: Frame,
    upload: Upload<'a>,
    digest: Digest,
}

/// A form as it was read; dropping it leaves nothing behind but what [`ImageForm::discard`] would remove.
pub struct ImageForm<'a> {
    pub fields: Fields,
    images: Vec<Received<'a>>,
}

/// Pictures whose fields were found good, ready to be stored.
pub struct ReceivedImages<'a>(Vec<Upload<'a>>);

/// SHA-256 of first and last frame in lowercase hex, as far as there are any.
#[derive(Debug, Default)]
pub struct ImageDigests {
    pub first: Option<String>,
    pub last: Option<String>,
}

impl<'a> ImageForm<'a> {
    /// Reads a form to its end.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing is kept then.
    pub async fn receive(
        mut reader: FormReader,
        videos: &'a Videos,
        id: &VideoId,
    ) -> Result<Self, ReceiveError> {
        let mut form = Self { fields: Vec::new(), images: Vec::new() };
        if let Err(error) = form.read(&mut reader, videos, id).await {
            form.discard().await;
            return Err(error);
        }
        form.fields = reader.take_fields();
        Ok(form)
    }

    /// The pictures, and what they are by their bytes.
    ///
    /// # Errors
    /// When the runtime has no digest to give; nothing is kept then.
    pub async fn finish(self) -> Result<(ReceivedImages<'a>, ImageDigests), StreamError> {
        let mut uploads = Vec::new();
        let mut digests = ImageDigests::default();
        let mut failure = None;
        for Received { frame, upload, digest } in self.images {
            uploads.push(upload);
            match digest.finish().await {
                Ok(sha256) if frame == Frame::First => digests.first = Some(sha256),
                Ok(sha256) => digests.last = Some(sha256),
                Err(error) => failure = Some(error),
            }
        }
        let images = ReceivedImages(uploads);
        match failure {
            Some(error) => {
                images.discard().await;
                Err(error)
            }
            None => Ok((images, digests)),
        }
    }

    /// Forgets pictures that are not wanted.
    pub async fn discard(self) {
        for image in self.images {
            image.upload.abort().await;
        }
    }

    async fn read(
        &mut self,
        reader: &mut FormReader,
        videos: &'a Videos,
        id: &VideoId,
    ) -> Result<(), ReceiveError> {
        while let Some(incoming) = reader.next().await? {
            let bytes = match incoming {
                Incoming::Image { field, content_type, bytes, .. } => {
                    let frame = if field == LAST { Frame::Last } else { Frame::First };
                    let upload = videos.upload_input(id, frame, content_type.content_type());
                    self.images.push(Received { frame, upload, digest: Digest::new()? });
                    bytes
                }
                Incoming::Bytes(bytes) => bytes,
            };
            // Bytes are those of the picture that began last.
            if let Some(Received { upload, digest, .. }) = self.images.last_mut() {
                digest.write(&bytes).await?;
                upload.write(&bytes).await?;
            }
        }
        Ok(())
    }
}

impl ReceivedImages<'_> {
    /// Puts the pictures into R2.
    ///
    /// # Errors
    /// When R2 does not take one.
    pub async fn store(self) -> Result<(), UploadError> {
        for upload in self.0 {
            upload.finish().await?;
        }
        Ok(())
    }

    /// Forgets pictures that are not wanted.
    pub async fn discard(self) {
        for upload in self.0 {
            upload.abort().await;
        }
    }
}
