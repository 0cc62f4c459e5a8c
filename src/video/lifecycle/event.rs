//! What can happen to a task, and what the task asks for in turn.

use serde::Serialize;

use super::pending_work::WorkItem;
use crate::from_json;
use crate::video::delivery::DeliveryResponse;
use crate::video::record::{Failure, Output, Warning};
use crate::video::task::search::{SearchOutcome, SearchProgress};
use crate::video::task::{Job, Source};
use crate::video::time::{Millis, UnixMillis};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The uploaded image is stored.
    ImageStored,
    /// The waiting line answered.
    SlotReplied(SlotReply),
    /// The upstream called back, perhaps naming a job; a nudge that decides nothing.
    CallbackReceived(Option<Job>),
    RunAnswered(RunOutcome),
    Observed(Observation),
    /// The upstream's socket told something while somebody watched.
    SocketUpdated(SocketUpdate),
    /// Somebody sees how far it is by now.
    ProgressTick,
    /// The job that carries our callback URL, or fits alone, was searched for.
    Searched(SearchOutcome),
    /// The copy was verified, or failed and may be tried again.
    Copied(Option<Output>),
    WorkDone {
        item: WorkItem,
        succeeded: bool,
    },
    /// The operator's webhook was told, or could not be.
    Notified {
        webhook_id: String,
        response: Result<DeliveryResponse, String>,
    },
    /// Its owner wants no video any more.
    CancelRequested,
    /// Its owner wants nothing of it left.
    DeleteRequested,
    /// An operator wants a failed one tried again.
    RedriveRequested,
    /// There is a place at the upstream now.
    SlotGranted,
    /// The dispatcher looks after it: as of then it may be past its time.
    Reconciled(UnixMillis),
    /// Not everything could be removed.
    RemovalFailed,
}

/// What the waiting line says to who enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotReply {
    /// A place at the upstream is free: go. Such videos took so long lately, if any were seen.
    #[serde(rename = "placed")]
    Granted(Option<Millis>),
    /// The same, and tell the line what becomes of Run: the upstream left earlier ones open.
    #[serde(rename = "placed_to_report")]
    GrantedWithReport(Option<Millis>),
    /// Wait to be called; counted from 1.
    #[serde(rename = "behind")]
    Queued(u32),
    /// The upstream does not answer, and too many wait for it already.
    #[serde(rename = "line_full")]
    QueueFull,
    Unreachable,
}

from_json!(enum SlotReply {
    "placed" => Granted(pace),
    "placed_to_report" => GrantedWithReport(pace),
    "behind" => Queued(position),
    "line_full" => QueueFull,
    "unreachable" => Unreachable,
});

/// What became of one Run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    Started(Job),
    /// Known not to have started; may be sent again, not sooner than `retry_after`.
    NotStarted {
        retry_after: Option<Millis>,
    },
    /// Not started, because the account has as many jobs as it may.
    AtCapacity {
        retry_after: Option<Millis>,
    },
    /// Refused for good.
    Refused(Failure),
    /// Nobody knows.
    Unknown,
}

/// What the upstream says of a job by itself. It is believed for show only: how a job ends, a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketUpdate {
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
    /// Ask for a place at the upstream, or one's position in line → [`Event::SlotReplied`]. Whoever was
    /// `turned_away` there gives the place back, not to be called again so soon.
    AcquireSlot { retry_after: Option<Millis> },
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
    /// → [`Event::WorkDone`].
    Perform(WorkItem),
    /// Tell the operator's webhook how the video ended, under this id → [`Event::Notified`].
    Notify(String),
    /// Remove everything that is stored for the video, here and, of this job, at the upstream, the task
    /// last → [`Event::RemovalFailed`], or nothing is left that an event could change.
    Remove { purge: Option<Job> },
}
