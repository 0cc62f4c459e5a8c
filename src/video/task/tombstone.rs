//! What is left of a video that was deleted, or removed when its time was over: its id, which an
//! `Idempotency-Key` may name, never begins a second life.

use serde::{Deserialize, Serialize};

use crate::video::task::{Task, Wish};
use crate::video::time::{Millis, UnixMillis};

/// How long a key answers that its video was deleted.
const LIFETIME: Millis = Millis::from_seconds(90 * 86_400);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tombstone {
    /// When everything was removed, in unix seconds.
    pub deleted_at: i64,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its owner deleted it.
    Deleted,
    /// It was older than `RETENTION_DAYS`.
    Expired,
}

impl Tombstone {
    /// What a task leaves behind when it is removed; `None` when it never became a video, so that its key is free.
    #[must_use]
    pub fn of(task: &Task, now: UnixMillis) -> Option<Self> {
        let reason = match task.wish {
            Wish::Delete => Reason::Deleted,
            Wish::Make | Wish::Cancel => task.record.expires_at.map(|_| Reason::Expired)?,
        };
        Some(Self { deleted_at: now.seconds(), reason })
    }

    /// When nothing has to be known of the video any more.
    #[must_use]
    pub fn ends_at(&self) -> UnixMillis {
        UnixMillis::new(self.deleted_at.saturating_mul(1000)).after(LIFETIME)
    }
}

/// What an object has stored of its video.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    Nothing,
    Task(&'a Task),
    Tombstone(Tombstone),
}

/// What a submit meets in the object of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// There is no such video, and there never was one.
    New,
    /// The same request made it.
    Replay,
    /// Another request made it.
    OtherRequest,
    /// There was one, whatever was asked for.
    Deleted,
    /// What never became a video is being removed: wait.
    Wait,
}

impl Known<'_> {
    #[must_use]
    pub fn admit(self, fingerprint: &str, now: UnixMillis) -> Admission {
        match self {
            Self::Tombstone(tombstone) if now < tombstone.ends_at() => Admission::Deleted,
            Self::Nothing | Self::Tombstone(_) => Admission::New,
            Self::Task(task) if !task.is_shown() => match Tombstone::of(task, now) {
                Some(_) => Admission::Deleted,
                None => Admission::Wait,
            },
            Self::Task(task) if task.fingerprint != fingerprint => Admission::OtherRequest,
            Self::Task(_) => Admission::Replay,
        }
    }
}
