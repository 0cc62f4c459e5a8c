//! Signed calls to Wiro.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, pending, select};
use worker::Request;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::ReadableStream;

use super::clock;
use super::network::{FetchError, fetch, request};
use super::streams::{FixedPipe, Reader, StreamError, Writer, chunk_of, read_small};
use crate::wiro::answer::{HttpAnswer, retry_after_seconds};
use crate::wiro::run::FormBody;
use crate::wiro::sign::Credentials;

/// Run with a large image takes as long as its upload.
const RUN_TIMEOUT: Duration = Duration::from_mins(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a part of an answer or of an image may take.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Detail carries the logs of a run; what is longer is not read.
const MAX_ANSWER_BYTES: u32 = 1024 * 1024;

pub struct WiroClient<'a> {
    pub base_url: &'a str,
    pub credentials: &'a Credentials,
}

impl WiroClient<'_> {
    /// Sends a JSON call such as `/Task/Detail`.
    ///
    /// # Errors
    /// [`FetchError`] when no answer came.
    pub async fn call(&self, path: &str, body: &str) -> Result<HttpAnswer, FetchError> {
        let request = self.signed(path, "application/json", &body.into())?;
        read(fetch(request, CALL_TIMEOUT).await?).await
    }

    /// Sends Run. `image` is streamed between the form's head and tail, its length in bytes given.
    ///
    /// # Errors
    /// [`FetchError`] when no answer came.
    pub async fn run(
        &self,
        path: &str,
        form: &FormBody,
        image: Option<(ReadableStream, u64)>,
    ) -> Result<HttpAnswer, FetchError> {
        let Some((image, image_bytes)) = image else {
            let body = format!("{}{}", form.head, form.tail);
            let request = self.signed(path, &form.content_type, &body.into())?;
            return read(fetch(request, RUN_TIMEOUT).await?).await;
        };
        let around = u64::try_from(form.head.len() + form.tail.len()).unwrap_or(u64::MAX);
        let pipe = FixedPipe::new(around.saturating_add(image_bytes)).map_err(not_sent)?;
        let request = self.signed(path, &form.content_type, &pipe.readable.into())?;
        // The pump ends the body; an answer may come before all of it was taken.
        let pump = async {
            let _ = send_form(form, &image, pipe.writer).await;
            pending::<()>().await;
        };
        match select(pin!(fetch(request, RUN_TIMEOUT)), pin!(pump)).await {
            Either::Left((answer, _)) => read(answer?).await,
            Either::Right(((), _)) => Err(FetchError::Lost("the body broke".to_owned())),
        }
    }

    fn signed(&self, path: &str, content_type: &str, body: &JsValue) -> Result<Request, FetchError> {
        let random = clock::random().map_err(not_sent)?;
        let signed = self.credentials.headers(u64::from_be_bytes(random) >> NONCE_SHIFT);
        let mut headers = vec![("content-type", content_type)];
        headers.extend(signed.iter().map(|(name, value)| (*name, value.as_str())));
        request("POST", &format!("{}{path}", self.base_url), &headers, Some(body)).map_err(not_sent)
    }
}

/// Nonces have 53 bits: an integer in any language, and never the same twice in practice.
const NONCE_SHIFT: u32 = 64 - 53;

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn not_sent(error: impl ToString) -> FetchError {
    FetchError::NotSent(error.to_string())
}

async fn send_form(form: &FormBody, image: &ReadableStream, writer: Writer) -> Result<(), StreamError> {
    writer.write(&chunk_of(&form.head)).await?;
    let mut reader = Reader::new(image, IDLE_TIMEOUT);
    while let Some(chunk) = reader.next().await? {
        writer.write(&chunk).await?;
    }
    writer.write(&chunk_of(&form.tail)).await?;
    writer.close().await
}

async fn read(response: worker::Response) -> Result<HttpAnswer, FetchError> {
    let retry_after = response.headers().get("retry-after").ok().flatten();
    let status = response.status_code();
    let body = match response.into_parts().1 {
        worker::ResponseBody::Stream(stream) => {
            match read_small(Reader::new(&stream, IDLE_TIMEOUT), MAX_ANSWER_BYTES).await {
                Ok(bytes) => String::from_utf8(bytes).ok(),
                Err(StreamError::TooLong(_)) => None,
                Err(error) => return Err(FetchError::Lost(error.to_string())),
            }
        }
        worker::ResponseBody::Body(bytes) => String::from_utf8(bytes).ok(),
        worker::ResponseBody::Empty => Some(String::new()),
    };
    let now = clock::now().seconds();
    let retry_after_seconds = retry_after.and_then(|header| retry_after_seconds(&header, now));
    Ok(HttpAnswer { status, retry_after_seconds, body })
}
