//! The lists of videos, in the dispatcher's `SQLite`, from the acceptance of a video until its removal: the list of each
//! owner, and the operator's list of all owners. The cost of a page does not depend on the length of the list, with
//! filters neither: each column of a filter stands in an index.

use worker::Result;
use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::record::Status;
use crate::video::record::listing::{Filter, ListPosition, Listing, Page, Start};
use crate::video::task::VideoOwnership;

/// The position of a removed video is kept for a while. `created_at` is in unix seconds; `ticket` orders videos of the
/// same second by arrival. `status` is that of a video that has ended, and null before: only its object knows how it
/// stands now. Rows of earlier versions have neither status nor model until they end. `counted` and `spent` are what
/// usage has counted of the video: the [`Counter`](crate::video::usage::Counter) of its end, empty before the end, null
/// if not even its submit; and micro-dollars.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS owned (
        ticket INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        model TEXT,
        status TEXT,
        request_id TEXT,
        counted TEXT,
        spent INTEGER
    );
    CREATE INDEX IF NOT EXISTS owned_in_order ON owned (owner, created_at, ticket);
    CREATE INDEX IF NOT EXISTS owned_by_status ON owned (owner, status, created_at, ticket);
    CREATE INDEX IF NOT EXISTS owned_by_model ON owned (owner, model, status, created_at, ticket);
    CREATE TABLE IF NOT EXISTS removed_place (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        ticket INTEGER NOT NULL
    );
    SELECT request_id, counted, spent FROM owned LIMIT 0;";

/// For the operator's lists. Its first list creates them, so that videos of a deployment without such lists do not write
/// them.
const OPERATOR_INDICES: &str = "
    CREATE INDEX IF NOT EXISTS all_in_order ON owned (created_at, ticket);
    CREATE INDEX IF NOT EXISTS all_by_status ON owned (status, created_at, ticket);
    CREATE INDEX IF NOT EXISTS all_by_model ON owned (model, status, created_at, ticket);
    CREATE INDEX IF NOT EXISTS all_by_request ON owned (request_id);";

/// The columns that earlier versions did not have.
const ADDED_COLUMNS: [(&str, &str); 5] = [
    ("model", "TEXT"),
    ("status", "TEXT"),
    ("request_id", "TEXT"),
    ("counted", "TEXT"),
    ("spent", "INTEGER"),
];

/// The value of `counted` for a video of which only the submit is counted.
pub const NOT_ENDED: &str = "";

/// Removed videos whose position is kept, because a client that pages through the list may continue there.
const MAX_REMOVED: u32 = 10_000;

pub struct OwnedVideos<'a> {
    storage: &'a ObjectStorage,
    keeps_all: bool,
}

impl<'a> OwnedVideos<'a> {
    /// Videos without an owner are only in the operator's list: with `keeps_all` they are stored too. Fails if `SQLite`
    /// fails, like all methods.
    pub fn open(storage: &'a ObjectStorage, keeps_all: bool) -> Result<Self> {
        if storage.ensure_tables(SCHEMA).is_err() {
            // The table of an earlier version lacks a column that the schema names.
            storage.add_missing_columns("owned", &ADDED_COLUMNS)?;
            storage.ensure_tables(SCHEMA)?;
        }
        Ok(Self { storage, keeps_all })
    }

    /// Returns whether the video is new.
    pub fn add(&self, video: &VideoOwnership) -> Result<bool> {
        self.add_if(video, "TRUE")
    }

    /// Like [`add`](Self::add), for a message that may arrive after the video's removal.
    pub fn add_unless_removed(&self, video: &VideoOwnership) -> Result<bool> {
        self.add_if(video, "NOT EXISTS (SELECT 1 FROM removed_place WHERE id = ?1)")
    }

    fn add_if(&self, video: &VideoOwnership, condition: &str) -> Result<bool> {
        let VideoOwnership { id, owner, created_at, model, request_id } = video;
        if !self.keeps(owner) {
            return Ok(false);
        }
        let statement = format!(
            "INSERT OR IGNORE INTO owned (id, owner, created_at, model, request_id, counted)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE {condition} RETURNING ticket"
        );
        let [id, owner, model] = [id.as_str(), owner.as_str(), model].map(text_to_js);
        let request_id = request_id.as_deref().filter(|_| self.keeps_all).map_or(JsValue::NULL, text_to_js);
        let counted = if self.keeps_all { text_to_js(NOT_ENDED) } else { JsValue::NULL };
        let values = [id, owner, integer_to_js(*created_at), model, request_id, counted];
        Ok(!self.storage.sql(&statement, &values)?.is_empty())
    }

