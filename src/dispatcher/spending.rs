//! Spent and reserved money per day, in the dispatcher's `SQLite`. All methods are synchronous, so each call is one
//! transaction: concurrent submits cannot exceed the budget together.

mod totals;

use worker::Result;
use worker::wasm_bindgen::JsValue;

use self::totals::Amounts;
pub use self::totals::SpendingTotals;
use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::money::Usd;
use crate::video::money::budget::{Day, Limits, Shortage};
use crate::video::money::ledger::{self, Entry, State};
use crate::video::task::VideoOwnership;
use crate::video::time::UnixMillis;

/// One row per video: its [`ledger`] entry for a `day` (counted from the Unix epoch). Rows of spent money stay until
/// a video is removed on a later day, so that late messages about a video find its row.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS spending (
        id TEXT UNIQUE,
        owner TEXT NOT NULL,
        day INTEGER NOT NULL,
        micros INTEGER NOT NULL,
        is_spent INTEGER NOT NULL,
        model TEXT
    );
    CREATE INDEX IF NOT EXISTS spending_of_day ON spending (day, owner, is_spent, micros);
    SELECT model FROM spending LIMIT 0;";

/// Rows of past days that are deleted with each removed video: more than one, so that none stay, and few, so that no message
/// waits long after midnight.
const MAX_OLD_ROWS: u32 = 10;

/// The values of the column `is_spent`.
const STATES: [(i64, State); 3] = [(0, State::Reserved), (1, State::Spent), (2, State::Assumed)];

/// A change of a video's entry.
pub struct EntryChange {
    pub before: Option<Entry>,
    pub after: Option<Entry>,
}

pub struct Spending<'a> {
    storage: &'a ObjectStorage,
    totals: &'a SpendingTotals,
    today: Day,
}

