//! The events that change a task, and the effects that a task asks for.

use serde::{Deserialize, Serialize};

use super::pending_work::WorkItem;
use crate::video::delivery::{DeliveryResponse, Recipient};
use crate::video::record::{Failure, Output, Warning};
use crate::video::task::search::{SearchOutcome, SearchProgress};
use crate::video::task::{Job, Source};
use crate::video::time::{Millis, UnixMillis};

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The uploaded image is stored.
    ImageStored,
    /// The dispatcher answered a request for a slot.
    SlotReplied(SlotReply),
    /// Wiro sent a callback, which may name a job. It only triggers a check and decides nothing.
    CallbackReceived(Option<Job>),
    RunAnswered(RunOutcome),
    Observed(Observation),
    /// Wiro's socket sent something while a client was subscribed.
    SocketUpdated(SocketUpdate),
    /// The percentage has risen and is published.
    ProgressTick,
    /// The search for a lost job ended.
    Searched(SearchOutcome),
    /// The copy was verified, or failed and is retried.
    Copied(Option<Output>),
    WorkDone {
        item: WorkItem,
        succeeded: bool,
    },
    /// A webhook answered, or did not.
    Notified {
        recipient: Recipient,
        webhook_id: String,
        response: Result<DeliveryResponse, String>,
    },
    /// The owner cancelled the video.
    CancelRequested,
    /// The owner deleted the video.
    DeleteRequested,
    /// Like `DeleteRequested`, and Wiro's files are deleted whatever the settings say.
    EraseRequested,
    /// The operator resumes a failed video.
    RedriveRequested,
    /// The job has a slot now.
    SlotGranted,
    /// The dispatcher asks for the state; the video may have expired at this time.
    Reconciled(UnixMillis),
    /// Removing the video's data failed.
    RemovalFailed,
}

/// The dispatcher's answer to a request for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotReply {
    /// The job may start. With the typical duration of its kind, if known.
    #[serde(rename = "placed")]
    Granted(Option<Millis>),
    /// Like `Granted`, and the outcome of Run must be reported, because earlier ones were unknown.
    #[serde(rename = "placed_to_report")]
    GrantedWithReport(Option<Millis>),
    /// Wait for a slot. The position, counted from 1.
    #[serde(rename = "behind")]
    Queued(u32),
    /// Wiro does not answer, and too many jobs are queued.
    #[serde(rename = "line_full")]
    QueueFull,
    Unreachable,
}

/// The outcome of a Run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    Started(Job),
    /// Did not start. May be sent again, but not before `retry_after`.
    NotStarted {
        retry_after: Option<Millis>,
    },
    /// Did not start: the account already has as many jobs as it may.
    AtCapacity {
        retry_after: Option<Millis>,
    },
    /// Refused for good.
    Refused(Failure),
    /// It may have started.
    Unknown,
}

/// A message of Wiro's socket. Only for display: how a job ended is decided by a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketUpdate {
    Stage(String),
    /// Percent of the generation.
    Progress(u8),
}

/// The result of a check. `ignored`: an image that was sent and that Wiro does not have.
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
        /// The cleaned error output of the run.
        reason: Option<String>,
        cost_usd: Option<String>,
    },
    Cancelled {
        cost_usd: Option<String>,
    },
    /// No usable answer.
    Unreadable,
}

/// An action to perform. Its result comes back as an [`Event`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask for a slot, or for the position in the queue → [`Event::SlotReplied`]. After a refusal for capacity, with
    /// Wiro's `retry_after`, this also releases the slot.
    AcquireSlot { retry_after: Option<Millis> },
    /// Send Run → [`Event::RunAnswered`].
    Run,
    /// Check the job at Wiro → [`Event::Observed`].
    Check(Job),
    /// Stop the job at Wiro, then check it → [`Event::Observed`].
    Stop(Job),
    /// Search for the job whose response to Run was lost: first the job that a callback named, then Wiro's list, from
    /// where the last search ended → [`Event::Searched`].
    Search { hint: Option<Job>, progress: SearchProgress },
    /// Copy and verify the video → [`Event::Copied`].
    Copy(Source),
    /// → [`Event::WorkDone`].
    Perform(WorkItem),
    /// Deliver the ending to a webhook, under this id → [`Event::Notified`].
    Notify(Recipient, String),
    /// Remove all data of the video here, and of this job at Wiro; the task last → [`Event::RemovalFailed`], or no
    /// task is left for an event.
    Remove { purge: Option<Job> },
}