    fn keeps(&self, owner: &Owner) -> bool {
        self.keeps_all || !owner.is_nobody()
    }

    /// What is stored of a video; `None` if it is in no list.
    pub fn row(&self, id: &VideoId) -> Result<Option<Row>> {
        let query = "SELECT owner, created_at, model, counted, spent FROM owned WHERE id = ?";
        let rows = self.storage.sql(query, &[text_to_js(id.as_str())])?;
        Ok(rows.first().map(|row| Row {
            owner: Owner::from_stored(row.get(0).as_string()),
            created_at: integer_from_js(&row.get(1)),
            model: row.get(2).as_string().unwrap_or_default(),
            counted: row.get(3).as_string(),
            spent: row.get(4).as_f64().map(|_| integer_from_js(&row.get(4))),
        }))
    }

    /// Stores the status of a video that has ended, and how usage counts it; `None` leaves that as it is.
    pub fn end(&self, video: &VideoOwnership, status: Status, counted: Option<&str>) -> Result<()> {
        if !self.keeps(&video.owner) {
            return Ok(());
        }
        let statement = "UPDATE owned SET status = ?, model = ?, counted = COALESCE(?, counted) WHERE id = ?";
        let [status, model, id] = [status.as_str(), &video.model, video.id.as_str()].map(text_to_js);
        let counted = counted.map_or(JsValue::NULL, text_to_js);
        self.storage.sql(statement, &[status, model, counted, id]).map(|_| ())
    }

    /// The video goes on, although it had ended.
    pub fn resume(&self, id: &VideoId) -> Result<()> {
        let statement =
            "UPDATE owned SET status = NULL, counted = IIF(counted IS NULL, NULL, '') WHERE id = ?";
        self.storage.sql(statement, &[text_to_js(id.as_str())]).map(|_| ())
    }

    /// Stores what usage has counted of the video's money, in micro-dollars.
    pub fn set_spent(&self, id: &VideoId, micros: i64) -> Result<()> {
        let values = [integer_to_js(micros), text_to_js(id.as_str())];
        self.storage.sql("UPDATE owned SET spent = ? WHERE id = ?", &values).map(|_| ())
    }

    /// The video that a request created.
    pub fn of_request(&self, request_id: &str) -> Result<Page> {
        self.storage.ensure_tables(OPERATOR_INDICES)?;
        let query = "SELECT id, created_at, ticket, owner FROM owned WHERE request_id = ? LIMIT 1";
        Ok(page_of_rows(&self.storage.sql(query, &[text_to_js(request_id)])?, None))
    }

