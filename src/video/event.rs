//! What can happen to a task, and what the task asks for in turn.

use super::record::{Failure, Output};
use super::task::{Job, Source};
use super::time::Millis;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The alarm fired.
    Woken,
    /// The uploaded image is stored.
    Received,
    /// The upstream called back, perhaps naming a job; a nudge that decides nothing.
    Nudged(Option<Job>),
    RunAnswered(RunOutcome),
    Observed(Observation),
    /// The job that carries our callback URL, if one was found.
    Searched(Option<Job>),
    /// The copy was verified, or failed and may be tried again.
    Copied(Option<Output>),
    /// Whether KV took the record.
    Published(bool),
}

/// What became of one Run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    Started(Job),
    /// Known not to have started; may be sent again, not sooner than `retry_after`.
    NotStarted {
        retry_after: Option<Millis>,
    },
    /// Refused for good.
    Refused(Failure),
    /// Nobody knows.
    Unknown,
}

/// What a check of the job saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Working {
        status: String,
    },
    Succeeded {
        source: Source,
        cost_usd: Option<String>,
    },
    Failed,
    Cancelled,
    /// No usable answer.
    Unreadable,
}

/// What is to be done, in order; each one's result comes back as an [`Event`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send Run → [`Event::RunAnswered`].
    Run,
    /// Ask the upstream about the job → [`Event::Observed`].
    Check(Job),
    /// Look for the job whose Run was not answered, first where a callback pointed →
    /// [`Event::Searched`].
    Search(Option<Job>),
    /// Copy and verify the video → [`Event::Copied`].
    Copy(Source),
    /// Forget everything: the job was never accepted as a whole.
    Discard,
    /// Write the record to KV → [`Event::Published`].
    Publish,
}
