//! How many bytes each client has uploaded today, in the dispatcher's `SQLite`.

use worker::Result;

use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::money::budget::Day;
use crate::video::time::UnixMillis;

/// One row per client and `day`, which is counted from the Unix epoch. Rows of earlier days are removed.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS uploaded (
        day INTEGER NOT NULL,
        owner TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (day, owner)
    );";

/// Counts an upload of `bytes` and returns true, unless the client would exceed its daily `limit`.
///
/// # Errors
/// If `SQLite` fails.
pub fn count_upload(
    storage: &ObjectStorage,
    owner: &Owner,
    bytes: i64,
    limit: i64,
    now: UnixMillis,
) -> Result<bool> {
    storage.ensure_tables(SCHEMA)?;
    let day = integer_to_js(Day::of(now).number());
    let key = [day.clone(), text_to_js(owner.as_str())];
    let rows = storage.sql("SELECT bytes FROM uploaded WHERE day = ? AND owner = ?", &key)?;
    let known = rows.first().map_or(0, |row| integer_from_js(&row.get(0)));
    let total = known.saturating_add(bytes);
    if total > limit {
        return Ok(false);
    }
    if rows.is_empty() {
        storage.sql("DELETE FROM uploaded WHERE day < ?", std::slice::from_ref(&day))?;
    }
    let values = [day, text_to_js(owner.as_str()), integer_to_js(total)];
    storage.sql("INSERT OR REPLACE INTO uploaded VALUES (?, ?, ?)", &values)?;
    Ok(true)
}
