//! What each client has uploaded to Wiro, in the dispatcher's `SQLite`: the bytes of today, and the files.

use worker::Result;

use crate::calls::uploads::{UploadMessage, UploadReply};
use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::money::budget::Day;
use crate::video::time::UnixMillis;

/// `uploaded`: one row per client and `day`, which is counted from the Unix epoch. Rows of earlier days are removed.
/// `uploaded_file`: the files, by the hash of their URL; `wiro_id` is Wiro's name for the file. After Wiro has deleted it, at
/// `deleted_day`, the row stays for a while, because other jobs may have used the file too.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS uploaded (
        day INTEGER NOT NULL,
        owner TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (day, owner)
    );
    CREATE TABLE IF NOT EXISTS uploaded_file (
        url_sha256 TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        wiro_id TEXT NOT NULL,
        deleted_day INTEGER
    );
    CREATE INDEX IF NOT EXISTS uploaded_file_of_client ON uploaded_file (owner);
    CREATE INDEX IF NOT EXISTS uploaded_file_deleted ON uploaded_file (deleted_day) WHERE deleted_day IS NOT NULL;";

/// How many days the row of a deleted file stays.
const DELETED_DAYS: i64 = 90;

/// Most files in one answer.
const MAX_LISTED: u32 = 1000;

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

/// Removes how much the client has uploaded on each day.
///
/// # Errors
/// If `SQLite` fails.
pub fn forget_bytes(storage: &ObjectStorage, owner: &Owner) -> Result<()> {
    storage.ensure_tables(SCHEMA)?;
    storage.sql("DELETE FROM uploaded WHERE owner = ?", &[text_to_js(owner.as_str())]).map(|_| ())
}

/// Answers a message about uploaded files.
///
/// # Errors
/// If `SQLite` fails.
pub fn answer(
    storage: &ObjectStorage,
    owner: &Owner,
    message: UploadMessage,
    now: UnixMillis,
) -> Result<UploadReply> {
    let today = Day::of(now).number();
    storage.ensure_tables(SCHEMA)?;
    let owner = text_to_js(owner.as_str());
    match message {
        UploadMessage::Stored { url_sha256, wiro_id } => {
            let values = [text_to_js(&url_sha256), owner, text_to_js(&wiro_id)];
            storage.sql("INSERT OR REPLACE INTO uploaded_file VALUES (?, ?, ?, NULL)", &values)?;
            let expired = [integer_to_js(today - DELETED_DAYS)];
            storage.sql("DELETE FROM uploaded_file WHERE deleted_day < ?", &expired)?;
            Ok(UploadReply::Ack)
        }
        UploadMessage::Deleted(hashes) => {
            for hash in hashes {
                let values = [integer_to_js(today), text_to_js(&hash), owner.clone()];
                let statement = "UPDATE uploaded_file SET deleted_day = ? WHERE url_sha256 = ? AND owner = ?";
                storage.sql(statement, &values)?;
            }
            Ok(UploadReply::Ack)
        }
        UploadMessage::AreOwn(hashes) => {
            for hash in hashes {
                let values = [text_to_js(&hash), owner.clone()];
                let query = "SELECT 1 FROM uploaded_file WHERE url_sha256 = ? AND owner = ?";
                if storage.sql(query, &values)?.is_empty() {
                    return Ok(UploadReply::AreOwn(false));
                }
            }
            Ok(UploadReply::AreOwn(true))
        }
        UploadMessage::List => {
            let query = format!(
                "SELECT wiro_id FROM uploaded_file WHERE owner = ? AND deleted_day IS NULL LIMIT {MAX_LISTED}"
            );
            let rows = storage.sql(&query, &[owner])?;
            Ok(UploadReply::List(rows.iter().filter_map(|row| row.get(0).as_string()).collect()))
        }
    }
}
