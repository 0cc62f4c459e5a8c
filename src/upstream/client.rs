//! Signed calls to Wiro.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{self, ReadableStream, Request};

use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::streams::{Pipe, Reader, StreamError, Writer, chunk_of, read_response};
use crate::runtime::timeout::with_timeout;
use crate::wiro::form::FormBody;
use crate::wiro::http_response::{HttpResponse, retry_after_seconds};
use crate::wiro::sign::Credentials;

/// Run with a large image takes as long as the upload of the image.
const RUN_TIMEOUT: Duration = Duration::from_mins(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// An upload takes as long as its sender needs.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(10);
/// Longest pause within a response or an image.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Detail contains the run's logs; a longer response is not read.
const MAX_ANSWER_BYTES: u32 = 1024 * 1024;

pub struct WiroClient<'a> {
    base_url: &'a str,
    credentials: &'a Credentials,
}

impl<'a> WiroClient<'a> {
    /// From the settings.
    #[must_use]
    pub fn of(config: &'a Config) -> Self {
        Self { base_url: &config.wiro_api_url, credentials: &config.credentials }
    }

    /// Sends a JSON call such as `/Task/Detail`.
    ///
    /// # Errors
    /// [`FetchError`] if no response came.
    pub async fn call(&self, path: &str, body: &str) -> Result<HttpResponse, FetchError> {
        self.exchange(path, "application/json", &body.into(), CALL_TIMEOUT, pin!(async { true })).await
    }

    /// Sends Run. The form's files are streamed; their lengths in bytes are given.
    ///
    /// # Errors
    /// [`FetchError`] if no response came.
    pub async fn run(
        &self,
        path: &str,
        form: &FormBody,
        files: Vec<(ReadableStream, u64)>,
    ) -> Result<HttpResponse, FetchError> {
        if files.is_empty() {
            let body = form.texts.concat();
            return self
                .exchange(path, &form.content_type, &body.into(), RUN_TIMEOUT, pin!(async { true }))
                .await;
        }
        let length = form_length(form, files.iter().map(|(_, bytes)| *bytes));
        let Pipe { readable, writer } = Pipe::fixed(length).map_err(not_sent)?;
        let mut readers = files.iter().map(|(file, _)| Reader::new(file, IDLE_TIMEOUT));
        let mut reader = readers.next();
        let next = async || match &mut reader {
            Some(open) => {
                let chunk = open.next().await?;
                if chunk.is_none() {
                    reader = readers.next();
                }
                Ok::<_, StreamError>(chunk)
            }
            None => Ok(None),
        };
        let pump = pin!(async { pump(form, &writer, next).await.is_ok() });
        self.exchange(path, &form.content_type, &readable.into(), RUN_TIMEOUT, pump).await
    }

    /// Sends a form with one streamed file. Where the file's length in bytes is known, the request tells its own: some
    /// gateways take no others. If the stream fails, the form stays incomplete and its connection is aborted.
    ///
    /// # Errors
    /// The error of `next`; inside, [`FetchError`] if no response came.
    pub async fn upload<E>(
        &self,
        path: &str,
        form: &FormBody,
        length: Option<u64>,
        next: impl AsyncFnMut() -> Result<Option<Uint8Array>, E>,
    ) -> Result<Result<HttpResponse, FetchError>, E> {
        let pipe = length.map_or_else(Pipe::open, |length| Pipe::fixed(form_length(form, [length])));
        let Pipe { readable, writer } = match pipe {
            Ok(pipe) => pipe,
            Err(error) => return Ok(Err(not_sent(error))),
        };
        let mut pumped = Ok(());
        let answer = {
            let pump = pin!(async {
                pumped = pump(form, &writer, next).await;
                pumped.is_ok()
            });
            self.exchange(path, &form.content_type, &readable.into(), UPLOAD_TIMEOUT, pump).await
        };
        pumped.map(|()| answer)
    }

    /// Sends a body that `pump` writes. `pump` returns whether the body is complete.
    async fn exchange(
        &self,
        path: &str,
        content_type: &str,
        body: &JsValue,
        timeout: Duration,
        pump: Pin<&mut dyn Future<Output = bool>>,
    ) -> Result<HttpResponse, FetchError> {
        let request = self.signed(path, content_type, body)?;
        // A response may come before the whole body was sent.
        let answer = match select(pin!(fetch(request, timeout)), pump).await {
            Either::Left((answer, _)) => answer,
            // Aborted before the writer closes the body, so that Wiro never sees a complete body.
            Either::Right((false, _)) => Err(FetchError::Lost("the body broke".to_owned())),
            Either::Right((true, answer)) => {
                with_timeout(RUN_TIMEOUT, answer).await.unwrap_or(Err(FetchError::Timeout(RUN_TIMEOUT)))
            }
        };
        read(answer?).await
    }

    fn signed(&self, path: &str, content_type: &str, body: &JsValue) -> Result<Request, FetchError> {
        let random = clock::random().map_err(not_sent)?;
        let signed = self.credentials.headers(u64::from_be_bytes(random) >> NONCE_SHIFT);
        let mut headers = vec![("content-type", content_type)];
        headers.extend(signed.iter().map(|(name, value)| (*name, value.as_str())));
        request("POST", &format!("{}{path}", self.base_url), &headers, Some(body)).map_err(not_sent)
    }
}

/// Bytes of a form with files of these lengths.
fn form_length(form: &FormBody, files: impl IntoIterator<Item = u64>) -> u64 {
    let texts = form.texts.iter().map(String::len).sum::<usize>();
    files.into_iter().fold(u64::try_from(texts).unwrap_or(u64::MAX), u64::saturating_add)
}

/// Nonces have 53 bits: an integer in every language, and practically unique.
const NONCE_SHIFT: u32 = 64 - 53;

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn not_sent(error: impl ToString) -> FetchError {
    FetchError::NotSent(error.to_string())
}

/// Writes the form and its files; `next` ends each file with `None`. If the reader stops, the response explains why.
async fn pump<E>(
    form: &FormBody,
    writer: &Writer,
    mut next: impl AsyncFnMut() -> Result<Option<Uint8Array>, E>,
) -> Result<(), E> {
    let Some((last, before_files)) = form.texts.split_last() else { return Ok(()) };
    for text in before_files {
        let mut chunk = Some(chunk_of(text));
        while let Some(bytes) = chunk {
            if writer.write(&bytes).await.is_err() {
                return Ok(());
            }
            chunk = next().await?;
        }
    }
    if writer.write(&chunk_of(last)).await.is_ok() {
        let _ = writer.close().await;
    }
    Ok(())
}

/// Reads a response, and its body if that is short text.
///
/// # Errors
/// If the connection breaks.
pub async fn read(response: worker::Response) -> Result<HttpResponse, FetchError> {
    let retry_after = response.headers().get("retry-after").ok().flatten();
    let status = response.status_code();
    let response = web_sys::Response::from(response);
    let body = match read_response(&response, MAX_ANSWER_BYTES, IDLE_TIMEOUT).await {
        Ok(bytes) => String::from_utf8(bytes).ok(),
        Err(StreamError::TooLong(_)) => None,
        Err(error) => return Err(FetchError::Lost(error.to_string())),
    };
    let now = clock::now().seconds();
    let retry_after_seconds = retry_after.and_then(|header| retry_after_seconds(&header, now));
    Ok(HttpResponse { status, retry_after_seconds, body })
}
