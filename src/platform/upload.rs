//! A stream of unknown length into R2, which wants to know lengths: up to one part is held in
//! JavaScript memory and put at once; what is longer goes up as a multipart upload, part by part.

use std::cell::Cell;
use std::time::Duration;

use thiserror::Error;
use worker::js_sys::Uint8Array;

use super::patience::{TimedOut, within};
use super::r2::{Bucket, PartsUpload, R2Object};

/// R2 takes parts of 5 MiB or more, all of one size but the last.
pub const PART_BYTES: u32 = 5 * 1024 * 1024;

/// How long R2 may take for one part, or for the end.
const R2_TIMEOUT: Duration = Duration::from_secs(30);

/// All buffers of an isolate together: half of its 128 MB.
const MAX_HELD_BYTES: u32 = 64 * 1024 * 1024;

/// What a buffer begins with. It doubles, so that a small image takes little.
const FIRST_BYTES: u32 = 64 * 1024;

thread_local! {
    static HELD_BYTES: Cell<u32> = const { Cell::new(0) };
}

#[derive(Debug, Error)]
pub enum UploadError {
    #[error("all uploads together hold {MAX_HELD_BYTES} bytes of memory already")]
    MemoryFull,
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error(transparent)]
    Storage(#[from] worker::Error),
}

type Result<T> = std::result::Result<T, UploadError>;

/// One buffer, whatever the size of the chunks: a chunk that is kept as it came costs some hundred bytes besides.
struct Buffer {
    bytes: Uint8Array,
    used: u32,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: Uint8Array::new_with_length(0), used: 0 }
    }

    /// Copies a chunk behind what is there; together they must not be longer than a part.
    fn push(&mut self, chunk: &Uint8Array) -> Result<()> {
        let needed = self.used + chunk.length();
        if needed > self.bytes.length() {
            self.grow(needed)?;
        }
        self.bytes.set(chunk, self.used);
        self.used = needed;
        Ok(())
    }

    fn grow(&mut self, needed: u32) -> Result<()> {
        let known = self.bytes.length();
        let length = needed.max(2 * known).clamp(FIRST_BYTES, PART_BYTES);
        let held = HELD_BYTES.get() + (length - known);
        if held > MAX_HELD_BYTES {
            return Err(UploadError::MemoryFull);
        }
        HELD_BYTES.set(held);
        let grown = Uint8Array::new_with_length(length);
        grown.set(&self.bytes.subarray(0, self.used), 0);
        self.bytes = grown;
        Ok(())
    }

    fn filled(&self) -> Uint8Array {
        self.bytes.subarray(0, self.used)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        HELD_BYTES.set(HELD_BYTES.get().saturating_sub(self.bytes.length()));
    }
}

pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    content_type: String,
    /// What was not sent yet.
    buffer: Buffer,
    multipart: Option<PartsUpload>,
}

impl<'a> Upload<'a> {
    #[must_use]
    pub fn new(bucket: &'a Bucket, key: String, content_type: &str) -> Self {
        Self { bucket, key, content_type: content_type.to_owned(), buffer: Buffer::new(), multipart: None }
    }

    /// # Errors
    /// When R2 refuses a part, or there is no memory for more.
    pub async fn write(&mut self, chunk: &Uint8Array) -> Result<()> {
        let mut rest = chunk.clone();
        while self.buffer.used + rest.length() > PART_BYTES {
            let room = PART_BYTES - self.buffer.used;
            self.buffer.push(&rest.subarray(0, room))?;
            rest = rest.subarray(room, rest.length());
            within(R2_TIMEOUT, self.send_part()).await??;
            self.buffer.used = 0;
        }
        self.buffer.push(&rest)
    }

    /// Puts the object. Until this has succeeded, nothing is under the key.
    ///
    /// # Errors
    /// When R2 refuses; an upload in parts is then aborted.
    pub async fn finish(self) -> Result<R2Object> {
        within(R2_TIMEOUT, self.put_rest()).await?
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

    /// Forgets what was sent so far.
    pub async fn abort(self) {
        if let Some(upload) = self.multipart {
            // R2 drops uploads that stay unfinished by itself after a week.
            let _ = within(R2_TIMEOUT, upload.abort()).await;
        }
    }

    async fn send_part(&mut self) -> Result<()> {
        let upload = match self.multipart.take() {
            Some(begun) => begun,
            None => self.bucket.begin_upload(&self.key, &self.content_type).await?,
        };
        Ok(self.multipart.insert(upload).add(&self.buffer.filled()).await?)
    }
}
