//! Whose each video is, kept in the dispatcher's `SQLite`: the list of an owner's videos, right from the moment a
//! job is taken until it is removed. A page costs the same however many there are.

use worker::Result;
use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;

use super::object_storage::{ObjectStorage, js_seconds};
use crate::video::id::VideoId;
use crate::video::listing::Listing;
use crate::video::owner::Owner;
use crate::video::task::Owned;

/// `created_at` is in unix seconds; `ticket` keeps those of one second in the order of their arrival.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS owned (
        ticket INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS owned_in_order ON owned (owner, created_at, ticket);";

pub struct OwnedVideos<'a> {
    storage: &'a ObjectStorage,
}

impl<'a> OwnedVideos<'a> {
    /// Fails when `SQLite` does; so does everything else.
    pub fn open(storage: &'a ObjectStorage) -> Result<Self> {
        storage.sql(SCHEMA, &[])?;
        Ok(Self { storage })
    }

    /// Again changes nothing. Videos of nobody are in no list.
    pub fn add(&self, Owned { id, owner, created_at }: &Owned) -> Result<()> {
        if owner.is_nobody() {
            return Ok(());
        }
        let values = [text(id.as_str()), text(owner.as_str()), js_seconds(*created_at)];
        let statement = "INSERT OR IGNORE INTO owned (id, owner, created_at) VALUES (?, ?, ?)";
        self.storage.sql(statement, &values).map(|_| ())
    }

    pub fn remove(&self, id: &VideoId) -> Result<()> {
        self.storage.sql("DELETE FROM owned WHERE id = ?", &[text(id.as_str())]).map(|_| ())
    }

    /// The ids of a page, and whether more come behind it; `None` when the owner has no such video as they are
    /// to come behind.
    pub fn page(&self, owner: &Owner, listing: &Listing) -> Result<Option<(Vec<VideoId>, bool)>> {
        let (is_behind, order) = if listing.oldest_first { (">", "ASC") } else { ("<", "DESC") };
        let mut values = vec![text(owner.as_str())];
        let mut behind = String::new();
        if let Some(after) = &listing.after {
            let query = "SELECT created_at, ticket FROM owned WHERE owner = ? AND id = ?";
            let place = self.storage.sql(query, &[text(owner.as_str()), text(after.as_str())])?;
            let Some(place) = place.first() else { return Ok(None) };
            values.extend([place.get(0), place.get(1)]);
            behind = format!("AND (created_at, ticket) {is_behind} (?, ?)");
        }
        // One more than is shown tells whether there are more.
        let query = format!(
            "SELECT id FROM owned WHERE owner = ? {behind} ORDER BY created_at {order}, ticket {order} LIMIT {}",
            listing.limit.saturating_add(1)
        );
        let id = |row: Array| row.get(0).as_string().map(VideoId::from_stored);
        let mut ids: Vec<VideoId> = self.storage.sql(&query, &values)?.into_iter().filter_map(id).collect();
        let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        let has_more = ids.len() > limit;
        ids.truncate(limit);
        Ok(Some((ids, has_more)))
    }
}

fn text(text: &str) -> JsValue {
    JsValue::from_str(text)
}
