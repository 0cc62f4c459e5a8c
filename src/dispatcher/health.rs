//! What the dispatcher says about itself, and when the last sweep was.

use worker::Result;

use super::queue::Queue;
use crate::calls::health::{Circuit, DispatcherHealth};
use crate::runtime::values::{integer_from_js, integer_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::queue::circuit_breaker::CircuitBreaker;
use crate::video::time::UnixMillis;

/// `finished_at` is in unix seconds.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS last_sweep (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        finished_at INTEGER NOT NULL
    );";

/// Fails if `SQLite` fails, like [`health`].
pub fn store_sweep(storage: &ObjectStorage, now: UnixMillis) -> Result<()> {
    storage.ensure_tables(SCHEMA)?;
    let statement = "INSERT OR REPLACE INTO last_sweep VALUES (1, ?)";
    storage.sql(statement, &[integer_to_js(now.seconds())]).map(|_| ())
}

pub fn health(storage: &ObjectStorage, queue: &Queue<'_>, paused: bool) -> Result<DispatcherHealth> {
    storage.ensure_tables(SCHEMA)?;
    let rows = storage.sql("SELECT finished_at FROM last_sweep", &[])?;
    Ok(DispatcherHealth {
        last_sweep_at: rows.first().map(|row| integer_from_js(&row.get(0))),
        waiting: queue.queue_length()?,
        active: queue.active()?,
        paused,
        circuit: match queue.breaker()? {
            CircuitBreaker::Closed { .. } => Circuit::Closed,
            CircuitBreaker::Open { .. } => Circuit::Open,
            CircuitBreaker::HalfOpen { .. } => Circuit::HalfOpen,
        },
    })
}
