//! Byte streams as JavaScript holds them: chunks are passed on by handle and never copied into wasm.

use std::cell::Cell;
use std::time::Duration;

use thiserror::Error;
use worker::js_sys::{BigInt, Promise, Uint8Array};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{ReadableStream, Request, Response, TransformStream, WritableStream};
use worker::worker_sys::FixedLengthStream;

use super::promise::settled;
use super::timeout::TimedOut;

/// How long the reading end of a pipe may take for a chunk.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A request body that was waited for longer than this must have come at the least rate: whoever sends a byte now and then
/// keeps a connection and memory.
const GRACE: Duration = Duration::from_secs(30);

/// A quarter of what a poor mobile connection sends.
const LEAST_BYTES_PER_SECOND: u32 = 16 * 1024;

#[wasm_bindgen(module = "/src/runtime/js/streams.js")]
extern "C" {
    type ByteReader;

    #[wasm_bindgen(constructor)]
    fn new(stream: &ReadableStream, idle_ms: u32) -> ByteReader;
    #[wasm_bindgen(method)]
    fn next(this: &ByteReader) -> Promise;
    #[wasm_bindgen(method)]
    fn cancel(this: &ByteReader);

    type ByteWriter;

    #[wasm_bindgen(constructor, catch)]
    fn new(stream: &WritableStream, idle_ms: u32) -> Result<ByteWriter, JsValue>;
    #[wasm_bindgen(method)]
    fn write(this: &ByteWriter, chunk: &Uint8Array) -> Promise;
    #[wasm_bindgen(method)]
    fn close(this: &ByteWriter) -> Promise;
    #[wasm_bindgen(method)]
    fn abort(this: &ByteWriter);

    #[wasm_bindgen(js_name = readRequest)]
    fn read_request_body(
        request: &Request,
        max_bytes: u32,
        idle_ms: u32,
        grace_ms: u32,
        least_bytes_per_second: u32,
    ) -> Promise;
    #[wasm_bindgen(js_name = readerOf)]
    fn reader_of(
        request: &Request,
        idle_ms: u32,
        grace_ms: u32,
        least_bytes_per_second: u32,
    ) -> Option<ByteReader>;
    #[wasm_bindgen(js_name = drain)]
    fn drain_request(
        request: &Request,
        max_bytes: u32,
        idle_ms: u32,
        grace_ms: u32,
        least_bytes_per_second: u32,
    ) -> Option<Promise>;
    #[wasm_bindgen(js_name = readResponse)]
    fn read_response_body(response: &Response, max_bytes: u32, idle_ms: u32) -> Promise;
}

#[derive(Debug, Error)]
pub enum StreamError {
    #[error("the stream broke: {0}")]
    Broken(String),
    #[error(transparent)]
    Idle(#[from] TimedOut),
    #[error(
        "request body timed out: it took longer than {} s, or came with less than {} bytes a second",
        .0.as_secs(), LEAST_BYTES_PER_SECOND
    )]
    RequestTimedOut(Duration),
    #[error("longer than {0} bytes")]
    TooLong(u32),
}

impl From<JsValue> for StreamError {
    fn from(value: JsValue) -> Self {
        Self::Broken(worker::Error::from(value).to_string())
    }
}

/// Reads a stream chunk by chunk. Dropping it before the end cancels the source, unless that is a
/// client's.
pub struct Reader {
    source: ByteReader,
    /// The read that is under way. Whoever waited for it may have given up: its chunk is the next one's.
    reading: Option<Promise>,
    idle: Duration,
    cancels: bool,
    is_request: bool,
}

impl Reader {
    /// `idle` is how long a single chunk may take.
    #[must_use]
    pub fn new(stream: &ReadableStream, idle: Duration) -> Self {
        let source = ByteReader::new(stream, millis(idle));
        Self { source, reading: None, idle, cancels: true, is_request: false }
    }

    /// The body of a client's request, if there is one. It is only let go of: cancelling it would close the connection
    /// under the answer.
    #[must_use]
    pub fn of_client(request: &Request, idle: Duration) -> Option<Self> {
        let source = reader_of(request, millis(idle), millis(GRACE), LEAST_BYTES_PER_SECOND)?;
        Some(Self { source, reading: None, idle, cancels: false, is_request: true })
    }

    /// The next chunk; `None` at the end. Dropped while it waits, it loses nothing.
    ///
    /// # Errors
    /// [`StreamError::Broken`] or [`StreamError::Idle`].
    pub async fn next(&mut self) -> Result<Option<Uint8Array>, StreamError> {
        let chunk = settled(self.reading.get_or_insert_with(|| self.source.next())).await;
        self.reading = None;
        let chunk = chunk?;
        if chunk.is_null() {
            return Err(self.timed_out());
        }
        if chunk.is_undefined() {
            self.cancels = false;
            return Ok(None);
        }
        Ok(Some(chunk.unchecked_into()))
    }

