//! What can happen around one effect, and in the simulated upstream.

use hailuo_worker::video::lifecycle::event::{Event, SlotReply};

/// The faults around one effect.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Performed,
    /// The object crashes before the effect is performed.
    DiesBefore,
    /// The effect is performed, and the object crashes before the result is stored.
    DiesAfter,
}

/// How the environment reacts to one effect.
#[derive(Clone, Debug)]
pub struct Luck {
    pub fate: Fate,
    /// Requests that arrive during the effect.
    pub meanwhile: Option<Stray>,
    pub run: Run,
    pub slot_reply: SlotReply,
    pub works: bool,
    /// Dispatcher and KV performed the call although they did not answer.
    pub answer_is_lost: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Run {
    Started,
    StartedUnheard,
    NeverArrived,
    Busy,
    Full,
    Refused,
}

/// Unexpected requests and results.
#[derive(Clone, Debug)]
pub enum Stray {
    Callback {
        named: bool,
    },
    Cancel,
    Delete,
    Redrive,
    /// A submit with the same key, with the same or another request.
    Submit {
        same_request: bool,
    },
    Called,
    Look {
        days_ahead: i64,
    },
    /// A repeated or unexpected result.
    Stale(Event),
}

/// The job at the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Running,
    Succeeded,
    Failed,
    Cancelled,
}
