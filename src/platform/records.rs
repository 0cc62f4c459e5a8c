//! KV: the published record of each video, under `video:{id}`; and, for whoever looks into the store with other
//! tools, whose it is, under `owner:{owner}:{newest first}:{id}`. The API's own list comes from the dispatcher,
//! which knows a new video at once, and can begin behind any of them and go either way.

use std::collections::HashMap;

use thiserror::Error;
use worker::{Env, KvStore};

use crate::video::id::VideoId;
use crate::video::owner::Owner;
use crate::video::record::{Record, RecordMetadata};
use crate::video::time::Millis;

const BINDING: &str = "TASKS";

/// KV takes no shorter ones.
const MIN_TTL_SECONDS: u64 = 60;

/// Of the unix seconds that have ten digits.
const LAST_SECOND: i64 = 9_999_999_999;

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

    /// Those of these records, at most 100, that are published: one operation.
    ///
    /// # Errors
    /// [`RecordError`].
    pub async fn get_all(&self, ids: &[VideoId]) -> Result<HashMap<String, Record>, RecordError> {
        let keys: Vec<String> = ids.iter().map(key).collect();
        let texts = self.kv.get_bulk(&keys).text().await?;
        let read = |text: String| {
            let record: Record = serde_json::from_str(&text)?;
            Ok((record.id.to_string(), record))
        };
        texts.into_values().flatten().map(read).collect()
    }

    /// Publishes a record, and that it is its owner's; KV forgets both after `retention`.
    ///
    /// # Errors
    /// [`RecordError`], for instance when KV's one write a second for a key is used up.
    pub async fn put(&self, record: &Record, owner: &Owner, retention: Millis) -> Result<(), RecordError> {
        let metadata = RecordMetadata { status: record.status, created_at: record.created_at };
        // As bytes: `put` would bring a serializer for any value whatever.
        let put = self.kv.put_bytes(&key(&record.id), &serde_json::to_vec(record)?)?;
        let ttl_seconds = retention.seconds().max(MIN_TTL_SECONDS);
        put.metadata(metadata)?.expiration_ttl(ttl_seconds).execute().await?;
        if let Some(key) = owner_key(owner, record.created_at, &record.id) {
            self.kv.put_bytes(&key, &[])?.expiration_ttl(ttl_seconds).execute().await?;
        }
        Ok(())
    }

    /// # Errors
    /// [`RecordError::Kv`].
    pub async fn delete(&self, id: &VideoId) -> Result<(), RecordError> {
        Ok(self.kv.delete(&key(id)).await?)
    }

    /// # Errors
    /// [`RecordError::Kv`].
    pub async fn disown(&self, record: &Record, owner: &Owner) -> Result<(), RecordError> {
        match owner_key(owner, record.created_at, &record.id) {
            Some(key) => Ok(self.kv.delete(&key).await?),
            None => Ok(()),
        }
    }
}

fn key(id: &VideoId) -> String {
    format!("video:{id}")
}

/// The newest come first. Nobody has no list.
fn owner_key(owner: &Owner, created_at: i64, id: &VideoId) -> Option<String> {
    let age = LAST_SECOND.saturating_sub(created_at);
    (!owner.is_nobody()).then(|| format!("owner:{owner}:{age:010}:{id}"))
}
