//! The typical duration of each kind of video, in the dispatcher's `SQLite`.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::{time_from_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::time::{Millis, UnixMillis};
use crate::video::typical_duration::TypicalDuration;

/// Durations are converted like instants after this one.
const ZERO: UnixMillis = UnixMillis::new(0);

/// `usual` is the typical duration in milliseconds, `lessons` the number of samples.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS paces (
        kind TEXT PRIMARY KEY,
        usual INTEGER NOT NULL,
        lessons INTEGER NOT NULL
    );";

pub struct TypicalDurations<'a> {
    storage: &'a ObjectStorage,
}

impl<'a> TypicalDurations<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(storage: &'a ObjectStorage) -> Result<Self> {
        storage.ensure_tables(SCHEMA)?;
        Ok(Self { storage })
    }

    /// `None` before the first sample.
    pub fn get(&self, kind: &str) -> Result<Option<TypicalDuration>> {
        let query = "SELECT usual, lessons FROM paces WHERE kind = ?";
        let rows = self.storage.sql(query, &[JsValue::from_str(kind)])?;
        let as_millis = |value: JsValue| time_from_js(value.as_f64().unwrap_or_default()).since(ZERO);
        Ok(rows.first().map(|row| TypicalDuration {
            typical: as_millis(row.get(0)),
            sample_count: u32::try_from(as_millis(row.get(1)).get()).unwrap_or(u32::MAX),
        }))
    }

    pub fn add_sample(&self, kind: &str, took: Millis) -> Result<()> {
        let TypicalDuration { typical, sample_count } = TypicalDuration::with_sample(self.get(kind)?, took);
        let values = [JsValue::from_str(kind), time_to_js(ZERO.after(typical)), sample_count.into()];
        self.storage.sql("INSERT OR REPLACE INTO paces VALUES (?, ?, ?)", &values).map(|_| ())
    }
}
