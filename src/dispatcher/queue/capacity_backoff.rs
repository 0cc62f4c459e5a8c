//! The [`CapacityBackoff`] in the dispatcher's `SQLite`, a row only while Wiro is at capacity.

use worker::Result;

use super::count;
use crate::runtime::values::{time_from_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::queue::capacity_backoff::CapacityBackoff;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS hold (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        until INTEGER NOT NULL,
        refusals INTEGER NOT NULL,
        probing INTEGER NOT NULL,
        freed INTEGER NOT NULL
    );";

/// Fails if `SQLite` fails, like [`store`].
pub fn load(storage: &ObjectStorage) -> Result<Option<CapacityBackoff>> {
    storage.ensure_tables(SCHEMA)?;
    let rows = storage.sql("SELECT until, refusals, probing, freed FROM hold", &[])?;
    Ok(rows.first().and_then(|row| {
        let until = time_from_js(row.get(0).as_f64()?);
        let [refusals, is_probing, freed_slots] = [1, 2, 3].map(|column| count(&row.get(column)));
        Some(CapacityBackoff { until, refusals, is_probing: is_probing > 0, freed_slots })
    }))
}

pub fn store(storage: &ObjectStorage, backoff: Option<CapacityBackoff>) -> Result<()> {
    storage.ensure_tables(SCHEMA)?;
    let Some(CapacityBackoff { until, refusals, is_probing, freed_slots }) = backoff else {
        return storage.sql("DELETE FROM hold", &[]).map(|_| ());
    };
    let values = [time_to_js(until), refusals.into(), u32::from(is_probing).into(), freed_slots.into()];
    storage.sql("INSERT OR REPLACE INTO hold VALUES (1, ?, ?, ?, ?)", &values).map(|_| ())
}
