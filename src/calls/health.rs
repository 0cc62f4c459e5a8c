//! What the dispatcher says about itself.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct DispatcherHealth {
    /// When the cron trigger last reconciled videos, in unix seconds.
    pub last_sweep_at: Option<i64>,
    /// Jobs that wait for a slot.
    pub waiting: u32,
    /// Jobs that have a slot.
    pub active: u32,
    /// Whether the operator has paused all submits.
    pub paused: bool,
    /// Whether Runs are sent, or held back because Wiro does not answer.
    pub circuit: Circuit,
}

/// The state of the circuit breaker.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Circuit {
    Closed,
    Open,
    HalfOpen,
}
