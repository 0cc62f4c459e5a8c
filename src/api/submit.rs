//! `POST /v1/videos`: read and check the request, name the video, hand the job to its object, answer when
//! the first Run was answered.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::error::{ApiError, Wanted};
use super::guard::challenge::{self, Challenge};
use super::status::{add_progress, question, wait_of};
use super::submission::{Body, Submission};
use super::{Call, guard, internal, respond};
use crate::calls::dispatcher::{DispatcherClient, SubmitAttempt};
use crate::calls::task::{Message, Reply};
use crate::config::offered_models::OfferedModel;
use crate::runtime::http::{Answer, Header, Request};
use crate::runtime::{clock, url};
use crate::storage::models;
use crate::video::access::owner::Owner;
use crate::video::model::Capabilities;
use crate::video::money::budget::{Day, Shortage};
use crate::video::record::{FailureCode, Record};
use crate::video::request::{FieldError, Links, Requested};
use crate::video::task::{NewTask, Task};
use crate::video::typical_duration::FIRST_MODEL_PATH;
use crate::wiro::model::canonical_slug;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const MAX_KEY_CHARS: usize = 255;

/// What an SDK says of itself.
const SDK_HEADERS: &str = "x-stainless-";
const RETRY_COUNT: &str = "x-stainless-retry-count:";

/// What to wait when the upstream's account takes no jobs: an operator has to act.
pub const ACCOUNT_RETRY_SECONDS: u32 = 300;

/// What to wait when the upstream does not answer and its line is long: it is tried at least every five minutes.
const OUTAGE_RETRY_SECONDS: u32 = 60;

pub async fn submit(call: &Call<'_>, request: &Request) -> Result<Answer, ApiError> {
    let owner = &call.client(request)?;
    // 1. The id comes first: an image streams towards R2 under it. An idempotency key always names the
    //    same one.
    let keys = &call.config.signing_keys;
    let key = idempotency_key(request)?;
    let id = match &key {
        Some(key) => keys.mint_for(owner, key),
        None => keys.mint(owner, clock::random().map_err(internal)?),
    };
    // 2. With a spent token there is only the answer that the job which it began did not get. Whatever else it is
    //    shown with, the refusal is the same: it must not tell which keys there are.
    let challenge = challenge::check(call, request).await?;
    if let Challenge::Spent(digest) = &challenge {
        let began = Message::BeganWith(digest.clone());
        if key.is_none() || !matches!(call.ask(&id, &began).await?, Reply::Ack) {
            challenge.passed()?;
        }
    }
    // 3. Everything that can be wrong with the request is found before anything is stored. What is wrong does not count
    //    against the limit.
    let videos = call.videos()?;
    let body = Body::read(request, &videos, &id).await?;
    let model = match chosen_model(call, &body).await {
        Ok(model) => model,
        Err(error) => {
            body.discard().await;
            return Err(error);
        }
    };
    let links = Links { parse_url: url::parse, file_url: &|file| keys.file_url(owner, file) };
    let submission = body.check(&model.capabilities, links).await?;
    if let Err(error) = guard::limits::submit(call, request, owner).await {
        submission.discard().await;
        return Err(error);
    }
    // 4. The retry of an SDK is the video that its first attempt began.
    let uploaded_id = id;
    let fingerprint = fingerprint(&model.path, &submission);
    let id = match retry_count(request).filter(|_| key.is_none()) {
        None => uploaded_id.clone(),
        Some(retry_count) => {
            let sender = sender(request, owner, &fingerprint);
            let attempt = SubmitAttempt { request: sender, id: uploaded_id.clone(), retry_count };
            DispatcherClient::new(call.env)?.video_of(attempt).await.map_err(internal)?
        }
    };
    // 5. The object takes the job and sends Run; from here on nothing is lost when we vanish. It asks for
    //    the image only if the job is new.
    let Requested { input, metadata } = submission.requested.clone();
    let new = NewTask {
        owner: owner.clone(),
        callback_url: format!("{}/hooks/wiro/{id}/{}", call.origin, keys.callback_proof(&id)),
        fingerprint,
        model: model.name,
        model_path: model.path,
        input,
        metadata,
        id: id.clone(),
    };
    let mut task = Box::new(Task::accept(new, clock::now()));
    task.challenge = challenge.clone().digest();
    let accept = match challenge {
        Challenge::NotNeeded | Challenge::Passed(_) => Message::Accept(task),
        Challenge::Spent(_) => Message::Replay(task),
    };
    let mut reply = call.ask(&id, &accept).await?;
    if matches!(reply, Reply::SendImage) {
        submission.store_images().await?;
        if id != uploaded_id {
            videos.move_inputs(&uploaded_id, &id).await?;
        }
        reply = call.ask(&id, &Message::ImageStored).await?;
        if matches!(reply, Reply::NotFound | Reply::Deleted) {
            // The video was deleted while its images were on the way.
            videos.delete_inputs(&id).await?;
        }
    } else {
        submission.discard().await;
    }
    // 6. A refusal is the caller's to hear at once.
    let (record, is_replay) = match reply {
        Reply::Video(record) => (record, false),
        Reply::Replayed(record) => (record, true),
        Reply::Unaffordable(shortage) => return Err(unaffordable(Wanted::Video, shortage)),
        Reply::Unavailable => return Err(unavailable(OUTAGE_RETRY_SECONDS)),
        Reply::Deleted => return Err(ApiError::Deleted),
        Reply::OtherRequest => return Err(ApiError::IdempotencyKeyReused),
        _ => {
            // Gone since it was looked for, if nothing new may begin.
            challenge.passed()?;
            return Err(internal("the object did not keep the job"));
        }
    };
    refused(&record)?;
    // 7. Whoever prefers to wait is answered when the video has ended.
    let wait = wait_of(request);
    let record = match wait {
        Some(wait) if !record.status.is_final() => match call.ask(&id, &question(wait)).await? {
            Reply::Video(record) => record,
            _ => record,
        },
        _ => record,
    };
    let is_final = record.status.is_final();
    let video = call.shown(owner, record);
    let mut answer = respond::json(202, &video)?.with("location", &video.urls.itself);
    add_progress(&mut answer, wait, is_final);
    if is_replay {
        answer.add("idempotent-replayed", "true");
    }
    Ok(answer)
}

