//! `POST /v1/videos`: read and check the request, name the video, hand the job to its object, answer when
//! the first Run was answered.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::error::ApiError;
use super::form::images::ImageDigests;
use super::guard::challenge::{self, Challenge};
use super::{Call, internal, respond, submission};
use crate::calls::task::{Message, Reply};
use crate::runtime::clock;
use crate::runtime::http::{Answer, Header, Request};
use crate::storage::models;
use crate::video::money::budget::{Day, Shortage};
use crate::video::record::{FailureCode, Input, Record};
use crate::video::request::FieldError;
use crate::video::task::{NewTask, Task};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const MAX_KEY_CHARS: usize = 255;

/// What to wait when the upstream's account takes no jobs: an operator has to act.
pub const ACCOUNT_RETRY_SECONDS: u32 = 300;

/// What to wait when the upstream does not answer and its line is long: it is tried at least every five minutes.
const OUTAGE_RETRY_SECONDS: u32 = 60;

pub async fn submit(call: &Call<'_>, request: &Request) -> Result<Answer, ApiError> {
    let owner = &call.spender(request).await?;
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
        if key.is_none() || !matches!(call.ask(&id, &began).await?, Reply::Noted) {
            challenge.passed()?;
        }
    }
    // 3. Everything that can be wrong with the request is found before anything is stored.
    let videos = call.videos()?;
    let model = &call.config.wiro_model;
    let description = models::describe(call.env, model).await;
    if !description.not_understood.is_empty() {
        return Err(ApiError::Misconfigured(format!(
            "WIRO_MODEL {model} requires parameters that are not supported: {}",
            description.not_understood.join(", ")
        )));
    }
    let capabilities = models::capabilities(model, &description);
    let submission = submission::read(request, &capabilities, &videos, &id).await?;
    // 4. The object takes the job and sends Run; from here on nothing is lost when we vanish. It asks for
    //    the image only if the job is new.
    let new = NewTask {
        owner: owner.clone(),
        model: model.clone(),
        input: submission.input.clone(),
        callback_url: format!("{}/hooks/wiro/{id}/{}", call.origin, keys.callback_proof(&id)),
        fingerprint: fingerprint(&submission.input, &submission.digests),
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
        reply = call.ask(&id, &Message::ImageStored).await?;
        if matches!(reply, Reply::Nothing | Reply::Deleted) {
            // The video was deleted while its images were on the way.
            videos.delete_inputs(&id).await?;
        }
    } else {
        submission.discard().await;
    }
    // 5. A refusal is the caller's to hear at once.
    let (record, is_replay) = match reply {
        Reply::Video(record) => (record, false),
        Reply::Replayed(record) => (record, true),
        Reply::Unaffordable(shortage) => return Err(unaffordable(shortage)),
        Reply::Unavailable => {
            return Err(ApiError::UpstreamUnavailable { retry_after_seconds: OUTAGE_RETRY_SECONDS });
        }
        Reply::Deleted => return Err(ApiError::Deleted),
        Reply::OtherRequest => return Err(ApiError::IdempotencyKeyReused),
        _ => {
            // Gone since it was looked for, if nothing new may begin.
            challenge.passed()?;
            return Err(internal("the object did not keep the job"));
        }
    };
    refused(&record)?;
    let video = call.shown(owner, record);
    let mut answer = respond::json(202, &video)?.with("retry-after", &super::RETRY_AFTER_SECONDS.to_string());
    if let Some(urls) = &video.urls {
        answer.add("location", &urls.itself);
    }
    if is_replay {
        answer.add("idempotent-replayed", "true");
    }
    Ok(answer)
}

fn idempotency_key(request: &Request) -> Result<Option<String>, ApiError> {
    let Some(key) = request.header(Header::IdempotencyKey) else { return Ok(None) };
    if (1..=MAX_KEY_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(key));
    }
    let message = format!("must be 1 to {MAX_KEY_CHARS} visible ASCII characters");
    Err(ApiError::InvalidParameter(vec![FieldError { field: IDEMPOTENCY_KEY.to_owned(), message }]))
}

/// What is asked for, in a word: equal for equal requests, however they were written.
fn fingerprint(input: &Input, digests: &ImageDigests) -> String {
    let mut request = json!({ "input": input, "image_sha256": digests.first });
    if let (Some(last), Some(request)) = (&digests.last, request.as_object_mut()) {
        request.insert("last_image_sha256".to_owned(), json!(last));
    }
    hex::encode(Sha256::digest(request.to_string()))
}

/// A new day brings a new budget; a price list comes when it comes.
pub fn unaffordable(shortage: Shortage) -> ApiError {
    let now = clock::now();
    let retry_after_seconds = match shortage {
        Shortage::Price => i64::from(ACCOUNT_RETRY_SECONDS),
        Shortage::Budget | Shortage::Share => Day::of(now).ends_at() - now.seconds(),
    };
    ApiError::Unaffordable { shortage, retry_after_seconds }
}

/// The first Run's refusal, told as the answer to the submit.
fn refused(record: &Record) -> Result<(), ApiError> {
    match &record.error {
        Some(failure) if failure.code == FailureCode::UpstreamRejected => {
            Err(ApiError::RefusedParameters(failure.message.clone()))
        }
        Some(failure) if failure.code == FailureCode::UpstreamUnavailable => {
            Err(ApiError::UpstreamUnavailable { retry_after_seconds: ACCOUNT_RETRY_SECONDS })
        }
        _ => Ok(()),
    }
}
