//! The [`CircuitBreaker`] in the dispatcher's `SQLite`; no row means closed without failures.

use worker::Result;

use crate::runtime::values::{integer_from_js, time_from_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::queue::circuit_breaker::CircuitBreaker;
use crate::video::time::UnixMillis;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS circuit_breaker (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        state TEXT NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
        count INTEGER NOT NULL,
        until INTEGER NOT NULL
    );";

/// Fails if `SQLite` fails, like [`store`].
pub fn load(storage: &ObjectStorage) -> Result<CircuitBreaker> {
    storage.ensure_tables(SCHEMA)?;
    let rows = storage.sql("SELECT state, count, until FROM circuit_breaker", &[])?;
    let Some(row) = rows.first() else { return Ok(CircuitBreaker::default()) };
    let count = u32::try_from(integer_from_js(&row.get(1))).unwrap_or_default();
    let until = time_from_js(row.get(2).as_f64().unwrap_or_default());
    Ok(match row.get(0).as_string().as_deref() {
        Some("open") => CircuitBreaker::Open { until, failures: count },
        Some("half_open") => CircuitBreaker::HalfOpen { until, failures: count },
        _ => CircuitBreaker::Closed { unknown: count },
    })
}

pub fn store(storage: &ObjectStorage, breaker: CircuitBreaker) -> Result<()> {
    storage.ensure_tables(SCHEMA)?;
    if breaker == CircuitBreaker::default() {
        return storage.sql("DELETE FROM circuit_breaker", &[]).map(|_| ());
    }
    let (state, count, until) = match breaker {
        CircuitBreaker::Closed { unknown } => ("closed", unknown, UnixMillis::new(0)),
        CircuitBreaker::Open { until, failures } => ("open", failures, until),
        CircuitBreaker::HalfOpen { until, failures } => ("half_open", failures, until),
    };
    let statement = "INSERT OR REPLACE INTO circuit_breaker VALUES (1, ?, ?, ?)";
    storage.sql(statement, &[state.into(), count.into(), time_to_js(until)]).map(|_| ())
}
