//! What can happen to a task, and what the task asks for in turn.

use serde::{Deserialize, Serialize};

use super::chores::Chore;
use crate::video::delivery::Answer;
use crate::video::record::{Failure, Output, Warning};
use crate::video::task::search::{SearchOutcome, SearchProgress};
use crate::video::task::{Job, Source};
use crate::video::time::{Millis, UnixMillis};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The uploaded image is stored.
    Received,
    /// The waiting line answered.
    Entered(Entry),
    /// The upstream called back, perhaps naming a job; a nudge that decides nothing.
    Nudged(Option<Job>),
    RunAnswered(RunOutcome),
    Observed(Observation),
    /// The upstream's socket told something while somebody watched.
    Heard(Heard),
    /// Somebody sees how far it is by now.
    Seen,
    /// The job that carries our callback URL, or fits alone, was searched for.
    Searched(SearchOutcome),
    /// The copy was verified, or failed and may be tried again.
    Copied(Option<Output>),
    Done {
        chore: Chore,
        succeeded: bool,
    },
    /// The operator's webhook was told, or could not be.
    Notified {
        webhook_id: String,
        answer: Result<Answer, String>,
    },
    /// Its owner wants no video any more.
    CancelRequested,
    /// Its owner wants nothing of it left.
    DeleteRequested,
    /// An operator wants a failed one tried again.
    Redriven,
    /// There is a place at the upstream now.
    Called,
    /// The dispatcher looks after it: as of then it may be past its time.
    LookedAt(UnixMillis),
    /// Not everything could be removed.
    RemovalFailed,
}

/// What the waiting line says to who enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A place at the upstream is free: go. Such videos took so long lately, if any were seen.
    Placed(Option<Millis>),
    /// The same, and tell the line what becomes of Run: the upstream left earlier ones open.
    PlacedToReport(Option<Millis>),
    /// Wait to be called; counted from 1.
    Behind(u32),
    /// The upstream does not answer, and too many wait for it already.
    LineFull,
    Unreachable,
}

/// What became of one Run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    Started(Job),
    /// Known not to have started; may be sent again, not sooner than `retry_after`.
    NotStarted {
        retry_after: Option<Millis>,
    },
    /// Not started, because the account has as many jobs as it may.
    Full {
        retry_after: Option<Millis>,
    },
    /// Refused for good.
    Refused(Failure),
    /// Nobody knows.
    Unknown,
}

/// What the upstream says of a job by itself. It is believed for show only: how a job ends, a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Stage(String),
    /// Percent of the generation.
    Progress(u8),
}

/// What a check of the job saw. `ignored`: a picture that was sent and that the upstream does not have.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Working {
        status: String,
        ignored: Option<Warning>,
    },
    Succeeded {
        source: Source,
        cost_usd: Option<String>,
        ignored: Option<Warning>,
    },
    Failed {
        /// What the run wrote of it, cleaned.
        reason: Option<String>,
        cost_usd: Option<String>,
    },
    Cancelled {
        cost_usd: Option<String>,
    },
    /// No usable answer.
    Unreadable,
}

/// What is to be done, in order; each one's result comes back as an [`Event`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask for a place at the upstream, or one's position in line → [`Event::Entered`]. Whoever was
    /// `turned_away` there gives the place back, not to be called again so soon.
    Enter { turned_away: Option<Millis> },
    /// Send Run → [`Event::RunAnswered`].
    Run,
    /// Ask the upstream about the job → [`Event::Observed`].
    Check(Job),
    /// Ask the upstream to stop the job, then about it → [`Event::Observed`].
    Stop(Job),
    /// Look for the job whose Run was not answered, first where a callback pointed, then in the upstream's list from where
    /// the last search ended → [`Event::Searched`].
    Search { hint: Option<Job>, progress: SearchProgress },
    /// Copy and verify the video → [`Event::Copied`].
    Copy(Source),
    /// → [`Event::Done`].
    Do(Chore),
    /// Tell the operator's webhook how the video ended, under this id → [`Event::Notified`].
    Notify(String),
    /// Remove everything that is stored for the video, here and, of this job, at the upstream, the task
    /// last → [`Event::RemovalFailed`], or nothing is left that an event could change.
    Remove { purge: Option<Job> },
}
