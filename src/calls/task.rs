//! The messages of a `VideoTask` object, their answers, and the client that sends them.

use serde::{Deserialize, Serialize};
use worker::Env;
use worker::web_sys::Response;

use super::objects::SubscribeOptions;
use super::objects::{CallError, Objects, read};
use crate::video::access::owner::Owner;
use crate::video::delivery::{DeliveryAttempt, OwnerAttempt};
use crate::video::id::VideoId;
use crate::video::money::budget::Shortage;
use crate::video::record::Record;
use crate::video::task::report::SlotReport;
use crate::video::task::search::{JobClaim, Ownership};
use crate::video::task::tombstone::Tombstone;
use crate::video::task::{Job, Task};
use crate::video::time::UnixMillis;

pub const BINDING: &str = "VIDEO_TASK";

/// A request to the object.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Create the video and answer after its first Run. A repeated request gets the existing video.
    Accept(Box<Task>),
    /// Like `Accept`, but only for an existing video; never creates one.
    Replay(Box<Task>),
    /// Was the video created with the challenge token of this digest? Reveals nothing about other videos.
    #[serde(rename = "began_with")]
    CreatedWith(String),
    /// The image that [`Reply::SendImage`] asked for is stored.
    ImageStored,
    /// Return the record.
    Read,
    /// Return the record when its status or stage has changed, or after this many seconds.
    Wait(u32),
    /// Return the record when the video has ended, or after this many seconds.
    WaitForEnd(u32),
    /// Wiro sent a callback, which may name a job: check now.
    #[serde(rename = "nudge")]
    CallbackReceived(Option<Job>),
    /// Cancel the video and answer when it has stopped.
    Cancel,
    /// Cancel the video and remove its data.
    Delete,
    /// Return the deliveries to the owner's `callback_url`.
    Deliveries,
    /// Return the operator's view.
    Inspect,
    /// Resume a failed video that may have been charged.
    Redrive,
    /// Is there, or may there be, a job at Wiro? → `MayHaveJob`, or `NotFound`
    MayHaveJob,
    /// Like `Delete`, and Wiro's files too, whatever the settings say.
    Erase,
    /// Make and store the thumbnail of a completed video, unless it is stored.
    MakeThumbnail,
    /// The job has a slot now.
    #[serde(rename = "called")]
    SlotGranted,
    /// Another video wants to adopt this job. Is it this video's?
    OwnsJob(Box<JobClaim>),
    /// Resume the task if its alarm was lost; remove it if it has expired at this time.
    #[serde(rename = "look_after")]
    Reconcile(UnixMillis),
}

/// The object's answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// No such video, or it was removed.
    #[serde(rename = "nothing")]
    NotFound,
    /// The video was deleted; its id is never used again. Only submits get this answer.
    Deleted,
    Video(Record),
    /// Returns only a status: callers need no details.
    #[serde(rename = "noted")]
    Ack,
    /// The video existed already.
    Replayed(Record),
    /// Store the image, then send [`Message::ImageStored`].
    SendImage,
    /// Not created: Wiro does not answer, and too many jobs are queued.
    Unavailable,
    /// Not created: the budget does not allow it.
    Unaffordable(Shortage),
    /// The video exists, but was created by a different request.
    OtherRequest,
    /// The video ended, and not by a cancel.
    AlreadyFinished,
    MayHaveJob(bool),
    Report(SlotReport),
    Owns(Ownership),
    Deliveries(Vec<OwnerAttempt>),
    Inspected(Box<Inspected>),
    /// It was removed. Only the operator gets this answer.
    Removed(Tombstone),
    /// The thumbnail could not be made. Until then no other attempt is made.
    ThumbnailFailed {
        retry_after_seconds: u32,
    },
}

/// The operator's view of a video.
#[derive(Debug, Deserialize, Serialize)]
pub struct Inspected {
    pub record: Record,
    pub owner: Owner,
    pub request_id: Option<String>,
    pub upstream: UpstreamState,
    pub deliveries: Vec<DeliveryAttempt>,
    /// Unix seconds.
    pub next_delivery_at: Option<i64>,
}

/// A video's job, in the operator's API.
#[derive(Debug, Deserialize, Serialize)]
pub struct UpstreamState {
    /// Wiro's.
    pub task_id: Option<String>,
    /// How often Run was sent, or may have been.
    pub attempts: u32,
    /// In Wiro's words where it was Wiro's.
    pub last_error: Option<String>,
    /// When the next step is due, in unix seconds.
    pub next_check_at: Option<i64>,
}

pub struct VideoTaskClient {
    objects: Objects,
}

impl VideoTaskClient {
    /// # Errors
    /// If the binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { objects: Objects::bound(env, BINDING)? })
    }

    /// Sends a message to a video's object.
    ///
    /// # Errors
    /// [`CallError`]. The object may have handled the message all the same.
    pub async fn send(&self, id: &VideoId, message: &Message) -> Result<Reply, CallError> {
        self.objects.call(id.as_str(), message).await
    }

    /// The record as JSON text, as stored in KV; `None` if there is no such video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn record(&self, id: &VideoId, message: &Message) -> Result<Option<String>, CallError> {
        let answer = self.objects.call_for_text(id.as_str(), message).await?;
        match answer.strip_prefix(r#"{"Ok":{"video":"#).and_then(|rest| rest.strip_suffix("}}")) {
            Some(record) => Ok(Some(record.to_owned())),
            None => read::<Reply>(&answer).map(|_| None),
        }
    }

    /// Subscribes to a video's events.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch(&self, id: &VideoId, options: &SubscribeOptions) -> Result<Response, CallError> {
        self.objects.watch(id.as_str(), options).await
    }
}