/// A model that a submit may be for.
struct ChosenModel {
    name: String,
    /// `owner/project` at the upstream.
    path: String,
    capabilities: Capabilities,
}

/// The model that a submit names, or the default one.
async fn chosen_model(call: &Call<'_>, body: &Body<'_>) -> Result<ChosenModel, ApiError> {
    let models = &call.config.models;
    let OfferedModel { name, path } = match body.model()? {
        Some(name) => models.find(&name).ok_or_else(|| ApiError::UnknownModel(models.names()))?,
        None => models.default(),
    };
    let description = models::describe(call.env, path).await;
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

/// A digest of client, program and request: equal for all attempts of one submit.
fn sender(request: &Request, owner: &Owner, fingerprint: &str) -> String {
    let agent = request.header(Header::UserAgent).unwrap_or_default();
    let sdk = request.headers_like(SDK_HEADERS);
    let sdk: Vec<&str> = sdk.lines().filter(|line| !line.starts_with(RETRY_COUNT)).collect();
    let client = guard::limits::client(request, owner);
    let sender = json!([client, agent, sdk, fingerprint]);
    hex::encode(Sha256::digest(sender.to_string()))
}

/// A digest of the request: equal for equal requests, however they are written. Members that earlier versions did not
/// have are left out where they are empty, so that fingerprints of earlier versions stay equal.
fn fingerprint(model_path: &str, submission: &Submission<'_>) -> String {
    let Submission { requested: Requested { input, metadata }, digests, .. } = submission;
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
    }
    hex::encode(Sha256::digest(request.to_string()))
}

/// The refusal for want of budget or of a known price, with the time after which to try again.
pub fn unaffordable(wanted: Wanted, shortage: Shortage) -> ApiError {
    let now = clock::now();
    let retry_after_seconds = match shortage {
        Shortage::Price => i64::from(ACCOUNT_RETRY_SECONDS),
        Shortage::Budget | Shortage::Share => Day::of(now).ends_at() - now.seconds(),
    };
    ApiError::Unaffordable { wanted, shortage, retry_after_seconds }
}

const fn unavailable(retry_after_seconds: u32) -> ApiError {
    ApiError::UpstreamUnavailable { wanted: Wanted::Video, retry_after_seconds }
}

/// The first Run's refusal, told as the answer to the submit.
fn refused(record: &Record) -> Result<(), ApiError> {
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
