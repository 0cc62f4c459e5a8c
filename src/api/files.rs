//! `POST /v1/files`: streams an image to Wiro's file storage and returns its URL, which a submit may contain.

use serde_json::json;
use worker::js_sys::Uint8Array;

use super::error::{ApiError, Operation};
use super::form::reader::{FormReader, Incoming, max_body_bytes};
use super::form::{declared_length, form_error, media_type, open_form};
use super::guard::challenge;
use super::submit::{ACCOUNT_RETRY_SECONDS, unaffordable};
use super::{RETRY_AFTER_SECONDS, RequestContext, guard, internal, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::uploads::{UploadMessage, hash_of_url};
use crate::runtime::buffer::{Buffer, PART_BYTES};
use crate::runtime::chunk::joined;
use crate::runtime::clock;
use crate::runtime::http::{Header, Request, Response};
use crate::runtime::log::{self, Level};
use crate::runtime::url;
use crate::upstream::client::WiroClient;
use crate::video::access::owner::Owner;
use crate::video::file::{FILE_FIELDS, File, FileUpload, clean_name, is_valid_before_file, validate};
use crate::video::money::budget::{Day, Shortage};
use crate::wiro::files::{Refusal, StoredFile, UPLOAD, read_upload, upload_form};

pub async fn upload(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    let owner = context.authenticate(request)?;
    context.check_not_paused(&owner, Operation::File)?;
    challenge::check(context, request).await?.passed()?;
    check_budget(context, &owner).await?;
    // 1. Wiro is not called until the file starts like an image and all fields before it are valid. An invalid request
    //    does not count against the rate limit.
    let content_type = request.header(Header::ContentType).unwrap_or_default();
    if media_type(&content_type) != "multipart/form-data" {
        return Err(ApiError::UnsupportedMediaType("Send multipart/form-data.".to_owned()));
    }
    let mut form = open_form(request, &content_type, &FILE_FIELDS)?;
    let (filename, content_type, start) = match next(&mut form).await? {
        Some(Incoming::Image { filename, content_type, bytes, .. })
            if form.fields().iter().all(is_valid_before_file) =>
        {
            (clean_name(&filename, content_type), content_type, bytes)
        }
        _ => return Err(read_field_errors(form).await),
    };
    let mut source = FileSource::new(form, start);
    if declared_length(request).is_some_and(|bytes| bytes <= PART_BYTES.into()) {
        source.read_ahead().await?;
    }
    guard::limits::check_submit(context, request, &owner).await?;
    let dispatcher = DispatcherClient::new(context.env)?;
    count_upload(context, &dispatcher, &owner, request).await?;
    // 2. All uploads share one folder. If Wiro refuses to create it, the upload goes without a folder.
    let folder = match dispatcher.folder().await.map_err(internal)? {
        Ok(folder) => Some(folder),
        Err(refusal) if refusal.may_be_about_the_folder() => {
            log_without_folder("Wiro refused to create the folder: uploading without one", &refusal);
            None
        }
        Err(refusal) => return Err(refusal_to_error(refusal)),
    };
    // 3. A small file is sent after it was read completely, a larger one is streamed. The upload is completed only if the
    //    whole form is valid; otherwise it is aborted and Wiro stores no file.
    let content_type = content_type.content_type();
    let mut stored = send(context, folder.as_deref(), &filename, content_type, &mut source).await?;
    if stored == Err(Refusal::LengthRequired) {
        source.read_ahead().await?;
        if source.length().is_some() {
            stored = send(context, folder.as_deref(), &filename, content_type, &mut source).await?;
        }
    }
    if let (Some(folder), Err(refusal)) = (folder, &stored)
        && refusal.may_be_about_the_folder()
    {
        if *refusal == Refusal::FolderGone {
            dispatcher.forget_folder(folder).await.map_err(internal)?;
        }
        if source.rewind() {
            log_without_folder("Wiro refused a file in the folder: uploading it without one", refusal);
            stored = send(context, None, &filename, content_type, &mut source).await?;
        }
    }
    let upload = source.upload;
    // 4. Compare Wiro's answer with the file that was sent.
    let StoredFile { id: wiro_id, url, size } = stored.map_err(refusal_to_error)?;
    let url = url::parse(&url).filter(|url| matches!(url.scheme.as_str(), "https" | "http"));
    let (Some(FileUpload { image, purpose }), Some(url)) = (upload, url) else {
        return Err(ApiError::UpstreamError("a file before its end, or without a usable URL".to_owned()));
    };
    if size.is_some_and(|size| size != image.size) {
        return Err(ApiError::UpstreamError("a file of another size than was sent".to_owned()));
    }
    note_upload(&dispatcher, &owner, context, &url.href, wiro_id.unwrap_or_default()).await;
    let file = File {
        id: context.config.signing_keys.file_id(&owner, &url.href),
        object: "file",
        filename: &filename,
        bytes: image.size,
        content_type,
        created_at: clock::now().seconds(),
        purpose: &purpose,
        url: url.href,
    };
    Ok(respond::json(200, &file)?.with("cache-control", "no-store"))
}

/// Stores whose file it is, for the day on which everything of the client is erased.
async fn note_upload(
    dispatcher: &DispatcherClient,
    owner: &Owner,
    context: &RequestContext<'_>,
    url: &str,
    wiro_id: String,
) {
    if owner.is_nobody() {
        return;
    }
    let stored = UploadMessage::Stored { url_sha256: hash_of_url(url), wiro_id };
    if let Err(error) = dispatcher.uploads(owner, stored).await {
        let fields = [("request_id", json!(context.request_id)), ("error", json!(error.to_string()))];
        log::write(Level::Error, "an upload was not noted: an erasure of its client would miss it", fields);
    }
}

/// Refuses the upload if today's budget is used up, because Wiro stores files on the operator's account.
async fn check_budget(context: &RequestContext<'_>, owner: &Owner) -> Result<(), ApiError> {
    let limits = context.limits(owner);
    let Some(least) = limits.lowest() else { return Ok(()) };
    let (spent, reserved) = DispatcherClient::new(context.env)?.usage(owner).await.map_err(internal)?;
    if spent.plus(reserved) < least {
        return Ok(());
    }
    let shortage = if limits.share == Some(least) { Shortage::Share } else { Shortage::Budget };
    Err(unaffordable(Operation::File, shortage))
}

/// Counts the bytes before they are sent: the declared length, or else the maximum.
async fn count_upload(
    context: &RequestContext<'_>,
    dispatcher: &DispatcherClient,
    owner: &Owner,
    request: &Request,
) -> Result<(), ApiError> {
    if context.config.upload_bytes_per_day.is_none() {
        return Ok(());
    }
    let bytes = declared_length(request).unwrap_or_else(|| max_body_bytes(&FILE_FIELDS));
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if dispatcher.count_upload(owner, bytes).await.map_err(internal)? {
        return Ok(());
    }
    let now = clock::now();
    Err(ApiError::UploadsExhausted { retry_after_seconds: Day::of(now).ends_at() - now.seconds() })
}

async fn next(form: &mut FormReader) -> Result<Option<Incoming>, ApiError> {
    form.next().await.map_err(|error| form_error(&error))
}

/// Sends the file to Wiro.
async fn send(
    context: &RequestContext<'_>,
    folder: Option<&str>,
    filename: &str,
    content_type: &str,
    source: &mut FileSource,
) -> Result<Result<StoredFile, Refusal>, ApiError> {
    let boundary = hex::encode(clock::random::<16>().map_err(internal)?);
    let form = upload_form(folder, filename, content_type, &boundary);
    let length = source.length();
    let wiro = WiroClient::of(&context.config);
    let response = wiro.upload(UPLOAD, &form, length, async || source.next().await).await?;
    Ok(match response {
        Ok(response) => read_upload(&response),
        Err(error) => Err(Refusal::Unreachable(error.to_string())),
    })
}

fn log_without_folder(message: &str, refusal: &Refusal) {
    log::write(Level::Warn, message, [("reason", format!("{refusal:?}").into())]);
}

/// The incoming bytes of the file. While the file is small, the bytes are also buffered, so that they can be sent
/// again.
struct FileSource {
    form: FormReader,
    /// All bytes so far; `None` if they are too many.
    buffered: Option<Buffer>,
    /// The bytes to return before the form is read on.
    first: Option<Uint8Array>,
    /// The validated form; set when its end was read.
    upload: Option<FileUpload>,
}

impl FileSource {
    fn new(form: FormReader, start: Uint8Array) -> Self {
        let mut source = Self { form, buffered: Some(Buffer::default()), first: None, upload: None };
        source.keep(&start);
        source.first = Some(start);
        source
    }

    async fn next(&mut self) -> Result<Option<Uint8Array>, ApiError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let bytes = self.read().await?;
        if let Some(bytes) = &bytes {
            self.keep(bytes);
        }
        Ok(bytes)
    }

    /// Reads the form to its end, if the file can be buffered. `next` returns the bytes later.
    async fn read_ahead(&mut self) -> Result<(), ApiError> {
        while let Some(buffered) = self.buffered.as_ref().map(Buffer::filled) {
            let Some(bytes) = self.read().await? else {
                self.rewind();
                return Ok(());
            };
            self.keep(&bytes);
            if self.buffered.is_none() {
                self.first = Some(joined(&buffered, &bytes));
            }
        }
        Ok(())
    }

    /// The length of the file in bytes, if it was read to its end and is buffered.
    fn length(&self) -> Option<u64> {
        self.buffered.as_ref().filter(|_| self.upload.is_some()).map(|buffered| buffered.used().into())
    }

    async fn read(&mut self) -> Result<Option<Uint8Array>, ApiError> {
        if self.upload.is_some() {
            return Ok(None);
        }
        match next(&mut self.form).await? {
            Some(Incoming::Image { bytes, .. } | Incoming::Bytes(bytes)) => Ok(Some(bytes)),
            None => {
                let upload = validate(self.form.take_fields()).map_err(ApiError::InvalidParameter)?;
                self.upload = Some(upload);
                Ok(None)
            }
        }
    }

    fn keep(&mut self, bytes: &Uint8Array) {
        let Some(buffered) = &mut self.buffered else { return };
        if buffered.used().saturating_add(bytes.length()) > PART_BYTES || buffered.push(bytes).is_err() {
            self.buffered = None;
        }
    }

    /// Starts again from the beginning; `false` if the file was too large to be buffered.
    fn rewind(&mut self) -> bool {
        self.first = self.buffered.as_ref().map(Buffer::filled);
        self.first.is_some()
    }
}

