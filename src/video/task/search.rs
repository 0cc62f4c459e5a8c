//! The search for a job whose answer to Run was lost: what it has come to, and whether a job that fits may be taken.

use serde::{Deserialize, Serialize};

use crate::video::record::Input;
use crate::video::task::{Job, Phase, Task};

/// Where a search goes on that did not come to the end of the upstream's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct SearchProgress {
    /// Rows of the list that were read. Newer ones only push older ones further back, so none is passed over.
    pub start: u32,
    /// Jobs that fit without being certain, at most two.
    pub candidates: Vec<Job>,
}

/// What one search came to.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchOutcome {
    Found(Job),
    /// The list was read back to the time of the task, and nothing in it is certain to be its job.
    NotFound,
    /// So far nothing was found; there is more of the list.
    Unfinished(SearchProgress),
    /// The upstream did not answer.
    Failed,
}

/// A job of the upstream that does not tell whose it is, and the video that would take it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct JobClaim {
    pub task_id: String,
    pub model: String,
    pub input: Input,
    pub fingerprint: String,
}

/// Whether a job is another video's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    Owned,
    /// It does not know its own job, and this may be it.
    Possible,
    None,
}

impl Task {
    /// Whether the job that somebody else claims is this video's.
    #[must_use]
    pub fn ownership_of(&self, claim: &JobClaim) -> Ownership {
        let is_claimed = |job: &Job| job.task_id == claim.task_id;
        match &self.phase {
            // Of equal requests it does not matter which gets the job, once no answer is under way.
            Phase::Unknown { hint, .. } if self.fingerprint == claim.fingerprint => match hint {
                Some(hint) if is_claimed(hint) => Ownership::Possible,
                _ => Ownership::None,
            },
            Phase::Submitting { .. } | Phase::Unknown { .. } if self.looks_like(claim) => Ownership::Possible,
            _ if self.job().is_some_and(is_claimed) => Ownership::Owned,
            _ => Ownership::None,
        }
    }

    /// Whether both would look the same in the upstream's list, which does not show which file a picture is.
    fn looks_like(&self, claim: &JobClaim) -> bool {
        let (ours, theirs) = (&self.record.input, &claim.input);
        self.record.model == claim.model
            && ours.prompt == theirs.prompt
            && ours.resolution == theirs.resolution
            && ours.duration == theirs.duration
            && ours.pictures() == theirs.pictures()
    }
}