    /// Whether the video was in a list and was removed lately.
    pub fn was_removed(&self, id: &VideoId) -> Result<bool> {
        let query = "SELECT 1 FROM removed_place WHERE id = ?";
        Ok(!self.storage.sql(query, &[text_to_js(id.as_str())])?.is_empty())
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

    /// Forgets which videos of this owner were removed.
    pub fn forget_removed(&self, owner: &Owner) -> Result<()> {
        let statement = "DELETE FROM removed_place WHERE owner = ?";
        self.storage.sql(statement, &[text_to_js(owner.as_str())]).map(|_| ())
    }

    /// All videos that may be wanted: besides those that fit the filter, those whose status or model is not stored. `None`
    /// if the owner does not have the video at which the page starts, and did not have it lately.
    pub fn page(&self, owner: &Owner, listing: &Listing) -> Result<Option<Page>> {
        self.page_of(Some(owner), listing)
    }

    /// The same for the videos of one client, or of all and of nobody.
    pub fn page_for_operator(&self, client: Option<&Owner>, listing: &Listing) -> Result<Option<Page>> {
        self.storage.ensure_tables(OPERATOR_INDICES)?;
        self.page_of(client, listing)
    }

    fn page_of(&self, owner: Option<&Owner>, listing: &Listing) -> Result<Option<Page>> {
        let owner_to_js = owner.map(|owner| text_to_js(owner.as_str()));
        let start = match &listing.start {
            Start::First => None,
            Start::AfterPosition(position) => Some(*position),
            Start::After(id) => {
                let condition = if owner.is_some() { "id = ?1 AND owner = ?2" } else { "id = ?1" };
                let query = format!(
                    "SELECT id, created_at, ticket FROM owned WHERE {condition}
                    UNION ALL SELECT id, created_at, ticket FROM removed_place WHERE {condition}"
                );
                let values: Vec<JsValue> =
                    std::iter::once(text_to_js(id.as_str())).chain(owner_to_js.clone()).collect();
                let found = self.storage.sql(&query, &values)?;
                let Some(row) = found.first() else { return Ok(None) };
                Some(list_position(row))
            }
        };
        let mut query = PageQuery::default();
        if let Some(owner) = owner_to_js {
            query.require("owner", owner);
        }
        let mut rows = self.storage.sql(&query.text(listing, start), &query.values)?;
        let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let end = rows.last().filter(|_| has_more).map(list_position);
        Ok(Some(page_of_rows(&rows, end)))
    }
}

/// What is stored of a video, besides its place in the lists.
pub struct Row {
    pub owner: Owner,
    /// Unix seconds.
    pub created_at: i64,
    pub model: String,
    /// The counter of its end, [`NOT_ENDED`], or `None` if usage has not counted it.
    pub counted: Option<String>,
    /// What usage has counted of its money, in micro-dollars.
    pub spent: Option<i64>,
}

/// Reads rows of id, `created_at`, `ticket` and owner.
fn page_of_rows(rows: &[Array], end: Option<ListPosition>) -> Page {
    let id = |row: &Array| row.get(0).as_string().map(VideoId::from_stored);
    Page {
        ids: rows.iter().filter_map(id).collect(),
        owners: rows.iter().map(|row| Owner::from_stored(row.get(3).as_string())).collect(),
        end,
    }
}

/// The query of a page.
#[derive(Default)]
struct PageQuery {
    conditions: String,
    values: Vec<JsValue>,
}

impl PageQuery {
    /// Returns the condition that a column has this value.
    fn is(&mut self, column: &str, value: JsValue) -> String {
        self.values.push(value);
        format!(" AND {column} = ?{}", self.values.len())
    }

    fn require(&mut self, column: &str, value: JsValue) {
        let condition = self.is(column, value);
        self.conditions.push_str(&condition);
    }

    /// One row more than the limit shows whether the list goes on.
    fn text(&mut self, listing: &Listing, start: Option<ListPosition>) -> String {
        let (comparison, order) = if listing.oldest_first { (">", "ASC") } else { ("<", "DESC") };
        let order =
            format!("ORDER BY created_at {order}, ticket {order} LIMIT {}", listing.limit.saturating_add(1));
        let mut range = String::new();
        if let Some(ListPosition { created_at, ticket }) = start {
            range = format!(" AND (created_at, ticket) {comparison} ({created_at}, {ticket})");
        }
        if let Some(after) = listing.filter.created_after {
            range = format!("{range} AND created_at > {after}");
        }
        let model = listing.filter.model.as_deref().map(|model| self.is("model", text_to_js(model)));
        let owner = &self.conditions;
        let parts = parts_of(&listing.filter, model.as_deref()).into_iter().map(|part| {
            format!("SELECT id, created_at, ticket, owner FROM owned WHERE TRUE{owner}{part}{range} {order}")
        });
        let parts: Vec<String> = parts.collect();
        match &parts[..] {
            [part] => part.clone(),
            parts => format!("SELECT * FROM ({}) {order}", parts.join(") UNION ALL SELECT * FROM (")),
        }
    }
}

/// The parts of an index that hold the videos of a filter: at most five, as many as a query of the runtime may join.
/// `model` is the condition for the model.
fn parts_of(Filter { status, unfinished, .. }: &Filter, model: Option<&str>) -> Vec<String> {
    let is = |status: Status| format!("'{}'", status.as_str());
    let ended = Status::ALL.into_iter().filter(|status| status.is_final());
    let mut statuses: Vec<String> = match status {
        Some(status) => [*status].into_iter().filter(|status| status.is_final()).map(is).collect(),
        None if *unfinished => Vec::new(),
        None if model.is_some() => ended.map(is).collect(),
        None => return vec![String::new()],
    };
    statuses.push("NULL".to_owned());
    let condition = model.unwrap_or_default();
    let mut parts: Vec<String> =
        statuses.iter().map(|status| format!("{condition} AND status IS {status}")).collect();
    if model.is_some() {
        parts.push(" AND model IS NULL AND status IS NULL".to_owned());
    }
    parts
}

/// Reads the position from a row of id, `created_at` and `ticket`.
fn list_position(row: &Array) -> ListPosition {
    ListPosition { created_at: integer_from_js(&row.get(1)), ticket: integer_from_js(&row.get(2)) }
}
