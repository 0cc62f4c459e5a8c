//! The folder at the upstream that uploads go to: made once for the whole deployment and kept in the
//! dispatcher's `SQLite`.

use std::cell::RefCell;

use futures_channel::oneshot;
use worker::Result;
use worker::wasm_bindgen::JsValue;

use super::clock;
use super::config::Config;
use super::object_storage::ObjectStorage;
use super::wiro_client::WiroClient;
use crate::wiro::files::{FOLDER_CREATE, Refusal, folder_body, read_folder};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS upload_folder (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id TEXT NOT NULL
    );";

/// The folder's id, or why there is none.
pub type Folder = std::result::Result<String, Refusal>;

/// Who makes the folder, and who waits for it meanwhile.
#[derive(Default)]
pub struct UploadFolder {
    waiting: RefCell<Option<Vec<oneshot::Sender<Folder>>>>,
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
        let (sender, made) = oneshot::channel();
        let is_first = self.wait(sender);
        if is_first {
            let folder = make(config).await;
            let kept = folder.as_ref().map_or(Ok(()), |id| keep(storage, id));
            for sender in self.waiting.take().into_iter().flatten() {
                // Whoever waited may be gone.
                let _ = sender.send(folder.clone());
            }
            kept?;
        }
        made.await.map_err(|_| "nobody makes the folder".into())
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

    fn wait(&self, sender: oneshot::Sender<Folder>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.is_none();
        waiting.get_or_insert_default().push(sender);
        is_first
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
