//! Copies the finished video from Wiro's CDN into R2 and verifies it: allowed host, expected size, MP4 by its first
//! bytes and then by its boxes; SHA-256 is recorded. Bytes pass as JavaScript chunks and never enter wasm.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use serde_json::json;
use thiserror::Error;
use worker::js_sys::Uint8Array;
use worker::web_sys::ReadableStream;
use worker::{Response, ResponseBody};

use super::verify::{VerifyError, verify};
use crate::mp4;
use crate::runtime::clock;
use crate::runtime::digest::Digest;
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::log::{self, Level};
use crate::runtime::streams::{Pipe, Reader, StreamError, Writer};
use crate::runtime::timeout::{TimedOut, with_timeout};
use crate::runtime::url;
use crate::storage::r2::R2Object;
use crate::storage::upload::UploadError;
use crate::storage::videos::{VIDEO_CONTENT_TYPE, Videos};
use crate::video::id::VideoId;
use crate::video::links::output_hosts::OutputHosts;
use crate::video::record::Output;
use crate::video::record::thousandths::Thousandths;
use crate::video::task::Source;

const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest pause of the CDN.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Limit on R2 after it has every byte.
const STORE_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 3;

/// Why a copy failed. No message contains a URL, because the URLs are Wiro's.
#[derive(Debug, Error)]
enum CopyError {
    #[error("the host is not in OUTPUT_HOSTS")]
    ForeignHost,
    #[error("more than {MAX_REDIRECTS} redirects")]
    Redirects,
    #[error("HTTP {0}")]
    Status(u16),
    #[error("the host offers {offered} bytes, but Wiro reported {expected}")]
    Offered { offered: u64, expected: u64 },
    #[error("R2 stored {stored} bytes, but {sent} were sent")]
    Stored { stored: u64, sent: u64 },
    #[error("the file does not start like an MP4 file")]
    NotMp4,
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("R2: {0}")]
    Stalled(#[from] TimedOut),
    #[error("R2: {0}")]
    Upload(#[from] UploadError),
    #[error("R2: {0}")]
    Storage(#[from] worker::Error),
}

/// Copies and verifies the video. A file that is not complete is removed from R2 again.
///
/// # Errors
/// Why the copy failed, without URLs. Failures are logged, and all of them can be retried.
pub async fn copy(
    videos: &Videos,
    hosts: &OutputHosts,
    id: &VideoId,
    source: &Source,
) -> Result<Output, String> {
    let started = clock::now();
    let copied = verified_copy(videos, hosts, id, source).await;
    let video_id = ("video.id", json!(id));
    let duration = ("duration_ms", json!(clock::now().millis() - started.millis()));
    match copied {
        Ok(output) => {
            let size = ("size_bytes", json!(output.size));
            let memory = ("wasm_memory_bytes", json!(log::wasm_memory_bytes()));
            log::write(Level::Info, "copied the video", [video_id, duration, size, memory]);
            Ok(output)
        }
        Err(error) => {
            let error = error.to_string();
            let fields = [video_id, duration, ("error", json!(error))];
            log::write(Level::Warn, "copying the video failed", fields);
            Err(error)
        }
    }
}

async fn verified_copy(
    videos: &Videos,
    hosts: &OutputHosts,
    id: &VideoId,
    source: &Source,
) -> Result<Output, CopyError> {
    let response = open(hosts, &source.url).await?;
    let offered = content_length(&response);
    if let (Some(offered), Some(expected)) = (offered, source.size)
        && offered != expected
    {
        return Err(CopyError::Offered { offered, expected });
    }
    let ResponseBody::Stream(body) = response.into_parts().1 else { return Err(CopyError::NotMp4) };
    let mut incoming = Incoming::begin(&body).await?;
    let object = match source.size.or(offered) {
        Some(size) => {
            let pipe = Pipe::fixed(size)?;
            let put = pin!(videos.put(id, pipe.readable));
            match select(pin!(incoming.send(pipe.writer)), put).await {
                Either::Left((sent, put)) => {
                    sent?;
                    with_timeout(STORE_TIMEOUT, put).await??
                }
                Either::Right((stored, send)) => {
                    let stored = stored?;
                    send.await?;
                    stored
                }
            }
        }
        None => incoming.upload(videos, id).await?,
    };
    let (stored, sent) = (object.size(), incoming.bytes);
    if stored != sent {
        return Err(CopyError::Stored { stored, sent });
    }
    let facts = match verify(videos, id, stored).await {
        Ok(facts) => facts,
        Err(error) => {
            // Should this fail, the next copy replaces the file.
            let _ = with_timeout(STORE_TIMEOUT, videos.delete_video(id)).await;
            return Err(error.into());
        }
    };
    Ok(Output {
        content_type: VIDEO_CONTENT_TYPE.to_owned(),
        size: stored,
        sha256: incoming.digest.finish().await?,
        etag: object.http_etag(),
        width: facts.width,
        height: facts.height,
        duration_seconds: facts.duration_millis.map(Thousandths),
        fps: facts.millifps.map(Thousandths),
    })
}

/// Follows redirects manually, so that every host is checked before the request.
async fn open(hosts: &OutputHosts, url: &str) -> Result<Response, CopyError> {
    let mut url = url::parse(url).ok_or(CopyError::ForeignHost)?;
    for _ in 0..=MAX_REDIRECTS {
        if !hosts.allow(&url) {
            return Err(CopyError::ForeignHost);
        }
        let response = fetch(request("GET", &url.href, &[], None)?, HEADERS_TIMEOUT).await?;
        match response.status_code() {
            200 => return Ok(response),
            301 | 302 | 303 | 307 | 308 => {
                let location = response.headers().get("location")?.unwrap_or_default();
                url = url::join(&url, &location).ok_or(CopyError::ForeignHost)?;
            }
            status => return Err(CopyError::Status(status)),
        }
    }
    Err(CopyError::Redirects)
}

fn content_length(response: &Response) -> Option<u64> {
    response.headers().get("content-length").ok()??.parse().ok()
}

/// A body that starts like an MP4 file; every byte is counted and hashed as it passes.
struct Incoming {
    reader: Reader,
    /// The chunks that were read to check the first bytes.
    buffered: Vec<Uint8Array>,
    digest: Digest,
    bytes: u64,
}

impl Incoming {
    async fn begin(body: &ReadableStream) -> Result<Self, CopyError> {
        let mut reader = Reader::new(body, IDLE_TIMEOUT);
        let mut buffered = Vec::new();
        let mut start = Vec::with_capacity(mp4::MAGIC_BYTES);
        while start.len() < mp4::MAGIC_BYTES {
            let Some(chunk) = reader.next().await? else { return Err(CopyError::NotMp4) };
            let missing = u32::try_from(mp4::MAGIC_BYTES - start.len()).unwrap_or(0);
            start.extend(chunk.subarray(0, missing.min(chunk.length())).to_vec());
            buffered.push(chunk);
        }
        if !mp4::is_mp4_start(&start) {
            return Err(CopyError::NotMp4);
        }
        Ok(Self { reader, buffered, digest: Digest::new()?, bytes: 0 })
    }

    async fn next(&mut self) -> Result<Option<Uint8Array>, StreamError> {
        let chunk =
            if self.buffered.is_empty() { self.reader.next().await? } else { Some(self.buffered.remove(0)) };
        if let Some(chunk) = &chunk {
            self.digest.write(chunk).await?;
            self.bytes += u64::from(chunk.length());
        }
        Ok(chunk)
    }

    /// Reads each chunk while the previous one is written.
    async fn send(&mut self, writer: Writer) -> Result<(), StreamError> {
        let mut next = self.next().await?;
        while let Some(chunk) = next {
            let (written, read) = join(writer.write(&chunk), self.next()).await;
            written?;
            next = read?;
        }
        writer.close().await
    }

    async fn upload(&mut self, videos: &Videos, id: &VideoId) -> Result<R2Object, CopyError> {
        let mut upload = videos.upload(id);
        loop {
            let written = match self.next().await {
                Ok(Some(chunk)) => upload.write(&chunk).await.map_err(CopyError::from),
                Ok(None) => return Ok(upload.finish().await?),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = written {
                upload.abort().await;
                return Err(error);
            }
        }
    }
}
