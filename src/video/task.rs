//! The state of a video in its object. Private to that object, because it holds secrets; the public part is the
//! [`Record`].

mod model;
pub mod report;
pub mod search;
pub mod stored;
pub mod tombstone;

use serde::{Deserialize, Serialize};

use super::access::owner::Owner;
use super::delivery::{Deliveries, OwnerWebhook};
use super::id::VideoId;
use super::lifecycle::pending_work::PendingWork;
use super::money::Usd;
use super::money::budget::charge;
use super::record::metadata::Metadata;
use super::record::{Input, Object, ProgressSource, RECORD_VERSION, Record, Status};
use super::task::search::SearchProgress;
use super::task::stored::TASK_VERSION;
use super::time::{Millis, UnixMillis};

/// The state of one video. A `rename` gives the stored name where it is another one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Task {
    pub version: u32,
    #[serde(default, skip_serializing_if = "Owner::is_nobody")]
    pub owner: Owner,
    /// The id of the request that created the video; `None` in tasks of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    pub record: Record,
    /// The model's `owner/project` at the upstream; empty where the record names it so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_path: String,
    /// The callback URL that Wiro gets.
    pub callback_url: String,
    /// SHA-256 of the request, image included: a repeated `Idempotency-Key` must come with the same request.
    pub fingerprint: String,
    /// SHA-256 of the challenge token that began the video, if one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    pub phase: Phase,
    /// When the phase is due again; `None` if it is final.
    pub wake_at: Option<UnixMillis>,
    /// A callback arrived that no check has followed yet.
    #[serde(rename = "nudged")]
    pub callback_pending: bool,
    #[serde(rename = "wish", default)]
    pub intent: Intent,
    /// The caller can get an answer: the first Run was answered, or the job is queued.
    #[serde(default)]
    pub answerable: bool,
    /// Searches found no trace of the job, so it has no slot and no reservation until it is found.
    #[serde(default, skip_serializing_if = "is_false")]
    pub presumed_lost: bool,
    /// The removal deletes Wiro's files too, whatever the settings say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub erases: bool,
    /// The outcome of Run must be reported to the dispatcher.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reports_run: bool,
    /// How often Run was sent, or may have been.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub run_attempts: u32,
    /// The last error, in Wiro's words where it was Wiro's. For the operator only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(rename = "chores", default)]
    pub pending_work: PendingWork,
    /// Deliveries to the operator's webhook.
    #[serde(default, skip_serializing_if = "Deliveries::is_empty")]
    pub deliveries: Deliveries,
    /// The `callback_url` of the submit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_webhook: Option<OwnerWebhook>,
    /// The typical duration of such videos, or the duration that Wiro's percentage predicts.
    #[serde(rename = "pace", skip_serializing_if = "Option::is_none")]
    pub typical_duration: Option<Millis>,
    /// When Run was answered with a started job.
    #[serde(rename = "begun_at", skip_serializing_if = "Option::is_none")]
    pub run_answered_at: Option<UnixMillis>,
    /// When the generation is expected to end.
    #[serde(rename = "ends_at", skip_serializing_if = "Option::is_none")]
    pub expected_end_at: Option<UnixMillis>,
    /// When Wiro last sent a percentage.
    #[serde(rename = "heard_at", skip_serializing_if = "Option::is_none")]
    pub percentage_received_at: Option<UnixMillis>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// What the owner wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    #[default]
    Make,
    /// Stop. A video that was finished anyway is kept.
    Cancel,
    /// Stop and remove everything. The video is not visible any more.
    Delete,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The caller still has to store the uploaded image.
    Receiving,
    /// Run was not sent, or did not start; a slot is needed.
    Waiting {
        attempts: u32,
        /// Wiro was at capacity and asked for this delay.
        #[serde(rename = "turned_away")]
        capacity_retry_after: Option<Millis>,
    },
    /// In the queue, after this many attempts.
    #[serde(rename = "in_line")]
    Queued(u32),
    /// Has a slot, so Run may be sent; after this many attempts.
    #[serde(rename = "placed")]
    SlotGranted(u32),
    /// The intent to send Run is stored; its result is not. `hint` as in `Unknown`.
    Submitting {
        attempts: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<Job>,
    },
    /// The response to Run was lost: the job may have started, so Run is never sent again and the job is searched
    /// for. `hint` is the job that a callback named.
    Unknown {
        since: UnixMillis,
        searches: u32,
        hint: Option<Job>,
        /// Progress of a search that did not reach the end of Wiro's list.
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<SearchProgress>,
    },
    /// Wiro has the job.
    Running {
        since: UnixMillis,
        checks: u32,
        checked_at: UnixMillis,
        /// Checks since a callback or a cancel that no check has confirmed yet. They follow each other faster.
        #[serde(rename = "eager")]
        fast_poll_attempts: Option<u32>,
        job: Job,
    },
    /// The job ended with a video; our copy is not verified yet.
    Storing { since: UnixMillis, attempts: u32, source: Source, job: Job },
    /// Final. The job is kept for deleting its files at Wiro.
    Ended { job: Option<Job> },
    /// Not visible any more; its data is being removed, after this many failures.
    Removing { failures: u32, job: Option<Job> },
}

