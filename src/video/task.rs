//! A video in flight: everything its object knows. Private to that object, because it holds what must
//! never be public; what may be is its [`Record`].

use serde::{Deserialize, Serialize};

use super::id::VideoId;
use super::record::{Input, Object, ProgressSource, RECORD_VERSION, Record, Status};
use super::time::{Millis, UnixMillis};

/// Version of the stored form of [`Task`].
pub const TASK_VERSION: u32 = 1;

/// The state of one video.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub version: u32,
    pub record: Record,
    /// Where the upstream calls back.
    pub callback_url: String,
    /// SHA-256 of what was asked for, the image included: the same `Idempotency-Key` must come with
    /// the same request.
    pub fingerprint: String,
    pub phase: Phase,
    /// When to look again; `None` when nothing is left to do.
    pub wake_at: Option<UnixMillis>,
    /// A callback came that no check has answered yet.
    pub nudged: bool,
    /// The record has changed in a way that KV must show.
    pub unpublished: bool,
    pub publish_failures: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The uploaded image is not stored yet; the caller was told to store it.
    Receiving,
    /// Run was never sent, or is known not to have started.
    Waiting { attempts: u32 },
    /// The intent to send Run is stored; its answer is not.
    Submitting { attempts: u32 },
    /// Run was sent and its answer lost: it may have started, so it is never sent again but searched
    /// for. `hint` is what a callback claimed the job to be.
    Unknown { since: UnixMillis, searches: u32, hint: Option<Job> },
    /// The upstream has the job.
    /// `eager` counts the checks since a callback that none of them has confirmed yet.
    Running { since: UnixMillis, checks: u32, checked_at: UnixMillis, eager: Option<u32>, job: Job },
    /// The job ended with a video; the copy is not verified yet.
    Storing { since: UnixMillis, attempts: u32, source: Source, job: Job },
    /// Final. What the upstream calls the job is kept for cleaning up there.
    Ended { job: Option<Job> },
}

/// The upstream's names for a started job. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub task_id: String,
    pub token: Option<String>,
}

/// Where the finished video can be fetched from. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub url: String,
    /// Bytes, as the upstream says.
    pub size: Option<u64>,
}

/// A job as it is handed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewTask {
    pub id: VideoId,
    pub model: String,
    pub input: Input,
    pub callback_url: String,
    pub fingerprint: String,
}

/// How long a caller may take to store the image that it was told to store.
const RECEIVE_PATIENCE: Millis = Millis::from_seconds(600);

impl Task {
    /// A job that was accepted: due at once, or as soon as its image is stored.
    #[must_use]
    pub fn accept(new: NewTask, now: UnixMillis) -> Self {
        let NewTask { id, model, input, callback_url, fingerprint } = new;
        let (phase, wake_at) = match input.input_image_first {
            Some(_) => (Phase::Receiving, now.after(RECEIVE_PATIENCE)),
            None => (Phase::Waiting { attempts: 0 }, now),
        };
        Self {
            version: TASK_VERSION,
            record: Record {
                version: Some(RECORD_VERSION),
                id,
                object: Object::Video,
                model,
                status: Status::Queued,
                stage: "waiting".to_owned(),
                queue_position: None,
                progress: 0,
                progress_source: ProgressSource::None,
                created_at: now.seconds(),
                started_at: None,
                completed_at: None,
                expires_at: None,
                input,
                output: None,
                cost_usd: None,
                error: None,
                urls: None,
            },
            callback_url,
            fingerprint,
            phase,
            wake_at: Some(wake_at),
            nudged: false,
            unpublished: false,
            publish_failures: 0,
        }
    }

    /// Whether the first Run has been answered, one way or another, or will not be.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Receiving | Phase::Waiting { attempts: 0 } | Phase::Submitting { attempts: 0 }
        )
    }

    /// The upstream's names for the job, once it is known to have started.
    #[must_use]
    pub const fn job(&self) -> Option<&Job> {
        match &self.phase {
            Phase::Running { job, .. } | Phase::Storing { job, .. } => Some(job),
            Phase::Ended { job } => job.as_ref(),
            Phase::Receiving | Phase::Waiting { .. } | Phase::Submitting { .. } | Phase::Unknown { .. } => {
                None
            }
        }
    }
}
