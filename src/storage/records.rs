//! Records in KV: each published record under `video:{id}`; and an index for external tools under
//! `owner:{owner}:{newest first}:{id}`. The API's own list comes from the dispatcher, which knows new videos at once
//! and can page in both directions.

use thiserror::Error;
use worker::Env;

use super::kv::Kv;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::Record;
use crate::video::time::Millis;

const BINDING: &str = "TASKS";

/// KV's minimum.
const MIN_TTL_SECONDS: u64 = 60;

/// The last unix second with ten digits.
const LAST_SECOND: i64 = 9_999_999_999;

pub struct Records {
    kv: Kv,
}

#[derive(Debug, Error)]
pub enum RecordError {
    #[error("KV: {0}")]
    Kv(#[from] worker::Error),
    #[error("a record cannot be written: {0}")]
    Write(#[from] serde_json::Error),
    #[error("a stored record cannot be read at column {}", .0.column())]
    Read(serde_json::Error),
}

impl Records {
    /// # Errors
    /// If the binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { kv: Kv::bound(env, BINDING)? })
    }

    /// Reads a key that does not exist, to see whether KV answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn check(&self) -> worker::Result<()> {
        self.kv.get("health").await.map(|_| ())
    }

    /// The published record as JSON; KV may lag by up to a minute.
    ///
    /// # Errors
    /// [`RecordError::Kv`].
    pub async fn get(&self, id: &VideoId) -> Result<Option<String>, RecordError> {
        Ok(self.kv.get(&key(id)).await?)
    }

    /// Up to 100 published records, in one operation.
    ///
    /// # Errors
    /// [`RecordError`].
    pub async fn get_all(&self, ids: &[VideoId]) -> Result<Vec<Option<Record>>, RecordError> {
        // KV refuses a question about nothing.
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = ids.iter().map(key).collect();
        let texts = self.kv.get_all(&keys).await?;
        let read = |text: Option<String>| {
            text.map(|text| serde_json::from_str(&text)).transpose().map_err(RecordError::Read)
        };
        texts.into_iter().map(read).collect()
    }

    /// Publishes a record and its index entry; KV deletes both after `retention`.
    ///
    /// # Errors
    /// [`RecordError`], for instance because KV accepts only one write per second for a key.
    pub async fn put(&self, record: &Record, owner: &Owner, retention: Millis) -> Result<(), RecordError> {
        let ttl_seconds = retention.seconds().max(MIN_TTL_SECONDS);
        // For tools that list the keys.
        let metadata =
            format!(r#"{{"status":"{}","created_at":{}}}"#, record.status.as_str(), record.created_at);
        let text = serde_json::to_string(record)?;
        self.kv.put(&key(&record.id), &text, ttl_seconds, Some(&metadata)).await?;
        if let Some(key) = owner_key(owner, record) {
            self.kv.put(&key, "", ttl_seconds, None).await?;
        }
        Ok(())
    }

    /// # Errors
    /// [`RecordError::Kv`].
    pub async fn delete(&self, id: &VideoId) -> Result<(), RecordError> {
        Ok(self.kv.delete(&key(id)).await?)
    }

    /// Removes the record from the owner's index.
    ///
    /// # Errors
    /// [`RecordError::Kv`].
    pub async fn delete_owner_entry(&self, record: &Record, owner: &Owner) -> Result<(), RecordError> {
        match owner_key(owner, record) {
            Some(key) => Ok(self.kv.delete(&key).await?),
            None => Ok(()),
        }
    }
}

fn key(id: &VideoId) -> String {
    format!("video:{id}")
}

/// Newest first. Videos without an owner are in no index.
fn owner_key(owner: &Owner, record: &Record) -> Option<String> {
    let until_last = LAST_SECOND.saturating_sub(record.created_at);
    (!owner.is_nobody()).then(|| format!("owner:{owner}:{until_last:010}:{}", record.id))
}
