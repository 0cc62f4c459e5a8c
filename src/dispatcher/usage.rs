//! Usage by day, client and model, in the dispatcher's `SQLite`. It stays when the videos are removed.

use std::collections::BTreeMap;

use worker::Result;
use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::money::Usd;
use crate::video::money::budget::Day;
use crate::video::usage::query::{Grouping, UsageQuery};
use crate::video::usage::{Counter, KEPT_DAYS, UsageKey, UsageRow};

/// A column for each [`Counter`], named as it is. `micros` are spent micro-dollars; reservations are only in the table of
/// the budget. `client` is empty for videos without one.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS usage (
        day INTEGER NOT NULL,
        client TEXT NOT NULL,
        model TEXT NOT NULL,
        submitted INTEGER NOT NULL DEFAULT 0,
        completed INTEGER NOT NULL DEFAULT 0,
        cancelled INTEGER NOT NULL DEFAULT 0,
        seconds INTEGER NOT NULL DEFAULT 0,
        generation_failed INTEGER NOT NULL DEFAULT 0,
        upstream_rejected INTEGER NOT NULL DEFAULT 0,
        upstream_unavailable INTEGER NOT NULL DEFAULT 0,
        upstream_timeout INTEGER NOT NULL DEFAULT 0,
        submission_unknown INTEGER NOT NULL DEFAULT 0,
        storage_failed INTEGER NOT NULL DEFAULT 0,
        micros INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (day, client, model)
    ) WITHOUT ROWID;";

/// A report has at most this many rows, because it is held in memory.
const MAX_ROWS: usize = 20_000;

pub struct Usage<'a> {
    storage: &'a ObjectStorage,
}

impl<'a> Usage<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(storage: &'a ObjectStorage) -> Result<Self> {
        storage.ensure_tables(SCHEMA)?;
        Ok(Self { storage })
    }

    /// Adds to counters, by one write.
    pub fn count(&self, day: Day, client: &Owner, model: &str, counts: &[(Counter, i64)]) -> Result<()> {
        let columns: Vec<_> = counts.iter().map(|(counter, number)| (counter.name(), *number)).collect();
        self.add(day, client, model, &columns)
    }

    /// Adds to the spent micro-dollars.
    pub fn spend(&self, day: Day, client: &Owner, model: &str, micros: i64) -> Result<()> {
        self.add(day, client, model, &[("micros", micros)])
    }

    fn add(&self, day: Day, client: &Owner, model: &str, columns: &[(&str, i64)]) -> Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        let list = |column: &dyn Fn(&str, i64) -> String| {
            columns.iter().map(|(name, number)| column(name, *number)).collect::<Vec<_>>().join(", ")
        };
        let statement = format!(
            "INSERT INTO usage (day, client, model, {}) VALUES (?, ?, ?, {})
            ON CONFLICT (day, client, model) DO UPDATE SET {}",
            list(&|name, _| name.to_owned()),
            list(&|_, number| number.to_string()),
            list(&|name, number| format!("{name} = {name} + {number}")),
        );
        let values = [integer_to_js(day.number()), text_to_js(client.as_str()), text_to_js(model)];
        self.storage.sql(&statement, &values).map(|_| ())
    }

    /// Removes what is older than it is kept.
    pub fn forget_old(&self, today: Day) -> Result<()> {
        let first = integer_to_js(today.number().saturating_sub(KEPT_DAYS - 1));
        self.storage.sql("DELETE FROM usage WHERE day < ?", &[first]).map(|_| ())
    }

    /// The rows of a report, sorted by key; `None` if there are too many. The budget's table must exist.
    pub fn report(&self, query: &UsageQuery) -> Result<Option<Vec<UsageRow>>> {
        let range = [integer_to_js(query.from), integer_to_js(query.to)];
        let mut report: BTreeMap<UsageKey, UsageRow> = BTreeMap::new();
        let counters = Counter::ALL.map(|counter| format!("SUM({})", counter.name())).join(", ");
        let keys = keys(query.group_by, "client", "model");
        let counted = format!(
            "SELECT {keys}, SUM(micros), {counters} FROM usage WHERE day BETWEEN ? AND ?
            GROUP BY 1, 2, 3 LIMIT {}",
            MAX_ROWS + 1
        );
        for row in self.storage.sql(&counted, &range)? {
            let mut found = UsageRow::empty(key_of(&row));
            found.spent = amount(&row.get(3));
            found.counts =
                (4..).zip(Counter::ALL).map(|(column, _)| integer_from_js(&row.get(column))).collect();
            report.insert(found.key.clone(), found);
        }
        let keys = self::keys(query.group_by, "owner", "COALESCE(model, '')");
        let reserved = format!(
            "SELECT {keys}, SUM(micros) FROM spending WHERE day BETWEEN ? AND ? AND is_spent = 0
            GROUP BY 1, 2, 3 LIMIT {}",
            MAX_ROWS + 1
        );
        for row in self.storage.sql(&reserved, &range)? {
            let key = key_of(&row);
            let found = report.entry(key.clone()).or_insert_with(|| UsageRow::empty(key));
            found.reserved = amount(&row.get(3));
        }
        let rows: Vec<UsageRow> = report.into_values().filter(|row| !row.is_empty()).collect();
        Ok((rows.len() <= MAX_ROWS).then_some(rows))
    }
}

/// The columns of a key; null for what is not asked for.
fn keys(Grouping { day, client, model }: Grouping, client_column: &str, model_column: &str) -> String {
    let columns = [(day, "day"), (client, client_column), (model, model_column)];
    columns.map(|(is_asked, column)| if is_asked { column } else { "NULL" }).join(", ")
}

fn key_of(row: &Array) -> UsageKey {
    let day = row.get(0);
    UsageKey {
        day: day.as_f64().map(|_| integer_from_js(&day)),
        client: row.get(1).as_string(),
        model: row.get(2).as_string(),
    }
}

fn amount(micros: &JsValue) -> Usd {
    Usd::from_micros(u64::try_from(integer_from_js(micros)).unwrap_or_default())
}
