//! The state of a search for a lost job, and whether a matching job may be adopted.

use serde::{Deserialize, Serialize};

use crate::video::record::Input;
use crate::video::task::{Job, Phase, Task};

/// Where the next search continues, if this one did not reach the end of Wiro's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct SearchProgress {
    /// How many rows of the list were read. New rows only push older ones back, so none is skipped.
    #[serde(rename = "start")]
    pub rows_read: u32,
    /// Possible matches, at most two.
    pub candidates: Vec<Job>,
}

/// The result of one search.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchOutcome {
    Found(Job),
    /// The list was read back to the creation of the video, without a certain match.
    NotFound,
    /// Nothing found so far; the list goes on.
    Unfinished(SearchProgress),
    /// Wiro did not answer.
    Failed,
}

/// A job without an owner, and the video that wants to adopt it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct JobClaim {
    pub task_id: String,
    pub model: String,
    pub input: Input,
    pub fingerprint: String,
}

/// Whether a job belongs to a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    Owned,
    /// The video does not know its own job, and this may be it.
    Possible,
    None,
}

impl Task {
    /// Whether the claimed job is this video's.
    #[must_use]
    pub fn ownership_of(&self, claim: &JobClaim) -> Ownership {
        let is_claimed = |job: &Job| job.task_id == claim.task_id;
        match &self.phase {
            // Among equal requests it does not matter which one gets the job, once no response is expected any more.
            Phase::Unknown { hint, .. } if self.fingerprint == claim.fingerprint => match hint {
                Some(hint) if is_claimed(hint) => Ownership::Possible,
                _ => Ownership::None,
            },
            Phase::Submitting { .. } | Phase::Unknown { .. } if self.looks_like(claim) => Ownership::Possible,
            _ if self.job().is_some_and(is_claimed) => Ownership::Owned,
            _ => Ownership::None,
        }
    }

    /// Whether both look the same in Wiro's list, which does not identify images.
    fn looks_like(&self, claim: &JobClaim) -> bool {
        let (ours, theirs) = (&self.record.input, &claim.input);
        self.model_path() == claim.model
            && ours.prompt == theirs.prompt
            && ours.resolution == theirs.resolution
            && ours.duration == theirs.duration
            && ours.frame_count() == theirs.frame_count()
    }
}