impl<'a> Spending<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(storage: &'a ObjectStorage, totals: &'a SpendingTotals, now: UnixMillis) -> Result<Self> {
        if storage.ensure_tables(SCHEMA).is_err() {
            // The table of an earlier version lacks a column that the schema names.
            storage.add_missing_columns("spending", &[("model", "TEXT")])?;
            storage.ensure_tables(SCHEMA)?;
        }
        Ok(Self { storage, totals, today: Day::of(now) })
    }

    /// Reserves the price of a video that was not accepted yet, once, or says why it cannot be afforded.
    pub fn reserve(
        &self,
        video: &VideoOwnership,
        price: Option<Usd>,
        limits: &Limits,
    ) -> Result<Option<Shortage>> {
        let entry = self.entry(&video.id)?;
        let Some(reserved) = ledger::reserved_of(entry, price) else { return Ok(None) };
        let day = entry.map_or(self.today, |entry| entry.day);
        let (all, own) = self.totals.of(self.storage, day, &video.owner)?;
        let missing = price.map(|price| price.minus(reserved));
        if let Some(shortage) = limits.shortage(missing, all.sum(), own.sum()) {
            return Ok(Some(shortage));
        }
        let price = price.unwrap_or_default();
        self.change(video, |entry| Some(ledger::raise(entry, price, self.today))).map(|_| None)
    }

    /// Reserves the price of an accepted video without checking the limits, unless it has an entry.
    pub fn reserve_unchecked(&self, video: &VideoOwnership, price: Usd) -> Result<()> {
        self.change(video, |entry| Some(ledger::reserve(entry, price, self.today))).map(|_| ())
    }

    /// A job has released its slot; its `cost` may not be known yet.
    pub fn settle(&self, video: &VideoOwnership, cost: Option<Usd>) -> Result<Option<EntryChange>> {
        let created = Day::of(UnixMillis::new(video.created_at.saturating_mul(1000)));
        self.change(video, |entry| ledger::settle(entry, cost, created))
    }

    /// The video was never accepted, or has no job. Returns the amount that was reserved.
    pub fn release(&self, id: &VideoId) -> Result<Usd> {
        match self.owned_entry(id)? {
            Some((owner, entry)) if ledger::release(Some(entry)).is_none() => {
                self.run("DELETE FROM spending WHERE id = ?", &[text_to_js(id.as_str())])?;
                self.totals.apply(&owner, &EntryChange { before: Some(entry), after: None });
                Ok(entry.amount)
            }
            _ => Ok(Usd::default()),
        }
    }

    /// The video is removed. An unknown cost counts as spent.
    pub fn forget(&self, video: &VideoOwnership) -> Result<Option<EntryChange>> {
        let change = self.change(video, ledger::forget)?;
        let statement = format!(
            "DELETE FROM spending WHERE rowid IN
             (SELECT rowid FROM spending WHERE day < ? AND is_spent > 0 LIMIT {MAX_OLD_ROWS})"
        );
        self.run(&statement, &[integer_to_js(self.today.number())])?;
        Ok(change)
    }

    /// Applies a change to a video's entry. Owner and model are only written with a new entry.
    fn change(
        &self,
        VideoOwnership { id, owner, model, .. }: &VideoOwnership,
        change: impl FnOnce(Option<Entry>) -> Option<Entry>,
    ) -> Result<Option<EntryChange>> {
        let before = self.entry(id)?;
        let after = change(before);
        match after {
            _ if before == after => return Ok(None),
            None => self.run("DELETE FROM spending WHERE id = ?", &[text_to_js(id.as_str())])?,
            Some(Entry { day, amount, state }) => self.run(
                "INSERT INTO spending (id, owner, day, micros, is_spent, model)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (id) DO UPDATE SET day = ?3, micros = ?4, is_spent = ?5",
                &[
                    text_to_js(id.as_str()),
                    text_to_js(owner.as_str()),
                    integer_to_js(day.number()),
                    amount_to_js(amount),
                    state_to_js(state),
                    text_to_js(model),
                ],
            )?,
        }
        let change = EntryChange { before, after };
        self.totals.apply(owner, &change);
        Ok(Some(change))
    }

    fn entry(&self, id: &VideoId) -> Result<Option<Entry>> {
        Ok(self.owned_entry(id)?.map(|(_, entry)| entry))
    }

    fn owned_entry(&self, id: &VideoId) -> Result<Option<(Owner, Entry)>> {
        let query = "SELECT owner, day, micros, is_spent FROM spending WHERE id = ?";
        let rows = self.storage.sql(query, &[text_to_js(id.as_str())])?;
        Ok(rows.first().map(|row| {
            let [day, micros, state] = [1, 2, 3].map(|column| integer_from_js(&row.get(column)));
            let known = STATES.into_iter().find(|(written, _)| *written == state);
            let entry = Entry {
                day: Day::numbered(day),
                amount: Usd::from_micros(u64::try_from(micros).unwrap_or_default()),
                state: known.map_or(State::Spent, |(_, state)| state),
            };
            (Owner::from_stored(row.get(0).as_string()), entry)
        }))
    }

    /// What the owner has spent and reserved today.
    pub fn usage(&self, owner: &Owner) -> Result<Amounts> {
        Ok(self.totals.of(self.storage, self.today, owner)?.1)
    }

    /// The same for all owners together.
    pub fn usage_of_all(&self) -> Result<Amounts> {
        Ok(self.totals.of(self.storage, self.today, &Owner::nobody())?.0)
    }

    fn run(&self, statement: &str, values: &[JsValue]) -> Result<()> {
        self.storage.sql(statement, values).map(|_| ())
    }
}

fn state_to_js(state: State) -> JsValue {
    integer_to_js(STATES.into_iter().find(|(_, known)| *known == state).map_or(1, |(written, _)| written))
}

fn amount_to_js(amount: Usd) -> JsValue {
    integer_to_js(i64::try_from(amount.micros()).unwrap_or(i64::MAX))
}
