//! The videos that have ended, until they are removed, in the dispatcher's `SQLite`. Each video removes itself by its own
//! alarm. One that is still here after its time has lost that alarm, or its object, so the sweep asks it.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use crate::calls::dispatcher::EndedVideo;
use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::id::VideoId;
use crate::video::time::UnixMillis;

/// One row for each video, without a second index: whoever removes a video knows when it expires. `expires_at` is in unix
/// seconds.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS ended (
        expires_at INTEGER NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (expires_at, id)
    ) WITHOUT ROWID;";

pub struct EndedVideos<'a> {
    storage: &'a ObjectStorage,
}

impl<'a> EndedVideos<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(storage: &'a ObjectStorage) -> Result<Self> {
        storage.ensure_tables(SCHEMA)?;
        Ok(Self { storage })
    }

    pub fn add(&self, id: &VideoId, expires_at: i64) -> Result<()> {
        self.run("INSERT OR IGNORE INTO ended VALUES (?, ?)", &key(expires_at, id))
    }

    pub fn remove(&self, id: &VideoId, expires_at: i64) -> Result<()> {
        self.run("DELETE FROM ended WHERE expires_at = ? AND id = ?", &key(expires_at, id))
    }

    /// Videos that should be removed at this time, in the order of their expiry, from behind this one.
    pub fn overdue(
        &self,
        as_of: UnixMillis,
        after: Option<&EndedVideo>,
        limit: u32,
    ) -> Result<Vec<EndedVideo>> {
        let [start_at, start_id] =
            after.map_or_else(|| [0.into(), "".into()], |video| key(video.expires_at, &video.id));
        let query = format!(
            "SELECT expires_at, id FROM ended WHERE (expires_at, id) > (?, ?) AND expires_at <= ?
            ORDER BY expires_at, id LIMIT {limit}"
        );
        let rows = self.storage.sql(&query, &[start_at, start_id, integer_to_js(as_of.seconds())])?;
        let overdue = rows.iter().filter_map(|row| {
            let id = VideoId::from_stored(row.get(1).as_string()?);
            Some(EndedVideo { id, expires_at: integer_from_js(&row.get(0)) })
        });
        Ok(overdue.collect())
    }

    /// The ids of those that expire last, which are the ones that ended last.
    pub fn newest(&self, limit: usize) -> Result<Vec<VideoId>> {
        let query = format!("SELECT id FROM ended ORDER BY expires_at DESC, id DESC LIMIT {limit}");
        let rows = self.storage.sql(&query, &[])?;
        Ok(rows.iter().filter_map(|row| Some(VideoId::from_stored(row.get(0).as_string()?))).collect())
    }

    fn run(&self, statement: &str, values: &[JsValue]) -> Result<()> {
        self.storage.sql(statement, values).map(|_| ())
    }
}

fn key(expires_at: i64, id: &VideoId) -> [JsValue; 2] {
    [integer_to_js(expires_at), text_to_js(id.as_str())]
}
