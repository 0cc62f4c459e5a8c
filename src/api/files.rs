//! `POST /v1/files`: an image passes through to Wiro's files as it comes in, and the answer says where a
//! submit may point to it.

use serde_json::json;
use worker::js_sys::Uint8Array;

use super::error::{ApiError, Wanted};
use super::form::reader::{FormReader, Incoming, max_body_bytes};
use super::form::{declared_length, form_error, media_type, open_form};
use super::guard::challenge;
use super::submit::{ACCOUNT_RETRY_SECONDS, unaffordable};
use super::{Call, RETRY_AFTER_SECONDS, guard, internal, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::runtime::buffer::{Buffer, PART_BYTES};
use crate::runtime::chunk::joined;
use crate::runtime::clock;
use crate::runtime::http::{Answer, Header, Request};
use crate::runtime::log::{self, Level};
use crate::runtime::url;
use crate::upstream::client::WiroClient;
use crate::video::access::owner::Owner;
use crate::video::file::{FILE_FIELDS, File, FileUpload, clean_name, is_good, validate};
use crate::video::money::budget::{Day, Shortage};
use crate::wiro::files::{Refusal, StoredFile, UPLOAD, read_upload, upload_form};

pub async fn upload(call: &Call<'_>, request: &Request) -> Result<Answer, ApiError> {
    let owner = call.client(request)?;
    challenge::check(call, request).await?.passed()?;
    check_budget(call, &owner).await?;
    // 1. Nothing is asked of Wiro before the file begins like an image and nothing in front of it is wrong. What is wrong
    //    does not count against the limit.
    let content_type = request.header(Header::ContentType).unwrap_or_default();
    if media_type(&content_type) != "multipart/form-data" {
        return Err(ApiError::UnsupportedMediaType("Send multipart/form-data.".to_owned()));
    }
    let mut form = open_form(request, &content_type, &FILE_FIELDS)?;
    let (filename, content_type, start) = match next(&mut form).await? {
        Some(Incoming::Image { filename, content_type, bytes, .. }) if form.fields().iter().all(is_good) => {
            (clean_name(&filename, content_type), content_type, bytes)
        }
        _ => return Err(wrong_fields(form).await),
    };
    let mut source = FileSource::new(form, start);
    if declared_length(request).is_some_and(|bytes| bytes <= PART_BYTES.into()) {
        source.read_ahead().await?;
    }
    guard::limits::submit(call, request, &owner).await?;
    let dispatch = DispatcherClient::new(call.env)?;
    count_upload(call, &dispatch, &owner, request).await?;
    // 2. The folder that all uploads share, or none where Wiro makes none.
    let folder = match dispatch.folder().await.map_err(internal)? {
        Ok(folder) => Some(folder),
        Err(refusal) if refusal.may_be_about_the_folder() => {
            log_without_folder("Wiro makes no folder: the upload goes without one", &refusal);
            None
        }
        Err(refusal) => return Err(refused(refusal)),
    };
    // 3. A small file goes on when it is whole, the bytes of others as they come. Their end is only told when the whole form
    //    was found good; if not, the upload breaks off and Wiro has no file.
    let content_type = content_type.content_type();
    let mut stored = send(call, folder.as_deref(), &filename, content_type, &mut source).await?;
    if stored == Err(Refusal::LengthRequired) {
        source.read_ahead().await?;
        if source.length().is_some() {
            stored = send(call, folder.as_deref(), &filename, content_type, &mut source).await?;
        }
    }
    if let (Some(folder), Err(refusal)) = (folder, &stored)
        && refusal.may_be_about_the_folder()
    {
        if *refusal == Refusal::FolderGone {
            dispatch.forget_folder(folder).await.map_err(internal)?;
        }
        if source.rewind() {
            log_without_folder("Wiro takes no file into the folder: it goes without one", refusal);
            stored = send(call, None, &filename, content_type, &mut source).await?;
        }
    }
    let upload = source.upload;
    // 4. What Wiro says it has must be what was sent.
    let StoredFile { url, size } = stored.map_err(refused)?;
    let url = url::parse(&url).filter(|url| matches!(url.scheme.as_str(), "https" | "http"));
    let (Some(FileUpload { image, purpose }), Some(url)) = (upload, url) else {
        return Err(ApiError::UpstreamError("a file before its end, or without a usable URL".to_owned()));
    };
    if size.is_some_and(|size| size != image.size) {
        return Err(ApiError::UpstreamError("a file of another size than was sent".to_owned()));
    }
    let file = File {
        id: call.config.signing_keys.file_id(&owner, &url.href),
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

/// No file where no video can be paid for today: Wiro keeps it on the operator's account.
async fn check_budget(call: &Call<'_>, owner: &Owner) -> Result<(), ApiError> {
    let limits = call.config.limits(owner);
    let Some(least) = limits.lowest() else { return Ok(()) };
    let (spent, reserved) = DispatcherClient::new(call.env)?.usage(owner).await.map_err(internal)?;
    if spent.plus(reserved) < least {
        return Ok(());
    }
    let shortage = if limits.share == Some(least) { Shortage::Share } else { Shortage::Budget };
    Err(unaffordable(Wanted::File, shortage))
}

/// Counts the bytes before they are sent: as many as the request declares, or as many as it may have.
async fn count_upload(
    call: &Call<'_>,
    dispatch: &DispatcherClient,
    owner: &Owner,
    request: &Request,
) -> Result<(), ApiError> {
    if call.config.upload_bytes_per_day.is_none() {
        return Ok(());
    }
    let bytes = declared_length(request).unwrap_or_else(|| max_body_bytes(&FILE_FIELDS));
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if dispatch.count_upload(owner, bytes).await.map_err(internal)? {
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
    call: &Call<'_>,
    folder: Option<&str>,
    filename: &str,
    content_type: &str,
    source: &mut FileSource,
) -> Result<Result<StoredFile, Refusal>, ApiError> {
    let boundary = hex::encode(clock::random::<16>().map_err(internal)?);
    let form = upload_form(folder, filename, content_type, &boundary);
    let length = source.length();
    let wiro = WiroClient::of(&call.config);
    let answer = wiro.upload(UPLOAD, &form, length, async || source.next().await).await?;
    Ok(match answer {
        Ok(answer) => read_upload(&answer),
        Err(error) => Err(Refusal::Unreachable(error.to_string())),
    })
}

fn log_without_folder(message: &str, refusal: &Refusal) {
    log::write(Level::Warn, message, [("reason", format!("{refusal:?}").into())]);
}

/// The bytes of the file as they come. What was handed out is kept while it is small, so that it can be sent again.
struct FileSource {
    form: FormReader,
    /// Everything so far, until it is too much.
    held: Option<Buffer>,
    /// To be handed out before the form goes on.
    first: Option<Uint8Array>,
    /// What it was, at its end, which must be a good form's.
    upload: Option<FileUpload>,
}

impl FileSource {
    fn new(form: FormReader, start: Uint8Array) -> Self {
        let mut source = Self { form, held: Some(Buffer::default()), first: None, upload: None };
        source.hold(&start);
        source.first = Some(start);
        source
    }

    async fn next(&mut self) -> Result<Option<Uint8Array>, ApiError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let bytes = self.read().await?;
        if let Some(bytes) = &bytes {
            self.hold(bytes);
        }
        Ok(bytes)
    }

    /// Reads the form to its end, while the file can be held; what was read is handed out later.
    async fn read_ahead(&mut self) -> Result<(), ApiError> {
        while let Some(held) = self.held.as_ref().map(Buffer::filled) {
            let Some(bytes) = self.read().await? else {
                self.rewind();
                return Ok(());
            };
            self.hold(&bytes);
            if self.held.is_none() {
                self.first = Some(joined(&held, &bytes));
            }
        }
        Ok(())
    }

    /// Bytes of the file, once it was read to its end and is held.
    fn length(&self) -> Option<u64> {
        self.held.as_ref().filter(|_| self.upload.is_some()).map(|held| held.used().into())
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

    fn hold(&mut self, bytes: &Uint8Array) {
        let Some(held) = &mut self.held else { return };
        if held.used().saturating_add(bytes.length()) > PART_BYTES || held.push(bytes).is_err() {
            self.held = None;
        }
    }

    /// Begins anew; `false` when part of the file is gone.
    fn rewind(&mut self) -> bool {
        self.first = self.held.as_ref().map(Buffer::filled);
        self.first.is_some()
    }
}

/// All that is wrong with a form, part of which is known to be; the file is read and forgotten.
async fn wrong_fields(mut form: FormReader) -> ApiError {
    loop {
        match next(&mut form).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                return match validate(form.take_fields()) {
                    Ok(_) => internal("a good form was taken for a wrong one"),
                    Err(errors) => ApiError::InvalidParameter(errors),
                };
            }
            Err(error) => return error,
        }
    }
}

/// Wiro's refusal as the caller hears it: whose turn it is, and none of Wiro's words.
fn refused(refusal: Refusal) -> ApiError {
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
        // The next upload makes another one.
        Refusal::FolderGone => ("the folder for uploads is gone".to_owned(), RETRY_AFTER_SECONDS),
        Refusal::Account(reason) => {
            let fields = [("reason", json!(reason))];
            log::write(Level::Error, "Wiro refuses the account: check its key, secret and balance", fields);
            return unavailable(ACCOUNT_RETRY_SECONDS);
        }
    };
    log::write(Level::Warn, "Wiro does not take a file", [("reason", json!(reason))]);
    unavailable(retry_after_seconds)
}

const fn unavailable(retry_after_seconds: u32) -> ApiError {
    ApiError::UpstreamUnavailable { wanted: Wanted::File, retry_after_seconds }
}
