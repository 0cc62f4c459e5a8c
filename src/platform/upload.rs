//! A stream of unknown length into R2, which wants to know lengths: up to one part is held in
//! JavaScript memory and put at once; what is longer goes up as a multipart upload, part by part.

use std::time::Duration;

use worker::Result;
use worker::js_sys::Uint8Array;

use super::patience::within;
use super::r2::{Bucket, PartsUpload, R2Object};

/// R2 takes parts of 5 MiB or more, all of one size but the last.
pub const PART_BYTES: u32 = 5 * 1024 * 1024;

/// How long R2 may take for one part, or for the end.
const R2_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    content_type: String,
    /// Chunks that were not sent yet, and their length together.
    held: Vec<Uint8Array>,
    held_bytes: u32,
    multipart: Option<PartsUpload>,
}

impl<'a> Upload<'a> {
    #[must_use]
    pub fn new(bucket: &'a Bucket, key: String, content_type: &str) -> Self {
        Self {
            bucket,
            key,
            content_type: content_type.to_owned(),
            held: Vec::new(),
            held_bytes: 0,
            multipart: None,
        }
    }

    /// # Errors
    /// When R2 refuses a part.
    pub async fn write(&mut self, chunk: &Uint8Array) -> Result<()> {
        let mut rest = chunk.clone();
        while self.held_bytes + rest.length() > PART_BYTES {
            let room = PART_BYTES - self.held_bytes;
            self.hold(rest.subarray(0, room));
            rest = rest.subarray(room, rest.length());
            within(R2_TIMEOUT, self.send_part()).await??;
        }
        self.hold(rest);
        Ok(())
    }

    /// Puts the object. Until this has succeeded, nothing is under the key.
    ///
    /// # Errors
    /// When R2 refuses; an upload in parts is then aborted.
    pub async fn finish(self) -> Result<R2Object> {
        within(R2_TIMEOUT, self.put_rest()).await?
    }

    async fn put_rest(mut self) -> Result<R2Object> {
        let rest = self.take_held();
        match &self.multipart {
            Some(upload) => {
                upload.add(&rest).await?;
                upload.complete().await
            }
            None => self.bucket.put(&self.key, &rest, &self.content_type).await,
        }
    }

    /// Forgets what was sent so far.
    pub async fn abort(self) {
        if let Some(upload) = self.multipart {
            // R2 drops uploads that stay unfinished by itself after a week.
            let _ = within(R2_TIMEOUT, upload.abort()).await;
        }
    }

    fn hold(&mut self, chunk: Uint8Array) {
        self.held_bytes += chunk.length();
        self.held.push(chunk);
    }

    async fn send_part(&mut self) -> Result<()> {
        let part = self.take_held();
        let upload = match self.multipart.take() {
            Some(begun) => begun,
            None => self.bucket.begin_upload(&self.key, &self.content_type).await?,
        };
        self.multipart.insert(upload).add(&part).await
    }

    fn take_held(&mut self) -> Uint8Array {
        let whole = Uint8Array::new_with_length(self.held_bytes);
        let mut at = 0;
        for chunk in self.held.drain(..) {
            whole.set(&chunk, at);
            at += chunk.length();
        }
        self.held_bytes = 0;
        whole
    }
}
