//! SHA-256 of bytes in JavaScript's memory, computed by the runtime.

use worker::crypto::{DigestStream, DigestStreamAlgorithm};
use worker::js_sys::Uint8Array;

use super::streams::{StreamError, Writer};

pub struct Digest {
    stream: DigestStream,
    writer: Writer,
}

impl Digest {
    /// # Errors
    /// If the runtime cannot create the stream.
    pub fn new() -> Result<Self, StreamError> {
        let stream = DigestStream::new(DigestStreamAlgorithm::Sha256);
        let writer = Writer::of(stream.raw())?;
        Ok(Self { stream, writer })
    }

    /// # Errors
    /// If the runtime refuses the chunk.
    pub async fn write(&self, chunk: &Uint8Array) -> Result<(), StreamError> {
        self.writer.write(chunk).await
    }

    /// Lowercase hex.
    ///
    /// # Errors
    /// If the runtime returns no digest.
    pub async fn finish(self) -> Result<String, StreamError> {
        self.writer.close().await?;
        let digest = self.stream.digest().await.map_err(|error| StreamError::Broken(error.to_string()))?;
        Ok(hex::encode(digest.to_vec()))
    }
}
