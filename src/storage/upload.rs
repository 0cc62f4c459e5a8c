//! Stores a stream of unknown length in R2, which wants to know lengths. Up to one part is buffered in JavaScript
//! memory and stored at once; longer streams become a multipart upload.

use std::time::Duration;

use thiserror::Error;
use worker::js_sys::Uint8Array;

use super::r2::{Bucket, PartsUpload, R2Object};
use crate::runtime::buffer::{Buffer, MemoryFull, PART_BYTES};
use crate::runtime::timeout::{TimedOut, with_timeout};

/// Limit on R2 for one part, or for the completion.
const R2_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
pub enum UploadError {
    #[error(transparent)]
    MemoryFull(#[from] MemoryFull),
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error(transparent)]
    Storage(#[from] worker::Error),
}

type Result<T> = std::result::Result<T, UploadError>;

pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    content_type: String,
    /// The part that is not sent yet.
    buffer: Buffer,
    multipart: Option<PartsUpload>,
}

impl<'a> Upload<'a> {
    #[must_use]
    pub fn new(bucket: &'a Bucket, key: String, content_type: &str) -> Self {
        Self {
            bucket,
            key,
            content_type: content_type.to_owned(),
            buffer: Buffer::default(),
            multipart: None,
        }
    }

    /// # Errors
    /// If R2 refuses a part, or the memory limit is reached.
    pub async fn write(&mut self, chunk: &Uint8Array) -> Result<()> {
        let mut rest = chunk.clone();
        while self.buffer.used() + rest.length() > PART_BYTES {
            let room = PART_BYTES - self.buffer.used();
            self.buffer.push(&rest.subarray(0, room))?;
            rest = rest.subarray(room, rest.length());
            with_timeout(R2_TIMEOUT, self.send_part()).await??;
            self.buffer.clear();
        }
        Ok(self.buffer.push(&rest)?)
    }

    /// Completes the object. Before that, nothing is stored under the key.
    ///
    /// # Errors
    /// If R2 refuses. A multipart upload is then aborted.
    pub async fn finish(self) -> Result<R2Object> {
        with_timeout(R2_TIMEOUT, self.put_rest()).await?
    }

    async fn put_rest(self) -> Result<R2Object> {
        let rest = self.buffer.filled();
        Ok(match &self.multipart {
            Some(upload) => {
                upload.add(&rest).await?;
                upload.complete().await?
            }
            None => self.bucket.put(&self.key, &rest, &self.content_type).await?,
        })
    }

    /// Discards what was sent so far.
    pub async fn abort(self) {
        if let Some(upload) = self.multipart {
            // R2 drops unfinished uploads by itself after a week.
            let _ = with_timeout(R2_TIMEOUT, upload.abort()).await;
        }
    }

    async fn send_part(&mut self) -> Result<()> {
        let upload = match self.multipart.take() {
            Some(upload) => upload,
            None => self.bucket.begin_upload(&self.key, &self.content_type).await?,
        };
        Ok(self.multipart.insert(upload).add(&self.buffer.filled()).await?)
    }
}
