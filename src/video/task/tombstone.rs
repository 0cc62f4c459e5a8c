//! The remains of a deleted or expired video: its id, which an `Idempotency-Key` may name, is never used again.

use serde::{Deserialize, Serialize};

use crate::video::access::owner::Owner;
use crate::video::record::Status;
use crate::video::task::{Intent, Task};
use crate::video::time::{Millis, UnixMillis};

/// How long the key gets the answer "deleted".
const LIFETIME: Millis = Millis::from_seconds(90 * 86_400);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tombstone {
    /// When the data was removed, in unix seconds.
    pub deleted_at: i64,
    pub reason: Reason,
    /// What the video was, for the operator; `None` in tombstones of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<RemovedVideo>,
}

/// What is kept of a removed video.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RemovedVideo {
    #[serde(default, skip_serializing_if = "Owner::is_nobody")]
    pub owner: Owner,
    pub model: String,
    /// The last status before the removal.
    pub status: Status,
    /// Unix seconds.
    pub created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The owner deleted it.
    Deleted,
    /// It was older than `RETENTION_DAYS`.
    Expired,
}

impl Tombstone {
    /// The tombstone of a removed task; `None` if it never became a video, so that its key is free.
    #[must_use]
    pub fn of(task: &Task, now: UnixMillis) -> Option<Self> {
        let reason = match task.intent {
            Intent::Delete => Reason::Deleted,
            Intent::Make | Intent::Cancel => task.record.expires_at.map(|_| Reason::Expired)?,
        };
        let record = &task.record;
        let video = RemovedVideo {
            owner: task.owner.clone(),
            model: record.model.clone(),
            status: record.status,
            created_at: record.created_at,
            cost_usd: record.cost_usd.clone(),
            request_id: task.request_id.clone(),
        };
        Some(Self { deleted_at: now.seconds(), reason, video: Some(video) })
    }

    /// When the tombstone is removed.
    #[must_use]
    pub fn ends_at(&self) -> UnixMillis {
        UnixMillis::new(self.deleted_at.saturating_mul(1000)).after(LIFETIME)
    }
}

/// What an object has stored.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    Nothing,
    Task(&'a Task),
    Tombstone(&'a Tombstone),
}

/// The result of a submit in the object of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The id is unused.
    New,
    /// The same request created the video.
    Replay,
    /// A different request created the video.
    OtherRequest,
    /// The video was deleted.
    Deleted,
    /// A refused submit is being removed: wait.
    Wait,
}

impl Known<'_> {
    #[must_use]
    pub fn admit(self, fingerprint: &str, now: UnixMillis) -> Admission {
        match self {
            Self::Tombstone(tombstone) if now < tombstone.ends_at() => Admission::Deleted,
            Self::Nothing | Self::Tombstone(_) => Admission::New,
            Self::Task(task) if !task.is_visible() => match Tombstone::of(task, now) {
                Some(_) => Admission::Deleted,
                None => Admission::Wait,
            },
            Self::Task(task) if task.fingerprint != fingerprint => Admission::OtherRequest,
            Self::Task(_) => Admission::Replay,
        }
    }
}
