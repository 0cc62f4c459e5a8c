//! The list of each owner's videos, in the dispatcher's `SQLite`, from the acceptance of a video until its removal.
//! The cost of a page does not depend on the length of the list.

use worker::Result;
use worker::js_sys::Array;

use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::listing::{ListPosition, Listing, Page, Start};
use crate::video::task::VideoOwnership;

/// The position of a removed video is kept for a while. `created_at` is in unix seconds; `ticket` orders videos of the same second
/// by arrival.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS owned (
        ticket INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS owned_in_order ON owned (owner, created_at, ticket);
    CREATE TABLE IF NOT EXISTS removed_place (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        ticket INTEGER NOT NULL
    );";

/// Removed videos whose position is kept, because a client that pages through the list may continue there.
const MAX_REMOVED: u32 = 10_000;

pub struct OwnedVideos<'a> {
    storage: &'a ObjectStorage,
}

impl<'a> OwnedVideos<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(storage: &'a ObjectStorage) -> Result<Self> {
        storage.ensure_tables(SCHEMA)?;
        Ok(Self { storage })
    }

    /// Idempotent. Videos without an owner are in no list.
    pub fn add(&self, VideoOwnership { id, owner, created_at }: &VideoOwnership) -> Result<()> {
        if owner.is_nobody() {
            return Ok(());
        }
        let values = [text_to_js(id.as_str()), text_to_js(owner.as_str()), integer_to_js(*created_at)];
        let statement = "INSERT OR IGNORE INTO owned (id, owner, created_at) VALUES (?, ?, ?)";
        self.storage.sql(statement, &values).map(|_| ())
    }

    pub fn remove(&self, id: &VideoId) -> Result<()> {
        let keep = "INSERT OR IGNORE INTO removed_place (id, owner, created_at, ticket)
            SELECT id, owner, created_at, ticket FROM owned WHERE id = ?";
        self.storage.sql(keep, &[text_to_js(id.as_str())])?;
        let forget = format!(
            "DELETE FROM removed_place WHERE number <= (SELECT MAX(number) FROM removed_place) - {MAX_REMOVED}"
        );
        self.storage.sql(&forget, &[])?;
        self.storage.sql("DELETE FROM owned WHERE id = ?", &[text_to_js(id.as_str())]).map(|_| ())
    }

    /// `None` if the owner does not have the video at which the page starts, and did not have it lately.
    pub fn page(&self, owner: &Owner, listing: &Listing) -> Result<Option<Page>> {
        let (comparison, order) = if listing.oldest_first { (">", "ASC") } else { ("<", "DESC") };
        let mut values = vec![text_to_js(owner.as_str())];
        let mut condition = String::new();
        let start = match &listing.start {
            Start::First => None,
            Start::AfterPosition(position) => Some(*position),
            Start::After(id) => {
                let query = "SELECT id, created_at, ticket FROM owned WHERE owner = ?1 AND id = ?2
                    UNION ALL SELECT id, created_at, ticket FROM removed_place WHERE owner = ?1 AND id = ?2";
                let found =
                    self.storage.sql(query, &[text_to_js(owner.as_str()), text_to_js(id.as_str())])?;
                let Some(row) = found.first() else { return Ok(None) };
                Some(list_position(row))
            }
        };
        if let Some(ListPosition { created_at, ticket }) = start {
            values.extend([integer_to_js(created_at), integer_to_js(ticket)]);
            condition = format!("AND (created_at, ticket) {comparison} (?, ?)");
        }
        // One row more than the limit shows whether the list goes on.
        let query = format!(
            "SELECT id, created_at, ticket FROM owned WHERE owner = ? {condition}
            ORDER BY created_at {order}, ticket {order} LIMIT {}",
            listing.limit.saturating_add(1)
        );
        let mut rows = self.storage.sql(&query, &values)?;
        let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let id = |row: &Array| row.get(0).as_string().map(VideoId::from_stored);
        Ok(Some(Page {
            ids: rows.iter().filter_map(id).collect(),
            end: rows.last().filter(|_| has_more).map(list_position),
        }))
    }
}

/// Reads the position from a row of id, `created_at` and `ticket`.
fn list_position(row: &Array) -> ListPosition {
    ListPosition { created_at: integer_from_js(&row.get(1)), ticket: integer_from_js(&row.get(2)) }
}
