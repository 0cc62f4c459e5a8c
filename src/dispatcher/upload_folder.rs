//! Wiro's folder for uploads: created once for the whole deployment, its id stored in `SQLite`.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use crate::config::Config;
use crate::runtime::clock;
use crate::storage::object_storage::ObjectStorage;
use crate::upstream::shared_call::{SharedCall, SharedResult};
use crate::wiro::files::{FOLDER_CREATE, folder_body, read_folder};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS upload_folder (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id TEXT NOT NULL
    );";

/// The folder's id, or the refusal.
pub type Folder = SharedResult;

#[derive(Default)]
pub struct UploadFolder {
    creating: SharedCall,
}

impl UploadFolder {
    /// Returns the folder and creates it first if there is none. Concurrent callers share one call; after a failure
    /// the next caller tries again.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub async fn get(&self, storage: &ObjectStorage, config: &Config) -> Result<Folder> {
        if let Some(id) = load(storage)? {
            return Ok(Ok(id));
        }
        // A new name each time: a folder whose response was lost may exist under the old name.
        let random = clock::random::<8>().map_err(|error| error.to_string())?;
        let name = format!("hailuo-worker-{}", hex::encode(random));
        let store = |folder: &Folder| folder.as_ref().map_or(Ok(()), |id| store(storage, id));
        self.creating.get(config, (FOLDER_CREATE, &folder_body(&name)), &read_folder, &store).await
    }

    /// Forgets a folder that Wiro does not know any more. If it is still the stored one, the next upload creates
    /// another.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn forget(storage: &ObjectStorage, id: &str) -> Result<()> {
        storage.ensure_tables(SCHEMA)?;
        storage.sql("DELETE FROM upload_folder WHERE id = ?", &[JsValue::from_str(id)]).map(|_| ())
    }
}

fn load(storage: &ObjectStorage) -> Result<Option<String>> {
    storage.ensure_tables(SCHEMA)?;
    let rows = storage.sql("SELECT id FROM upload_folder", &[])?;
    Ok(rows.first().and_then(|row| row.get(0).as_string()))
}

fn store(storage: &ObjectStorage, id: &str) -> Result<()> {
    let query = "INSERT OR REPLACE INTO upload_folder VALUES (1, ?)";
    storage.sql(query, &[JsValue::from_str(id)]).map(|_| ())
}
