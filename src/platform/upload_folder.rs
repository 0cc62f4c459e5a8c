//! The folder at the upstream that uploads go to: made once for the whole deployment and kept in the
//! dispatcher's `SQLite`.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use super::clock;
use super::config::Config;
use super::object_storage::ObjectStorage;
use super::once::Once;
use super::wiro_client::WiroClient;
use crate::wiro::files::{FOLDER_CREATE, Refusal, folder_body, read_folder};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS upload_folder (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id TEXT NOT NULL
    );";

/// The folder's id, or why there is none.
pub type Folder = std::result::Result<String, Refusal>;

#[derive(Default)]
pub struct UploadFolder {
    making: Once<std::result::Result<Folder, String>>,
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
        let make_and_keep = async || {
            let folder = make(config).await;
            let kept = folder.as_ref().map_or(Ok(()), |id| keep(storage, id));
            kept.map(|()| folder).map_err(|error| error.to_string())
        };
        Ok(self.making.get(make_and_keep).await??)
    }

    /// The upstream does not know this folder any more. If it is still the one that is remembered, the
    /// next upload has another one made.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn forget(storage: &ObjectStorage, id: &str) -> Result<()> {
        storage.sql(SCHEMA, &[])?;
        storage.sql("DELETE FROM upload_folder WHERE id = ?", &[JsValue::from_str(id)]).map(|_| ())
    }
}

fn known(storage: &ObjectStorage) -> Result<Option<String>> {
    storage.sql(SCHEMA, &[])?;
    let rows = storage.sql("SELECT id FROM upload_folder", &[])?;
    Ok(rows.first().and_then(|row| row.get(0).as_string()))
}

fn keep(storage: &ObjectStorage, id: &str) -> Result<()> {
    let query = "INSERT OR REPLACE INTO upload_folder VALUES (1, ?)";
    storage.sql(query, &[JsValue::from_str(id)]).map(|_| ())
}

/// Under a name of its own each time: one whose answer was lost may exist, and must not be in the way.
async fn make(config: &Config) -> Folder {
    let random = clock::random::<8>().map_err(|error| Refusal::Failed(error.to_string()))?;
    let name = format!("hailuo-worker-{}", base16ct::lower::encode_string(&random));
    match WiroClient::of(config).call(FOLDER_CREATE, &folder_body(&name)).await {
        Ok(answer) => read_folder(&answer),
        Err(error) => Err(Refusal::Unreachable(error.to_string())),
    }
}
