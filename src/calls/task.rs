//! What a `VideoTask` object is asked and answers, and the callers' side of it.

use serde::{Deserialize, Serialize};
use worker::Env;
use worker::web_sys::Response;

use super::objects::Manner;
use super::objects::{CallError, Objects, read};
use crate::video::delivery::Try;
use crate::video::id::VideoId;
use crate::video::money::budget::Shortage;
use crate::video::record::Record;
use crate::video::task::search::{JobClaim, Ownership};
use crate::video::task::{Job, Report, Task};
use crate::video::time::UnixMillis;

pub const BINDING: &str = "VIDEO_TASK";

/// What an object is asked.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Take the job, and answer when its first Run was answered. Asked again, the object answers for
    /// the job that it has.
    Accept(Box<Task>),
    /// The same for a job that there is; a new one is not taken.
    Replay(Box<Task>),
    /// Whether the token of that digest began the job; nothing is told of one that another began.
    BeganWith(String),
    /// The image that [`Reply::SendImage`] asked for is stored.
    ImageStored,
    /// Tell the record.
    Read,
    /// Tell the record when its status or stage has changed, or after so many seconds.
    Wait(u32),
    /// The upstream called back, perhaps naming a job: look now.
    Nudge(Option<Job>),
    /// Stop, and answer when it stopped.
    Cancel,
    /// Stop, and forget everything.
    Delete,
    /// Tell the operator what is known of it.
    Inspect,
    /// Try a failed video again that may have been paid for.
    Redrive,
    /// There is a place at the upstream now.
    Called,
    /// Somebody else's video would take that job of the upstream.
    OwnsJob(Box<JobClaim>),
    /// See that the task goes on: it may have lost its alarm, or as of then be past its time.
    LookAfter(UnixMillis),
}

/// What an object answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// There is no such job, or no more.
    Nothing,
    /// There was such a video, and nothing is ever begun again under its id. Only submits are told.
    Deleted,
    Video(Record),
    /// Nobody has to know more.
    Noted,
    /// The job existed already.
    Replayed(Record),
    /// Store the image, then say [`Message::ImageStored`].
    SendImage,
    /// There is no such job, and none is taken: the upstream does not answer, and too many wait for it.
    Unavailable,
    /// There is no such job, and none can be afforded.
    Unaffordable(Shortage),
    /// The job exists, and was asked for in other words.
    OtherRequest,
    /// Too late: it ended, and not by a cancel.
    AlreadyFinished,
    Report(Report),
    Owns(Ownership),
    Inspected {
        record: Record,
        deliveries: Vec<Try>,
        /// In unix seconds.
        next_delivery_at: Option<i64>,
    },
}

pub struct Tasks {
    objects: Objects,
}

impl Tasks {
    /// # Errors
    /// When the binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { objects: Objects::bound(env, BINDING)? })
    }

    /// Sends a message to a video's object.
    ///
    /// # Errors
    /// [`CallError`]. The message may have been carried out all the same.
    pub async fn send(&self, id: &VideoId, message: &Message) -> Result<Reply, CallError> {
        self.objects.call(id.as_str(), message).await
    }

    /// How a video stands: its record's JSON, as it would be stored; `None` when there is no such video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn record(&self, id: &VideoId, question: &Message) -> Result<Option<String>, CallError> {
        let answer = self.objects.call_for_text(id.as_str(), question).await?;
        match answer.strip_prefix(r#"{"Ok":{"video":"#).and_then(|rest| rest.strip_suffix("}}")) {
            Some(record) => Ok(Some(record.to_owned())),
            None => read::<Reply>(&answer).map(|_| None),
        }
    }

    /// Lets somebody watch a video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch(&self, id: &VideoId, manner: &Manner) -> Result<Response, CallError> {
        self.objects.watch(id.as_str(), manner).await
    }
}
