//! How long videos of each kind took lately, kept in the dispatcher's `SQLite`.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::{time_from_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::pace::Pace;
use crate::video::time::{Millis, UnixMillis};

/// Lengths of time go in and out as instants do.
const ZERO: UnixMillis = UnixMillis::new(0);

/// `usual` is in milliseconds.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS paces (
        kind TEXT PRIMARY KEY,
        usual INTEGER NOT NULL,
        lessons INTEGER NOT NULL
    );";

pub struct Paces<'a> {
    storage: &'a ObjectStorage,
}

impl<'a> Paces<'a> {
    /// Fails when `SQLite` does; so does everything else.
    pub fn open(storage: &'a ObjectStorage) -> Result<Self> {
        storage.have_tables(SCHEMA)?;
        Ok(Self { storage })
    }

    /// `None` before one was seen.
    pub fn of(&self, kind: &str) -> Result<Option<Pace>> {
        let query = "SELECT usual, lessons FROM paces WHERE kind = ?";
        let rows = self.storage.sql(query, &[JsValue::from_str(kind)])?;
        let whole = |value: JsValue| time_from_js(value.as_f64().unwrap_or_default()).since(ZERO);
        Ok(rows.first().map(|row| Pace {
            usual: whole(row.get(0)),
            lessons: u32::try_from(whole(row.get(1)).get()).unwrap_or(u32::MAX),
        }))
    }

    pub fn learn(&self, kind: &str, took: Millis) -> Result<()> {
        let Pace { usual, lessons } = Pace::learn(self.of(kind)?, took);
        let values = [JsValue::from_str(kind), time_to_js(ZERO.after(usual)), lessons.into()];
        self.storage.sql("INSERT OR REPLACE INTO paces VALUES (?, ?, ?)", &values).map(|_| ())
    }
}
