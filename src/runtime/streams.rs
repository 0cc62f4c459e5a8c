//! Byte streams of JavaScript. Chunks are passed on by handle and never copied into wasm.

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

/// Timeout for a chunk at the readable end of a pipe.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// After this time the minimum rate applies to a request body, so that a client that sends a byte now and then cannot
/// keep a connection open.
const GRACE: Duration = Duration::from_secs(30);

/// The minimum rate: a quarter of a poor mobile connection.
const MIN_BYTES_PER_SECOND: u32 = 16 * 1024;

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
        min_bytes_per_second: u32,
    ) -> Promise;
    #[wasm_bindgen(js_name = readerOf)]
    fn reader_of(
        request: &Request,
        idle_ms: u32,
        grace_ms: u32,
        min_bytes_per_second: u32,
    ) -> Option<ByteReader>;
    #[wasm_bindgen(js_name = drain)]
    fn drain_request(
        request: &Request,
        max_bytes: u32,
        idle_ms: u32,
        grace_ms: u32,
        min_bytes_per_second: u32,
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
        .0.as_secs(), MIN_BYTES_PER_SECOND
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

/// Reads a stream in chunks. Dropping it before the end cancels the source, unless that is a request.
pub struct Reader {
    source: ByteReader,
    /// The pending read. If the future that waited for it was dropped, the next call returns its chunk.
    reading: Option<Promise>,
    idle: Duration,
    cancels: bool,
    is_request: bool,
}

impl Reader {
    /// `idle` is the timeout for each chunk.
    #[must_use]
    pub fn new(stream: &ReadableStream, idle: Duration) -> Self {
        let source = ByteReader::new(stream, millis(idle));
        Self { source, reading: None, idle, cancels: true, is_request: false }
    }

    /// Reads the body of a request, if there is one. It is never cancelled, because that would close the connection before
    /// the response is sent.
    #[must_use]
    pub fn of_client(request: &Request, idle: Duration) -> Option<Self> {
        let source = reader_of(request, millis(idle), millis(GRACE), MIN_BYTES_PER_SECOND)?;
        Some(Self { source, reading: None, idle, cancels: false, is_request: true })
    }

    /// The next chunk; `None` at the end. Dropping the future loses no chunk.
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
    /// The runtime's pipe for bytes. A write resolves when its bytes were read; the pipe has no buffer.
    #[wasm_bindgen(extends = TransformStream)]
    type IdentityTransformStream;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<IdentityTransformStream, JsValue>;
}

/// A pipe from Rust to the runtime.
pub struct Pipe {
    pub readable: ReadableStream,
    pub writer: Writer,
}

/// The writable end of a pipe. Dropping it before [`close`](Self::close) makes the readable end fail.
pub struct Writer {
    sink: ByteWriter,
    closed: Cell<bool>,
}

impl Pipe {
    /// A pipe for exactly `length` bytes. R2 needs to know the length in advance.
    ///
    /// # Errors
    /// If the runtime cannot create the pipe.
    pub fn fixed(length: u64) -> Result<Self, StreamError> {
        Self::of(&FixedLengthStream::new_big_int(BigInt::from(length))?.into())
    }

    /// A pipe for any number of bytes.
    ///
    /// # Errors
    /// If the runtime cannot create the pipe.
    pub fn open() -> Result<Self, StreamError> {
        Self::of(&IdentityTransformStream::new()?.into())
    }

    fn of(stream: &TransformStream) -> Result<Self, StreamError> {
        Ok(Self { readable: stream.readable(), writer: Writer::of(&stream.writable())? })
    }
}

impl Writer {
    /// # Errors
    /// If the stream already has a writer.
    pub fn of(stream: &WritableStream) -> Result<Self, StreamError> {
        Ok(Self { sink: ByteWriter::new(stream, millis(WRITE_TIMEOUT))?, closed: Cell::new(false) })
    }

    /// Resolves when the chunk was read at the other end.
    ///
    /// # Errors
    /// If the readable end is closed or timed out, or the pipe's length is exceeded.
    pub async fn write(&self, chunk: &Uint8Array) -> Result<(), StreamError> {
        check_timeout(&settled(&self.sink.write(chunk)).await?)
    }

    /// # Errors
    /// If fewer bytes were written than the pipe's length.
    pub async fn close(&self) -> Result<(), StreamError> {
        check_timeout(&settled(&self.sink.close()).await?)?;
        self.closed.set(true);
        Ok(())
    }
}

fn check_timeout(written: &JsValue) -> Result<(), StreamError> {
    if written.is_null() { Err(TimedOut(WRITE_TIMEOUT).into()) } else { Ok(()) }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.closed.get() {
            self.sink.abort();
        }
    }
}

/// Reads a small request body into wasm memory. `idle` is the timeout for a chunk, or for the whole body if its length
/// was declared.
///
/// # Errors
/// [`StreamError`].
pub async fn read_request(request: &Request, limit: u32, idle: Duration) -> Result<Vec<u8>, StreamError> {
    let read = read_request_body(request, limit, millis(idle), millis(GRACE), MIN_BYTES_PER_SECOND);
    Ok(body_bytes(settled(&read).await?, limit, StreamError::RequestTimedOut(idle))?.to_vec())
}

/// Reads a small response body into wasm memory.
///
/// # Errors
/// [`StreamError`].
pub async fn read_response(response: &Response, limit: u32, idle: Duration) -> Result<Vec<u8>, StreamError> {
    Ok(load_response(response, limit, idle).await?.to_vec())
}

/// Reads a small response body, which stays in JavaScript.
///
/// # Errors
/// [`StreamError`].
pub async fn load_response(
    response: &Response,
    limit: u32,
    idle: Duration,
) -> Result<Uint8Array, StreamError> {
    let body = settled(&read_response_body(response, limit, millis(idle))).await?;
    body_bytes(body, limit, TimedOut(idle).into())
}

fn body_bytes(body: JsValue, limit: u32, timed_out: StreamError) -> Result<Uint8Array, StreamError> {
    if body.is_null() {
        return Err(timed_out);
    }
    if body.is_undefined() {
        return Err(StreamError::TooLong(limit));
    }
    Ok(body.unchecked_into())
}

/// How long an unneeded request body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// The request was handled, or its body was invalid.
    Served,
    /// The request was refused before its body was read.
    Refused,
}

/// Reads and discards the rest of a request body, because some clients read the response only after they have sent the
/// whole body.
pub async fn drain(request: &Request, mode: Drain) {
    /// The largest request body on Cloudflare's smaller plans.
    const MAX_BYTES: u32 = 100 * 1024 * 1024;
    let (idle, grace, min_bytes_per_second) = match mode {
        Drain::Served => (Duration::from_secs(5), Duration::from_secs(10), 128 * 1024),
        // A client over its rate limit must not keep the connection open with an endless body.
        Drain::Refused => (Duration::from_secs(1), Duration::from_secs(1), 1024 * 1024),
    };
    let drained = drain_request(request, MAX_BYTES, millis(idle), millis(grace), min_bytes_per_second);
    if let Some(drained) = drained {
        // An error means that the client has disconnected.
        let _ = settled(&drained).await;
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// Converts text to a chunk.
#[must_use]
pub fn chunk_of(text: &str) -> Uint8Array {
    Uint8Array::from(text.as_bytes())
}
