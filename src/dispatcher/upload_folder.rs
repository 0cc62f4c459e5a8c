//! The folder at the upstream that uploads go to: made once for the whole deployment and kept in the
//! dispatcher's `SQLite`.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use crate::config::Config;
use crate::runtime::clock;
use crate::storage::object_storage::ObjectStorage;
use crate::upstream::shared_call::{Got, SharedCall};
use crate::wiro::files::{FOLDER_CREATE, folder_body, read_folder};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS upload_folder (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id TEXT NOT NULL
    );";

/// The folder's id, or why there is none.
pub type Folder = Got;

#[derive(Default)]
pub struct UploadFolder {
    making: SharedCall,
}

impl UploadFolder {
    /// The folder, which is made if it is not known. Whoever asks meanwhile gets the same answer; after a
    /// failure the next one tries again.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub async fn get(&self, storage: &ObjectStorage, config: &Config) -> Result<Folder> {
        if let Some(id) = known(storage)? {
            return Ok(Ok(id));
        }
        // Under a name of its own each time: one whose answer was lost may exist, and must not be in the way.
        let random = clock::random::<8>().map_err(|error| error.to_string())?;
        let name = format!("hailuo-worker-{}", hex::encode(random));
        let keep = |folder: &Folder| folder.as_ref().map_or(Ok(()), |id| keep(storage, id));
        self.making.get(config, (FOLDER_CREATE, &folder_body(&name)), &read_folder, &keep).await
    }

    /// The upstream does not know this folder any more. If it is still the one that is remembered, the
    /// next upload has another one made.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn forget(storage: &ObjectStorage, id: &str) -> Result<()> {
        storage.have_tables(SCHEMA)?;
        storage.sql("DELETE FROM upload_folder WHERE id = ?", &[JsValue::from_str(id)]).map(|_| ())
    }
}

fn known(storage: &ObjectStorage) -> Result<Option<String>> {
    storage.have_tables(SCHEMA)?;
    let rows = storage.sql("SELECT id FROM upload_folder", &[])?;
    Ok(rows.first().and_then(|row| row.get(0).as_string()))
}

fn keep(storage: &ObjectStorage, id: &str) -> Result<()> {
    let query = "INSERT OR REPLACE INTO upload_folder VALUES (1, ?)";
    storage.sql(query, &[JsValue::from_str(id)]).map(|_| ())
}
