//! What the [`Queue`](super::Queue) keeps in memory of its tables, so that a message about one job reads the rows of that
//! job only.

use std::cell::Cell;

use worker::Result;

use super::job_counts::JobCounts;
use crate::video::queue::capacity_backoff::CapacityBackoff;
use crate::video::queue::circuit_breaker::CircuitBreaker;

/// Each part is empty until it is first read. Only the queue writes the tables, and applies each change here too.
#[derive(Default)]
pub struct QueueMemory {
    pub(super) counts: JobCounts,
    pub(super) breaker: Remembered<CircuitBreaker>,
    pub(super) backoff: Remembered<Option<CapacityBackoff>>,
    /// The greatest number of a turn.
    pub(super) newest_turn: Remembered<i64>,
}

/// A stored value that is read once.
pub(super) struct Remembered<T> {
    value: Cell<Option<T>>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { value: Cell::new(None) }
    }
}

impl<T: Copy> Remembered<T> {
    /// The value, which is read with `load` if it is not known.
    ///
    /// # Errors
    /// If `load` fails.
    pub fn get(&self, load: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(known) = self.value.get() {
            return Ok(known);
        }
        let loaded = load()?;
        self.set(loaded);
        Ok(loaded)
    }

    /// This value was stored.
    pub fn set(&self, stored: T) {
        self.value.set(Some(stored));
    }
}
