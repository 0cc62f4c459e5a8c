//! A video in flight: everything its object knows. Private to that object, because it holds what must
//! never be public; what may be is its [`Record`].

mod model;
pub mod search;
pub mod tombstone;

use serde::Serialize;
use thiserror::Error;

use super::access::owner::Owner;
use super::delivery::Deliveries;
use super::id::VideoId;
use super::lifecycle::chores::{Chore, Chores};
use super::money::Usd;
use super::money::budget::charge;
use super::record::metadata::Metadata;
use super::record::{Input, Object, ProgressSource, RECORD_VERSION, Record, Status};
use super::task::search::SearchProgress;
use super::time::{Millis, UnixMillis};
use crate::from_json;
use crate::json::{self, Unreadable};

/// Version of the stored form of [`Task`].
pub const TASK_VERSION: u32 = 2;

/// The state of one video.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Task {
    pub version: u32,
    #[serde(skip_serializing_if = "Owner::is_nobody")]
    pub owner: Owner,
    pub record: Record,
    /// The model's `owner/project` at the upstream; empty where the record names it so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model_path: String,
    /// Where the upstream calls back.
    pub callback_url: String,
    /// SHA-256 of what was asked for, the image included: the same `Idempotency-Key` must come with
    /// the same request.
    pub fingerprint: String,
    /// SHA-256 of the challenge's token that began it, where one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    pub phase: Phase,
    /// When the phase is looked at again; `None` when it is over.
    pub wake_at: Option<UnixMillis>,
    /// A callback came that no check has answered yet.
    pub nudged: bool,
    pub wish: Wish,
    /// There is something to tell the caller: the first Run was answered, or it waits for its turn.
    pub answerable: bool,
    /// So many searches found no trace of the job that it holds no place and no reservation until it is found.
    #[serde(skip_serializing_if = "is_false")]
    pub presumed_lost: bool,
    /// The waiting line wants to hear what becomes of Run.
    #[serde(skip_serializing_if = "is_false")]
    pub reports_run: bool,
    pub chores: Chores,
    /// To the operator's webhook.
    #[serde(skip_serializing_if = "Deliveries::are_none")]
    pub deliveries: Deliveries,
    /// How long such videos took lately, or this one does as far as the upstream says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<Millis>,
    /// When the upstream took the job, if its answer to Run said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<UnixMillis>,
    /// When its generation is expected to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<UnixMillis>,
    /// When the upstream last told a percentage of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<UnixMillis>,
}

from_json!(struct Task { version, record, callback_url, fingerprint, phase, wake_at, nudged } or default {
    owner,
    model_path,
    challenge,
    wish,
    answerable,
    presumed_lost,
    reports_run,
    chores,
    deliveries,
    pace,
    begun_at,
    ends_at,
    heard_at,
});

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What its owner wants of a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    #[default]
    Make,
    /// Stop; what was finished all the same is kept.
    Cancel,
    /// Stop, and keep nothing. Nobody is told of it any more.
    Delete,
}

from_json!(enum Wish { "make" => Make, "cancel" => Cancel, "delete" => Delete });

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The uploaded image is not stored yet; the caller was told to store it.
    Receiving,
    /// Run was never sent, or is known not to have started; a place at the upstream is to be asked for.
    /// `turned_away`: the upstream was full, and wants to be left alone so long.
    Waiting { attempts: u32, turned_away: Option<Millis> },
    /// Told to wait for its turn; after so many attempts.
    InLine(u32),
    /// It has a place, and Run may be sent; after so many attempts.
    Placed(u32),
    /// The intent to send Run is stored; its answer is not. `hint` as below.
    Submitting {
        attempts: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<Job>,
    },
    /// Run was sent and its answer lost: it may have started, so it is never sent again but searched
    /// for. `hint` is what a callback claimed the job to be.
    Unknown {
        since: UnixMillis,
        searches: u32,
        hint: Option<Job>,
        /// Of a search that did not come to the end of the upstream's list.
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<SearchProgress>,
    },
    /// The upstream has the job.
    /// `eager` counts the checks since something happened that none of them has confirmed yet.
    Running { since: UnixMillis, checks: u32, checked_at: UnixMillis, eager: Option<u32>, job: Job },
    /// The job ended with a video; the copy is not verified yet.
    Storing { since: UnixMillis, attempts: u32, source: Source, job: Job },
    /// Final. What the upstream calls the job is kept for cleaning up there.
    Ended { job: Option<Job> },
    /// Nobody is told of it any more; what is stored for it is being removed, after so many failures.
    Removing { failures: u32, job: Option<Job> },
}

from_json!(enum Phase {
    "receiving" => Receiving,
    "waiting" => Waiting { attempts, turned_away },
    "in_line" => InLine(attempts),
    "placed" => Placed(attempts),
    "submitting" => Submitting { attempts, hint },
    "unknown" => Unknown { since, searches, hint, progress },
    "running" => Running { since, checks, checked_at, eager, job },
    "storing" => Storing { since, attempts, source, job },
    "ended" => Ended { job },
    "removing" => Removing { failures, job },
});

/// The upstream's names for a started job. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    pub task_id: String,
    pub token: Option<String>,
}

from_json!(struct Job { task_id, token });

/// Where the finished video can be fetched from. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    pub url: String,
    /// Bytes, as the upstream says.
    pub size: Option<u64>,
}

from_json!(struct Source { url, size });

/// What a job begins with.
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

