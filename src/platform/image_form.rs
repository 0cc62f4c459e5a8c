//! A submit's form: its image on the way to R2 while the form is read. Nothing lies in R2 before the caller,
//! who has checked all fields, finishes the upload.

use thiserror::Error;

use super::digest::Digest;
use super::form_reader::{FormReader, Incoming, ReadFormError};
use super::streams::StreamError;
use super::upload::{Upload, UploadError};
use super::videos::Videos;
use crate::video::id::VideoId;
use crate::video::request::Fields;

#[derive(Debug, Error)]
pub enum ReceiveError {
    #[error(transparent)]
    Form(#[from] ReadFormError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("R2: {0}")]
    Upload(#[from] UploadError),
}

/// A form as it was read; dropping it leaves nothing behind but what [`ImageForm::discard`] would remove.
pub struct ImageForm<'a> {
    pub fields: Fields,
    image: Option<Upload<'a>>,
    image_digest: Option<Digest>,
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
        let mut form = Self { fields: Vec::new(), image: None, image_digest: None };
        if let Err(error) = form.read(&mut reader, videos, id).await {
            form.discard().await;
            return Err(error);
        }
        form.fields = reader.take_fields();
        Ok(form)
    }

    /// Puts the image, if there is one, into R2.
    ///
    /// # Errors
    /// When R2 does not take it.
    pub async fn store_image(self) -> Result<(), UploadError> {
        if let Some(image) = self.image {
            image.finish().await?;
        }
        Ok(())
    }

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

    /// Forgets an image that is not wanted.
    pub async fn discard(self) {
        if let Some(image) = self.image {
            image.abort().await;
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
                Incoming::Image { content_type, bytes, .. } => {
                    self.image = Some(videos.upload_input(id, content_type.content_type()));
                    self.image_digest = Some(Digest::new()?);
                    bytes
                }
                Incoming::Bytes(bytes) => bytes,
            };
            if let Some(digest) = &self.image_digest {
                digest.write(&bytes).await?;
            }
            if let Some(upload) = &mut self.image {
                upload.write(&bytes).await?;
            }
        }
        Ok(())
    }
}
