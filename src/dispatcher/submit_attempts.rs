//! Retries of OpenAI's SDKs, which have no idempotency key. A retry gets the video that the same request created shortly
//! before. The attempts are stored in the dispatcher's `SQLite`, with limits on their age and number.
//!
//! Each first attempt is matched with one chain of retries: the first retry, the second and so on, each once. All calls are
//! synchronous, so concurrent retries never match the same attempt.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::id::VideoId;
use crate::video::time::UnixMillis;

/// `request` is a digest of client, SDK and request. `retry_count` belongs to the latest attempt for the video, which
/// arrived at `attempted_at` (unix milliseconds).
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS submit_attempt (
        ticket INTEGER PRIMARY KEY,
        request TEXT NOT NULL,
        video_id TEXT NOT NULL,
        retry_count INTEGER NOT NULL,
        attempted_at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS submit_attempt_of_request ON submit_attempt (request, retry_count);
    CREATE INDEX IF NOT EXISTS submit_attempt_in_time ON submit_attempt (attempted_at);";

/// How long an attempt can be matched with a retry, in milliseconds.
const LIFETIME_MS: i64 = 600_000;

/// Limit for the stored attempts.
const MAX_KEPT: i64 = 10_000;

/// The video of an attempt: the video of an earlier attempt, or `id` for a new one.
///
/// # Errors
/// If `SQLite` fails.
pub fn video_of(
    storage: &ObjectStorage,
    request: &str,
    id: VideoId,
    retry_count: u32,
    now: UnixMillis,
) -> Result<VideoId> {
    storage.ensure_tables(SCHEMA)?;
    let expired = time_to_js(UnixMillis::new(now.millis().saturating_sub(LIFETIME_MS)));
    storage.sql("DELETE FROM submit_attempt WHERE attempted_at <= ?", &[expired])?;
    if retry_count > 0
        && let Some((ticket, id)) = attempt_before(storage, request, retry_count)?
    {
        let statement = "UPDATE submit_attempt SET retry_count = ?, attempted_at = ? WHERE ticket = ?";
        storage.sql(statement, &[retry_count.into(), time_to_js(now), ticket])?;
        return Ok(id);
    }
    let values = [text_to_js(request), text_to_js(id.as_str()), retry_count.into(), time_to_js(now)];
    let statement =
        "INSERT INTO submit_attempt (request, video_id, retry_count, attempted_at) VALUES (?, ?, ?, ?)";
    storage.sql(statement, &values)?;
    let newest = storage.sql("SELECT MAX(ticket) FROM submit_attempt", &[])?;
    let newest = newest.first().map_or(0, |row| integer_from_js(&row.get(0)));
    storage.sql("DELETE FROM submit_attempt WHERE ticket <= ?", &[integer_to_js(newest - MAX_KEPT)])?;
    Ok(id)
}

/// The latest attempt with a smaller retry count, preferably the one directly before this retry.
fn attempt_before(storage: &ObjectStorage, request: &str, count: u32) -> Result<Option<(JsValue, VideoId)>> {
    let query = "SELECT ticket, video_id FROM submit_attempt WHERE request = ? AND retry_count < ?
        ORDER BY retry_count DESC, ticket DESC LIMIT 1";
    let rows = storage.sql(query, &[text_to_js(request), count.into()])?;
    Ok(rows.first().and_then(|row| Some((row.get(0), VideoId::from_stored(row.get(1).as_string()?)))))
}