/// A video, whose it is, and since when, in unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owned {
    pub id: VideoId,
    pub owner: Owner,
    pub created_at: i64,
}

from_json!(struct Owned { id, owner, created_at });

#[derive(Debug, Error)]
pub enum LoadError {
    #[error("the stored task cannot be read: {0}")]
    Json(#[from] Unreadable),
    #[error("the stored task has version {0}: a newer deployment wrote it")]
    Newer(u32),
}

/// How a task stands, as far as the dispatcher is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub needs_place: bool,
    /// When to look after it next.
    pub look_at: UnixMillis,
}

from_json!(struct Report { needs_place, look_at });

impl Report {
    /// When nothing is known of the task but that it is not forgotten.
    #[must_use]
    pub fn again(now: UnixMillis) -> Self {
        Self { needs_place: true, look_at: now.after(LOOK_INTERVAL) }
    }
}

/// Tasks in flight are looked after this often, in case they lost their alarm.
pub const LOOK_INTERVAL: Millis = Millis::from_seconds(600);

/// How long a caller may take to store the image that it was told to store.
const RECEIVE_PATIENCE: Millis = Millis::from_seconds(600);

impl Task {
    /// A job that was accepted: due at once, or as soon as its image is stored.
    #[must_use]
    pub fn accept(new: NewTask, now: UnixMillis) -> Self {
        let NewTask { owner, id, model, model_path, input, metadata, callback_url, fingerprint } = new;
        let (phase, wake_at) = if input.has_upload() {
            (Phase::Receiving, now.after(RECEIVE_PATIENCE))
        } else {
            (Phase::Waiting { attempts: 0, turned_away: None }, now)
        };
        Self {
            version: TASK_VERSION,
            owner,
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
            nudged: false,
            wish: Wish::Make,
            answerable: false,
            presumed_lost: false,
            reports_run: false,
            chores: Chores::default(),
            deliveries: Deliveries::default(),
            pace: None,
            begun_at: None,
            ends_at: None,
            heard_at: None,
        }
    }

    /// Reads a stored task, of this version or an earlier one.
    ///
    /// # Errors
    /// [`LoadError`]; a newer version is not read, because it would be misread.
    pub fn load(text: &str) -> Result<Self, LoadError> {
        let mut task: Self = json::read(text)?;
        if task.version > TASK_VERSION {
            return Err(LoadError::Newer(task.version));
        }
        if task.version == 1 {
            // It knew of no chores, and whether its record was published is not worth asking.
            task.answerable = task.is_answerable();
            if task.answerable {
                task.chores.owe(Chore::Publish, task.wake_at.unwrap_or(UnixMillis::new(0)));
            }
        }
        task.version = TASK_VERSION;
        Ok(task)
    }

    /// Whose it is, for the list of that owner.
    #[must_use]
    pub fn owned(&self) -> Owned {
        Owned { id: self.record.id.clone(), owner: self.owner.clone(), created_at: self.record.created_at }
    }

    /// When there is something to do; `None` when nothing is left.
    #[must_use]
    pub fn alarm(&self) -> Option<UnixMillis> {
        [self.wake_at, self.chores.next_due(), self.deliveries.next_due()].into_iter().flatten().min()
    }

    /// Whether it needs a place at the upstream, or will.
    #[must_use]
    pub const fn needs_place(&self) -> bool {
        match self.phase {
            Phase::Unknown { .. } => !self.presumed_lost && !self.record.status.is_final(),
            _ => self.is_unfinished(),
        }
    }

    /// Whether the upstream's part is still to come, or may be.
    const fn is_unfinished(&self) -> bool {
        !matches!(self.phase, Phase::Storing { .. } | Phase::Ended { .. } | Phase::Removing { .. })
    }

    /// What it has cost, as far as its reservation goes; see [`charge`].
    #[must_use]
    pub fn charge(&self) -> Option<Usd> {
        charge(&self.record).or_else(|| self.presumed_lost.then(Usd::default))
    }

    /// Whether anybody is told of it: not of one that was deleted or is being removed.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        !matches!(self.wish, Wish::Delete) && !matches!(self.phase, Phase::Removing { .. })
    }

    /// Whether a cancel is still on its way to the job.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        !matches!(self.wish, Wish::Make) && self.is_unfinished()
    }

    /// What the dispatcher is told when it looks after the task.
    #[must_use]
    pub fn report(&self, now: UnixMillis) -> Report {
        let expires_at = match self.phase {
            Phase::Ended { .. } => self.record.expires_at.map(|at| UnixMillis::new(at * 1000)),
            _ => None,
        };
        let look_at = expires_at.unwrap_or_else(|| now.after(LOOK_INTERVAL));
        Report { needs_place: self.needs_place(), look_at }
    }

    /// Whether there was something to tell the caller, as far as the phase shows it.
    #[must_use]
    pub(super) const fn is_answerable(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Receiving
                | Phase::Waiting { attempts: 0, .. }
                | Phase::Waiting { turned_away: Some(_), .. }
                | Phase::Placed(0)
                | Phase::Submitting { attempts: 0, .. }
        )
    }

    /// The upstream's names for the job, once it is known to have started.
    #[must_use]
    pub const fn job(&self) -> Option<&Job> {
        match &self.phase {
            Phase::Running { job, .. } | Phase::Storing { job, .. } => Some(job),
            Phase::Ended { job } | Phase::Removing { job, .. } => job.as_ref(),
            _ => None,
        }
    }
}
