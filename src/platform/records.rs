//! KV: the published record of each video, under `video:{id}`.

use thiserror::Error;
use worker::{Env, KvStore};

use crate::video::id::VideoId;
use crate::video::record::{Record, RecordMetadata};
use crate::video::time::Millis;

const BINDING: &str = "TASKS";

/// KV takes no shorter ones.
const MIN_TTL_SECONDS: u64 = 60;

pub struct Records {
    kv: KvStore,
}

#[derive(Debug, Error)]
pub enum RecordError {
    #[error("KV: {0}")]
    Kv(#[from] worker::KvError),
    #[error("a stored record cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

impl Records {
    /// # Errors
    /// When the binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { kv: env.kv(BINDING)? })
    }

    /// The record as it was last published; KV may lag up to a minute behind.
    ///
    /// # Errors
    /// [`RecordError`].
    pub async fn get(&self, id: &VideoId) -> Result<Option<Record>, RecordError> {
        let Some(text) = self.kv.get(&key(id)).text().await? else { return Ok(None) };
        Ok(Some(serde_json::from_str(&text)?))
    }

    /// Publishes a record; KV forgets it after `retention`.
    ///
    /// # Errors
    /// [`RecordError`], for instance when KV's one write a second for a key is used up.
    pub async fn put(&self, record: &Record, retention: Millis) -> Result<(), RecordError> {
        let metadata = RecordMetadata { status: record.status, created_at: record.created_at };
        // As bytes: `put` would bring a serializer for any value whatever.
        let put = self.kv.put_bytes(&key(&record.id), &serde_json::to_vec(record)?)?;
        let ttl_seconds = retention.seconds().max(MIN_TTL_SECONDS);
        put.metadata(metadata)?.expiration_ttl(ttl_seconds).execute().await?;
        Ok(())
    }

    /// # Errors
    /// [`RecordError::Kv`].
    pub async fn delete(&self, id: &VideoId) -> Result<(), RecordError> {
        Ok(self.kv.delete(&key(id)).await?)
    }
}

fn key(id: &VideoId) -> String {
    format!("video:{id}")
}
