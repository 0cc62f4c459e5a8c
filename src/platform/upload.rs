//! A stream of unknown length into R2, which wants to know lengths: up to one part is held in
//! JavaScript memory and put at once; what is longer goes up as a multipart upload, part by part.

use std::time::Duration;

use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsCast;
use worker::web_sys::ReadableStream;
use worker::{Bucket, Data, HttpMetadata, MultipartUpload, Object, Result, UploadedPart};

use super::patience::within;

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
    multipart: Option<(MultipartUpload, Vec<UploadedPart>)>,
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
    pub async fn finish(self) -> Result<Object> {
        within(R2_TIMEOUT, self.put_rest()).await?
    }

    async fn put_rest(mut self) -> Result<Object> {
        if self.multipart.is_none() {
            let whole = self.take_held();
            let put = self.bucket.put(&self.key, data(whole)).http_metadata(self.http_metadata());
            return put.execute().await?.ok_or_else(|| "R2 stored nothing".into());
        }
        self.send_part().await?;
        match self.multipart {
            Some((upload, parts)) => upload.complete(parts).await,
            None => Err("the upload was never begun".into()),
        }
    }

    /// Forgets what was sent so far.
    pub async fn abort(self) {
        if let Some((upload, _)) = self.multipart {
            // R2 drops uploads that stay unfinished by itself after a week.
            let _ = within(R2_TIMEOUT, upload.abort()).await;
        }
    }

    fn hold(&mut self, chunk: Uint8Array) {
        self.held_bytes += chunk.length();
        self.held.push(chunk);
    }

    async fn send_part(&mut self) -> Result<()> {
        let part = data(self.take_held());
        if self.multipart.is_none() {
            let create = self.bucket.create_multipart_upload(&self.key).http_metadata(self.http_metadata());
            self.multipart = Some((create.execute().await?, Vec::new()));
        }
        if let Some((upload, parts)) = &mut self.multipart {
            let number = u16::try_from(parts.len() + 1).map_err(|_| "too many parts")?;
            parts.push(upload.upload_part(number, part).await?);
        }
        Ok(())
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

    fn http_metadata(&self) -> HttpMetadata {
        HttpMetadata { content_type: Some(self.content_type.clone()), ..HttpMetadata::default() }
    }
}

/// R2 takes byte arrays as well as streams; the binding's type has no case for a JavaScript array, and
/// passes on whatever handle its stream case holds.
fn data(bytes: Uint8Array) -> Data {
    Data::ReadableStream(bytes.unchecked_into::<ReadableStream>())
}