    const fn timed_out(&self) -> StreamError {
        if self.is_request {
            StreamError::RequestTimedOut(self.idle)
        } else {
            StreamError::Idle(TimedOut(self.idle))
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.cancels {
            self.source.cancel();
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// The runtime's pipe for bytes: a write resolves when it was read, nothing is held in between.
    #[wasm_bindgen(extends = TransformStream)]
    type IdentityTransformStream;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<IdentityTransformStream, JsValue>;
}

/// Bytes on their way from a writer here to a reader in the runtime.
pub struct Pipe {
    pub readable: ReadableStream,
    pub writer: Writer,
}

/// The writing end of a pipe. Dropping it before [`close`](Self::close) makes the reading end fail.
pub struct Writer {
    sink: ByteWriter,
    closed: Cell<bool>,
}

impl Pipe {
    /// One that carries exactly so many bytes: what R2 needs to know before it starts.
    ///
    /// # Errors
    /// When the runtime refuses to make one.
    pub fn fixed(length: u64) -> Result<Self, StreamError> {
        Self::of(&FixedLengthStream::new_big_int(BigInt::from(length))?.into())
    }

    /// One that carries as many as come.
    ///
    /// # Errors
    /// When the runtime refuses to make one.
    pub fn open() -> Result<Self, StreamError> {
        Self::of(&IdentityTransformStream::new()?.into())
    }

    fn of(stream: &TransformStream) -> Result<Self, StreamError> {
        Ok(Self { readable: stream.readable(), writer: Writer::of(&stream.writable())? })
    }
}

impl Writer {
    /// # Errors
    /// When somebody writes to the stream already.
    pub fn of(stream: &WritableStream) -> Result<Self, StreamError> {
        Ok(Self { sink: ByteWriter::new(stream, millis(WRITE_TIMEOUT))?, closed: Cell::new(false) })
    }

    /// Resolves when the reading end has taken the chunk.
    ///
    /// # Errors
    /// When the reading end is gone or takes too long, or the chunk is more than the pipe may carry.
    pub async fn write(&self, chunk: &Uint8Array) -> Result<(), StreamError> {
        in_time(&settled(&self.sink.write(chunk)).await?)
    }

    /// # Errors
    /// When fewer bytes were written than the pipe must carry.
    pub async fn close(&self) -> Result<(), StreamError> {
        in_time(&settled(&self.sink.close()).await?)?;
        self.closed.set(true);
        Ok(())
    }
}

fn in_time(written: &JsValue) -> Result<(), StreamError> {
    if written.is_null() { Err(TimedOut(WRITE_TIMEOUT).into()) } else { Ok(()) }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.closed.get() {
            self.sink.abort();
        }
    }
}

/// A request's small body, into wasm memory. `idle` is how long a part of it may take; all of it, where its length was
/// declared.
///
/// # Errors
/// [`StreamError`].
pub async fn read_request(request: &Request, limit: u32, idle: Duration) -> Result<Vec<u8>, StreamError> {
    let read = read_request_body(request, limit, millis(idle), millis(GRACE), LEAST_BYTES_PER_SECOND);
    small(settled(&read).await?, limit, StreamError::RequestTimedOut(idle))
}

/// The same of a response.
///
/// # Errors
/// [`StreamError`].
pub async fn read_response(response: &Response, limit: u32, idle: Duration) -> Result<Vec<u8>, StreamError> {
    let body = settled(&read_response_body(response, limit, millis(idle))).await?;
    small(body, limit, TimedOut(idle).into())
}

fn small(body: JsValue, limit: u32, timed_out: StreamError) -> Result<Vec<u8>, StreamError> {
    if body.is_null() {
        return Err(timed_out);
    }
    if body.is_undefined() {
        return Err(StreamError::TooLong(limit));
    }
    Ok(body.unchecked_into::<Uint8Array>().to_vec())
}

/// How patiently a body is read that nobody has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// The request was served, or its body was read and found wrong.
    Served,
    /// The request was refused without a look at its body.
    Refused,
}

/// Reads what is left of a client's body and forgets it, so that the client, which may listen only
/// after it has sent everything, hears the answer.
pub async fn drain(request: &Request, manner: Drain) {
    /// What Cloudflare lets through at most on its smaller plans.
    const MAX_BYTES: u32 = 100 * 1024 * 1024;
    let (idle, grace, least_bytes_per_second) = match manner {
        Drain::Served => (Duration::from_secs(5), Duration::from_secs(10), 128 * 1024),
        // Whoever comes too often must not keep the connection by not ending its body.
        Drain::Refused => (Duration::from_secs(1), Duration::from_secs(1), 1024 * 1024),
    };
    let drained = drain_request(request, MAX_BYTES, millis(idle), millis(grace), least_bytes_per_second);
    if let Some(drained) = drained {
        // A client that is gone need not hear it.
        let _ = settled(&drained).await;
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// Text as a chunk.
#[must_use]
pub fn chunk_of(text: &str) -> Uint8Array {
    Uint8Array::from(text.as_bytes())
}
