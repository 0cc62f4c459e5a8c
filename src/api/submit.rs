//! `POST /v1/videos`: checks the request, chooses the id, creates the video in its object and responds after the first
//! Run was answered.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::error::{ApiError, Operation};
use super::guard::challenge::{self, Challenge};
use super::status::{add_polling_headers, wait_message, wait_of};
use super::submission::{Body, Submission};
use super::{RequestContext, guard, internal, respond};
use crate::calls::dispatcher::{DispatcherClient, SubmitAttempt};
use crate::calls::task::{Message, Reply};
use crate::config::offered_models::OfferedModel;
use crate::runtime::http::{Header, Request, Response};
use crate::runtime::{clock, url};
use crate::storage::models;
use crate::video::access::owner::Owner;
use crate::video::delivery::OwnerWebhook;
use crate::video::id::VideoId;
use crate::video::model::Capabilities;
use crate::video::money::budget::{Day, Shortage};
use crate::video::record::{FailureCode, Record};
use crate::video::request::{FieldError, Links, ValidRequest};
use crate::video::task::{NewTask, Task};
use crate::video::typical_duration::FIRST_MODEL_PATH;
use crate::wiro::model::canonical_slug;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const MAX_KEY_CHARS: usize = 255;

/// The prefix of headers that describe an SDK.
const SDK_HEADERS: &str = "x-stainless-";
const RETRY_COUNT: &str = "x-stainless-retry-count:";

/// `Retry-After` when Wiro refuses the account, because an operator has to act.
pub const ACCOUNT_RETRY_SECONDS: u32 = 300;

/// `Retry-After` when Wiro does not answer and the queue is full. Wiro is tried at least every five minutes.
const OUTAGE_RETRY_SECONDS: u32 = 60;

