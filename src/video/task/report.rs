//! What the dispatcher learns about a task.

use serde::{Deserialize, Serialize};

use crate::video::money::Usd;
use crate::video::task::{Phase, Task};
use crate::video::time::{Millis, UnixMillis};
use crate::video::usage::Ending;

/// The dispatcher reconciles unfinished tasks this often, in case they lost their alarm.
pub const RECONCILE_INTERVAL: Millis = Millis::from_seconds(600);

/// The report that a task sends when its need for a slot changes, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TaskReport {
    pub needs_slot: bool,
    /// Only in the report that releases the slot.
    pub generation_time: Option<Millis>,
    /// As far as it is known.
    pub cost: Option<Usd>,
    /// `None` before the end.
    pub end: Option<End>,
}

/// The end of a video.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct End {
    pub ending: Ending,
    /// When the video is removed, in unix seconds.
    pub expires_at: i64,
}

/// The answer of a task that the dispatcher asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SlotReport {
    #[serde(rename = "needs_place")]
    pub needs_slot: bool,
    /// When the dispatcher asks again.
    #[serde(rename = "look_at")]
    pub next_check_at: UnixMillis,
    #[serde(default)]
    pub existence: Existence,
}

/// Where a video is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Existence {
    #[default]
    Unfinished,
    /// Removed at the time of the next check.
    Ended,
    /// Being removed.
    Removing,
}

impl SlotReport {
    /// For a task whose state is unknown.
    #[must_use]
    pub fn still_needed(now: UnixMillis) -> Self {
        Self {
            needs_slot: true,
            next_check_at: now.after(RECONCILE_INTERVAL),
            existence: Existence::Unfinished,
        }
    }
}

impl Task {
    #[must_use]
    pub fn report(&self) -> TaskReport {
        let end = Ending::of(&self.record).zip(self.record.expires_at);
        TaskReport {
            needs_slot: self.needs_slot(),
            generation_time: self.generation_time(),
            cost: self.charge(),
            end: end.map(|(ending, expires_at)| End { ending, expires_at }),
        }
    }

    /// The answer to the dispatcher.
    #[must_use]
    pub fn slot_report(&self, now: UnixMillis) -> SlotReport {
        let (existence, next_check_at) = match self.phase {
            Phase::Ended { .. } => (Existence::Ended, self.removal_at()),
            Phase::Removing { .. } => (Existence::Removing, None),
            _ => (Existence::Unfinished, None),
        };
        let next_check_at = next_check_at.unwrap_or_else(|| now.after(RECONCILE_INTERVAL));
        SlotReport { needs_slot: self.needs_slot(), next_check_at, existence }
    }
}