/// Wiro's names for a started job. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Job {
    pub task_id: String,
    pub token: Option<String>,
}

/// The URL of the finished video. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Source {
    pub url: String,
    /// In bytes, according to Wiro.
    pub size: Option<u64>,
}

/// The contents of a new task.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub owner: Owner,
    pub id: VideoId,
    /// The name that the API gives the model.
    pub model: String,
    /// The model's `owner/project` at the upstream.
    pub model_path: String,
    pub input: Input,
    pub metadata: Metadata,
    pub callback_url: String,
    pub fingerprint: String,
}

/// What lists and usage hold of a video: its owner, its creation time in unix seconds, its model and the request that
/// created it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct VideoOwnership {
    pub id: VideoId,
    pub owner: Owner,
    pub created_at: i64,
    /// The API's name.
    #[serde(default)]
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Longest noted error.
const MAX_ERROR_CHARS: usize = 300;

/// How long a caller may take to store the image.
const IMAGE_TIMEOUT: Millis = Millis::from_seconds(600);

impl Task {
    /// A new task: due at once, or as soon as its image is stored.
    #[must_use]
    pub fn accept(new: NewTask, now: UnixMillis) -> Self {
        let NewTask { owner, id, model, model_path, input, metadata, callback_url, fingerprint } = new;
        let (phase, wake_at) = if input.has_upload() {
            (Phase::Receiving, now.after(IMAGE_TIMEOUT))
        } else {
            (Phase::Waiting { attempts: 0, capacity_retry_after: None }, now)
        };
        Self {
            version: TASK_VERSION,
            owner,
            request_id: None,
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
                warnings: Vec::new(),
                metadata,
            },
            model_path,
            callback_url,
            fingerprint,
            challenge: None,
            phase,
            wake_at: Some(wake_at),
            callback_pending: false,
            intent: Intent::Make,
            answerable: false,
            presumed_lost: false,
            erases: false,
            reports_run: false,
            run_attempts: 0,
            last_error: None,
            pending_work: PendingWork::default(),
            deliveries: Deliveries::default(),
            owner_webhook: None,
            typical_duration: None,
            run_answered_at: None,
            expected_end_at: None,
            percentage_received_at: None,
        }
    }

    /// The entry for the owner's list.
    #[must_use]
    pub fn ownership(&self) -> VideoOwnership {
        VideoOwnership {
            id: self.record.id.clone(),
            owner: self.owner.clone(),
            created_at: self.record.created_at,
            model: self.record.model.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// Notes an error for the operator, cut to a limit.
    pub fn note_error(&mut self, error: &str) {
        self.last_error = Some(error.chars().take(MAX_ERROR_CHARS).collect());
    }

    /// When the task is due; `None` if nothing is left to do.
    #[must_use]
    pub fn alarm(&self) -> Option<UnixMillis> {
        let owner_webhook = self.owner_webhook.as_ref();
        let owner_delivery = owner_webhook.and_then(|webhook| webhook.deliveries.next_due());
        let due = [self.wake_at, self.pending_work.next_due(), self.deliveries.next_due(), owner_delivery];
        due.into_iter().flatten().min()
    }

    /// Whether the task needs a slot now or later.
    #[must_use]
    pub const fn needs_slot(&self) -> bool {
        match self.phase {
            Phase::Unknown { .. } => !self.presumed_lost && !self.record.status.is_final(),
            _ => self.is_unfinished(),
        }
    }

    /// Whether Wiro's part is not finished.
    const fn is_unfinished(&self) -> bool {
        !matches!(self.phase, Phase::Storing { .. } | Phase::Ended { .. } | Phase::Removing { .. })
    }

    /// The cost for the budget; see [`charge`].
    #[must_use]
    pub fn charge(&self) -> Option<Usd> {
        charge(&self.record).or_else(|| self.presumed_lost.then(Usd::default))
    }

    /// Whether the owner can see the video: not if it was deleted or is being removed.
    #[must_use]
    pub const fn is_visible(&self) -> bool {
        !matches!(self.intent, Intent::Delete) && !matches!(self.phase, Phase::Removing { .. })
    }

    /// Whether a cancel has not reached the job yet.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        !matches!(self.intent, Intent::Make) && self.is_unfinished()
    }

    /// Whether the phase shows that the caller can get an answer.
    #[must_use]
    pub(super) const fn is_answerable(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Receiving
                | Phase::Waiting { attempts: 0, .. }
                | Phase::Waiting { capacity_retry_after: Some(_), .. }
                | Phase::SlotGranted(0)
                | Phase::Submitting { attempts: 0, .. }
        )
    }

    /// Whether there is a job at Wiro as far as is known. A failed video without one had none, or one that no search found.
    #[must_use]
    pub const fn may_have_job(&self) -> bool {
        !matches!(self.phase, Phase::Ended { job: None })
    }

    /// Wiro's names for the job, once it has started.
    #[must_use]
    pub const fn job(&self) -> Option<&Job> {
        match &self.phase {
            Phase::Running { job, .. } | Phase::Storing { job, .. } => Some(job),
            Phase::Ended { job } | Phase::Removing { job, .. } => job.as_ref(),
            _ => None,
        }
    }
}
