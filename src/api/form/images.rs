//! The form of a submit: its images are uploaded to R2 while the form is read. An image exists in R2 only when the
//! caller has validated all fields and finished the uploads.

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

/// An image that was read; its upload is not finished.
struct Received<'a> {
    frame: Frame,
    upload: Upload<'a>,
    digest: Digest,
}

/// A form that was read. If its images are not wanted, call [`ImageForm::discard`].
pub struct ImageForm<'a> {
    pub fields: Fields,
    images: Vec<Received<'a>>,
}

/// Images that can be stored.
pub struct ReceivedImages<'a>(Vec<Upload<'a>>);

/// SHA-256 of the first and the last frame in lowercase hex; `None` without an image.
#[derive(Debug, Default)]
pub struct ImageDigests {
    pub first: Option<String>,
    pub last: Option<String>,
}

impl<'a> ImageForm<'a> {
    /// Reads a form to its end.
    ///
    /// # Errors
    /// [`ReceiveError`]; the uploads are aborted.
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

    /// Returns the images and their digests.
    ///
    /// # Errors
    /// If the runtime cannot compute a digest; the uploads are aborted.
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

    /// Aborts the uploads.
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
            // The bytes belong to the latest image.
            if let Some(Received { upload, digest, .. }) = self.images.last_mut() {
                digest.write(&bytes).await?;
                upload.write(&bytes).await?;
            }
        }
        Ok(())
    }
}

impl ReceivedImages<'_> {
    /// Finishes the uploads to R2.
    ///
    /// # Errors
    /// If R2 refuses an image.
    pub async fn store(self) -> Result<(), UploadError> {
        for upload in self.0 {
            upload.finish().await?;
        }
        Ok(())
    }

    /// Aborts the uploads.
    pub async fn discard(self) {
        for upload in self.0 {
            upload.abort().await;
        }
    }
}
