//! What was spent and what is reserved, day by day, kept in the dispatcher's `SQLite`. Everything here is
//! synchronous, so each call is one transaction: of any number of submits at once, only those are let in that the
//! budget can pay.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use super::object_storage::{ObjectStorage, js_text, js_whole, whole};
use crate::video::budget::{Day, Limits, Shortage};
use crate::video::id::VideoId;
use crate::video::money::Usd;
use crate::video::owner::Owner;
use crate::video::task::Owned;
use crate::video::time::UnixMillis;

/// A row for what each video takes of a `day` (counted from the Unix epoch), reserved until it `is_spent`. When
/// the video is forgotten its row has no `id` any more, and goes when its day is over.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS spending (
        id TEXT UNIQUE,
        owner TEXT NOT NULL,
        day INTEGER NOT NULL,
        micros INTEGER NOT NULL,
        is_spent INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS spending_of_day ON spending (day, owner, is_spent, micros);
    CREATE INDEX IF NOT EXISTS spending_forgotten ON spending (day) WHERE id IS NULL;";

pub struct Spending<'a> {
    storage: &'a ObjectStorage,
    today: Day,
}

impl<'a> Spending<'a> {
    /// Fails when `SQLite` does; so does everything else.
    pub fn open(storage: &'a ObjectStorage, now: UnixMillis) -> Result<Self> {
        storage.have_tables(SCHEMA)?;
        Ok(Self { storage, today: Day::of(now) })
    }

    /// Reserves the price of a video, once, or says why it cannot be afforded.
    pub fn reserve(
        &self,
        id: &VideoId,
        owner: &Owner,
        price: Option<Usd>,
        limits: &Limits,
    ) -> Result<Option<Shortage>> {
        let known = self.storage.sql("SELECT 1 FROM spending WHERE id = ?", &[js_text(id.as_str())])?;
        if !known.is_empty() {
            return Ok(None);
        }
        let query = "SELECT SUM(micros), SUM(micros * (owner = ?)) FROM spending WHERE day = ?";
        let [all, own] = self.sums(query, &[js_text(owner.as_str()), self.today()])?;
        if let Some(shortage) = limits.shortage(price, all, own) {
            return Ok(Some(shortage));
        }
        self.expect(id, owner, price.unwrap_or_default()).map(|()| None)
    }

    /// Reserves the price of a video that is on its way already, if nobody has.
    pub fn expect(&self, id: &VideoId, owner: &Owner, price: Usd) -> Result<()> {
        let values = [js_text(id.as_str()), js_text(owner.as_str()), self.today(), number(price)];
        self.run("INSERT OR IGNORE INTO spending VALUES (?, ?, ?, ?, 0)", &values)
    }

    /// A job is over, as far as its place goes; its `cost` may not be known yet. What was spent stays as it is.
    pub fn settle(&self, Owned { id, owner, created_at }: &Owned, cost: Option<Usd>) -> Result<()> {
        let Some(cost) = cost else { return Ok(()) };
        if cost == Usd::default() {
            return self.release(id);
        }
        let day = Day::of(UnixMillis::new(created_at.saturating_mul(1000)));
        let statement = "INSERT INTO spending VALUES (?1, ?2, ?3, ?4, 1)
            ON CONFLICT (id) DO UPDATE SET micros = ?4, is_spent = 1 WHERE is_spent = 0";
        let values = [js_text(id.as_str()), js_text(owner.as_str()), js_whole(day.number()), number(cost)];
        self.run(statement, &values)
    }

    /// It costs nothing.
    pub fn release(&self, id: &VideoId) -> Result<()> {
        self.run("DELETE FROM spending WHERE id = ? AND is_spent = 0", &[js_text(id.as_str())])
    }

    /// A video is gone. What nobody will learn of its cost any more counts as spent.
    pub fn forget(&self, id: &VideoId) -> Result<()> {
        self.run("UPDATE spending SET id = NULL, is_spent = 1 WHERE id = ?", &[js_text(id.as_str())])?;
        self.run("DELETE FROM spending WHERE id IS NULL AND day < ?", &[self.today()])
    }

    /// What the owner has spent today, and what its jobs in flight may cost.
    pub fn usage(&self, owner: &Owner) -> Result<[Usd; 2]> {
        let query = "SELECT SUM(micros * is_spent), SUM(micros * (is_spent = 0)) FROM spending
            WHERE day = ? AND owner = ?";
        self.sums(query, &[self.today(), js_text(owner.as_str())])
    }

    fn sums(&self, query: &str, values: &[JsValue]) -> Result<[Usd; 2]> {
        let rows = self.storage.sql(query, values)?;
        let amount = |column| rows.first().and_then(|row| u64::try_from(whole(&row.get(column))).ok());
        Ok([0, 1].map(|column| Usd::from_micros(amount(column).unwrap_or_default())))
    }

    fn today(&self) -> JsValue {
        js_whole(self.today.number())
    }

    fn run(&self, statement: &str, values: &[JsValue]) -> Result<()> {
        self.storage.sql(statement, values).map(|_| ())
    }
}

fn number(amount: Usd) -> JsValue {
    js_whole(i64::try_from(amount.micros()).unwrap_or(i64::MAX))
}