/// Reads an invalid form to its end, without keeping its file, and returns all errors.
async fn read_field_errors(mut form: FormReader) -> ApiError {
    loop {
        match next(&mut form).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                return match validate(form.take_fields()) {
                    Ok(_) => internal("a valid form was refused"),
                    Err(errors) => ApiError::InvalidParameter(errors),
                };
            }
            Err(error) => return error,
        }
    }
}

/// Converts Wiro's refusal. The response contains none of Wiro's text.
fn refusal_to_error(refusal: Refusal) -> ApiError {
    let (reason, retry_after_seconds) = match refusal {
        Refusal::Failed(reason) | Refusal::Declined(reason) => return ApiError::UpstreamError(reason),
        Refusal::LengthRequired => {
            return ApiError::UpstreamError("a file of unknown length is not taken: HTTP 411".to_owned());
        }
        Refusal::RateLimited(wait) => {
            let wait = wait.and_then(|seconds| u32::try_from(seconds).ok());
            ("it is busy".to_owned(), wait.unwrap_or(RETRY_AFTER_SECONDS))
        }
        Refusal::Unreachable(reason) => (reason, RETRY_AFTER_SECONDS),
        // The next upload creates another folder.
        Refusal::FolderGone => ("the folder for uploads is gone".to_owned(), RETRY_AFTER_SECONDS),
        Refusal::Account(reason) => {
            let fields = [("reason", json!(reason))];
            log::write(Level::Error, "Wiro refuses the account: check its key, secret and balance", fields);
            return unavailable(ACCOUNT_RETRY_SECONDS);
        }
    };
    log::write(Level::Warn, "Wiro refused a file", [("reason", json!(reason))]);
    unavailable(retry_after_seconds)
}

const fn unavailable(retry_after_seconds: u32) -> ApiError {
    ApiError::UpstreamUnavailable { operation: Operation::File, retry_after_seconds }
}