pub async fn submit(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    let owner = &context.authenticate(request)?;
    context.check_not_paused(owner, Operation::Video)?;
    // 1. Choose the id first, because an image is uploaded under it. An idempotency key always leads to the same id.
    let keys = &context.config.signing_keys;
    let key = idempotency_key(request)?;
    let id = match &key {
        Some(key) => keys.mint_for(owner, key),
        None => keys.mint(owner, clock::random().map_err(internal)?),
    };
    // 2. A used token may only fetch the response to the submit that used it. Everything else is refused in the same
    //    way, so that the response does not reveal which keys exist.
    let challenge = challenge::check(context, request).await?;
    if let Challenge::Spent(digest) = &challenge {
        let created_with = Message::CreatedWith(digest.clone());
        if key.is_none() || !matches!(context.ask(&id, &created_with).await?, Reply::Ack) {
            challenge.passed()?;
        }
    }
    // 3. Validate the whole request before anything is stored. Invalid requests do not count against the rate limit.
    let videos = context.videos()?;
    let body = Body::read(request, &videos, &id).await?;
    let model = match chosen_model(context, &body).await {
        Ok(model) => model,
        Err(error) => {
            body.discard().await;
            return Err(error);
        }
    };
    let file_url = |file: &str| keys.file_url(owner, file);
    let callback_needs = callback_needs(context, owner);
    let links = Links { parse_url: url::parse, file_url: &file_url, callback_needs };
    let submission = body.check(&model.capabilities, links).await?;
    if let Err(error) = guard::limits::check_submit(context, request, owner).await {
        submission.discard().await;
        return Err(error);
    }
    // 4. The retry of an SDK gets the video of its first attempt.
    let uploaded_id = id;
    let fingerprint = fingerprint(&model.path, &submission);
    let id = match retry_count(request).filter(|_| key.is_none()) {
        None => uploaded_id.clone(),
        Some(retry_count) => {
            let digest = attempt_digest(request, owner, &fingerprint);
            let attempt = SubmitAttempt { request: digest, id: uploaded_id.clone(), retry_count };
            DispatcherClient::new(context.env)?.video_of(attempt).await.map_err(internal)?
        }
    };
    // 5. The object stores the task and sends Run. From here on a crash of this request loses nothing. The object asks
    //    for the image only if the video is new.
    let mut task = Box::new(new_task(context, owner, &id, model, &submission, fingerprint));
    task.challenge = challenge.clone().digest();
    let accept = match challenge {
        Challenge::NotNeeded | Challenge::Passed(_) => Message::Accept(task),
        Challenge::Spent(_) => Message::Replay(task),
    };
    let mut reply = context.ask(&id, &accept).await?;
    if matches!(reply, Reply::SendImage) {
        submission.store_images().await?;
        if id != uploaded_id {
            videos.move_inputs(&uploaded_id, &id).await?;
        }
        reply = context.ask(&id, &Message::ImageStored).await?;
        if matches!(reply, Reply::NotFound | Reply::Deleted) {
            // The video was deleted during the upload of its images.
            videos.delete_inputs(&id).await?;
        }
    } else {
        submission.discard().await;
    }
    // 6. Report a refusal.
    let (record, is_replay) = match reply {
        Reply::Video(record) => (record, false),
        Reply::Replayed(record) => (record, true),
        Reply::Unaffordable(shortage) => return Err(unaffordable(Operation::Video, shortage)),
        Reply::Unavailable => return Err(unavailable(OUTAGE_RETRY_SECONDS)),
        Reply::Deleted => return Err(ApiError::Deleted),
        Reply::OtherRequest => return Err(ApiError::IdempotencyKeyReused),
        _ => {
            // With a used token: the video was removed since step 2.
            challenge.passed()?;
            return Err(internal("the object did not keep the job"));
        }
    };
    check_first_run(&record)?;
    // 7. Wait, if the request asks for it.
    let wait = wait_of(request);
    let record = match wait {
        Some(wait) if !record.status.is_final() => match context.ask(&id, &wait_message(wait)).await? {
            Reply::Video(record) => record,
            _ => record,
        },
        _ => record,
    };
    let is_final = record.status.is_final();
    let video = context.to_video(owner, record);
    let mut response = respond::json(202, &video)?.with("location", &video.urls.itself);
    add_polling_headers(&mut response, wait, is_final);
    if is_replay {
        response.add("idempotent-replayed", "true");
    }
    Ok(response)
}

/// The task of an accepted submit.
fn new_task(
    context: &RequestContext<'_>,
    owner: &Owner,
    id: &VideoId,
    model: ChosenModel,
    submission: &Submission<'_>,
    fingerprint: String,
) -> Task {
    let ValidRequest { input, metadata, callback_url } = submission.requested.clone();
    let proof = context.config.signing_keys.callback_proof(id);
    let new = NewTask {
        owner: owner.clone(),
        callback_url: format!("{}/hooks/wiro/{id}/{proof}", context.origin.url),
        fingerprint,
        model: model.name,
        model_path: model.path,
        input,
        metadata,
        id: id.clone(),
    };
    Task {
        request_id: Some(context.request_id.clone()),
        owner_webhook: callback_url.map(OwnerWebhook::new),
        ..Task::accept(new, clock::now())
    }
}

/// What must be set before this owner may give a `callback_url`, which is only sent signed messages.
fn callback_needs(context: &RequestContext<'_>, owner: &Owner) -> Option<&'static str> {
    let managed = context.managed_clients.clone().unwrap_or_default();
    match context.config.owner_webhook_keys(owner, &managed) {
        Some(_) => None,
        None if owner.is_nobody() => Some("needs a key that signs: the operator must set NOTIFY_SECRET"),
        None => Some("needs a key that signs: the operator must set your webhook_secret"),
    }
}

/// The model of a submit.
struct ChosenModel {
    name: String,
    /// `owner/project` at the upstream.
    path: String,
    capabilities: Capabilities,
}

/// The model that a submit names, or the default one.
async fn chosen_model(context: &RequestContext<'_>, body: &Body<'_>) -> Result<ChosenModel, ApiError> {
    let models = &context.config.models;
    let OfferedModel { name, path } = match body.model()? {
        Some(name) => models.find(&name).ok_or_else(|| ApiError::UnknownModel(models.names()))?,
        None => models.default(),
    };
    let description = models::describe(context.env, path).await;
    if !description.not_understood.is_empty() {
        return Err(ApiError::Misconfigured(format!(
            "MODELS: {name} ({path}) requires parameters that are not supported: {}",
            description.not_understood.join(", ")
        )));
    }
    let capabilities = models::capabilities(path, &description);
    Ok(ChosenModel { name: name.clone(), path: path.clone(), capabilities })
}

fn idempotency_key(request: &Request) -> Result<Option<String>, ApiError> {
    let Some(key) = request.header(Header::IdempotencyKey) else { return Ok(None) };
    if (1..=MAX_KEY_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(key));
    }
    let message = format!("must be 1 to {MAX_KEY_CHARS} visible ASCII characters");
    Err(ApiError::InvalidParameter(vec![FieldError { field: IDEMPOTENCY_KEY.to_owned(), message }]))
}

/// How often an SDK has sent this submit before; `None` for clients that do not say.
fn retry_count(request: &Request) -> Option<u32> {
    request.header(Header::XStainlessRetryCount)?.parse().ok()
}

/// A digest of client, SDK and request, which is equal for all attempts of one submit.
fn attempt_digest(request: &Request, owner: &Owner, fingerprint: &str) -> String {
    let agent = request.header(Header::UserAgent).unwrap_or_default();
    let sdk = request.headers_like(SDK_HEADERS);
    let sdk: Vec<&str> = sdk.lines().filter(|line| !line.starts_with(RETRY_COUNT)).collect();
    let client = guard::limits::client_key(request, owner);
    let attempt = json!([client, agent, sdk, fingerprint]);
    hex::encode(Sha256::digest(attempt.to_string()))
}

/// A digest of the request, which does not depend on its notation. Newer members are left out if they are empty, so
/// that fingerprints of earlier versions stay equal.
fn fingerprint(model_path: &str, submission: &Submission<'_>) -> String {
    let Submission { requested: ValidRequest { input, metadata, callback_url }, digests, .. } = submission;
    let mut request = json!({ "input": input, "image_sha256": digests.first });
    if let Some(request) = request.as_object_mut() {
        if let Some(last) = &digests.last {
            request.insert("last_image_sha256".to_owned(), json!(last));
        }
        if canonical_slug(model_path) != FIRST_MODEL_PATH {
            request.insert("model".to_owned(), json!(canonical_slug(model_path)));
        }
        if !metadata.is_empty() {
            request.insert("metadata".to_owned(), json!(metadata));
        }
        if let Some(url) = callback_url {
            request.insert("callback_url".to_owned(), json!(url));
        }
    }
    hex::encode(Sha256::digest(request.to_string()))
}

/// The error if the budget is used up or the price is unknown.
pub fn unaffordable(operation: Operation, shortage: Shortage) -> ApiError {
    let now = clock::now();
    let retry_after_seconds = match shortage {
        Shortage::Price => i64::from(ACCOUNT_RETRY_SECONDS),
        Shortage::Budget | Shortage::Share => Day::of(now).ends_at() - now.seconds(),
    };
    ApiError::Unaffordable { operation, shortage, retry_after_seconds }
}

const fn unavailable(retry_after_seconds: u32) -> ApiError {
    ApiError::UpstreamUnavailable { operation: Operation::Video, retry_after_seconds }
}

/// Fails if the first Run was refused.
fn check_first_run(record: &Record) -> Result<(), ApiError> {
    match &record.error {
        Some(failure) if failure.code == FailureCode::UpstreamRejected => {
            Err(ApiError::RefusedParameters(failure.message.clone()))
        }
        Some(failure) if failure.code == FailureCode::UpstreamUnavailable => {
            Err(unavailable(ACCOUNT_RETRY_SECONDS))
        }
        _ => Ok(()),
    }
}
