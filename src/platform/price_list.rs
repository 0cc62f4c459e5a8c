//! What a video costs: the upstream's own price list, kept in the dispatcher's `SQLite` and read again every day, else
//! the table of the settings.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use super::clock;
use super::config::Config;
use super::log::{self, Level};
use super::object_storage::{ObjectStorage, from_js, js};
use super::shared_call::{Got, SharedCall};
use crate::video::money::Usd;
use crate::video::time::{Millis, UnixMillis};
use crate::wiro::price::{TOOL_DETAIL, price, read_list, tool_body};

/// `list` is the upstream's; it is read again when `stale_at`, in unix milliseconds, has come.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS price_list (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        list TEXT NOT NULL,
        stale_at INTEGER NOT NULL
    );";

const REFRESH_INTERVAL: Millis = Millis::from_seconds(86_400);

/// After a failure.
const RETRY_INTERVAL: Millis = Millis::from_seconds(300);

#[derive(Default)]
pub struct PriceList {
    reading: SharedCall,
}

impl PriceList {
    /// What such a video costs, after the list was read again if it was time for that; `None` when nobody says.
    pub async fn price(&self, storage: &ObjectStorage, config: &Config, kind: &str) -> Result<Option<Usd>> {
        let stale_at = kept(storage)?.map(|(_, stale_at)| stale_at);
        if stale_at.is_none_or(|at| at <= clock::now()) {
            let call = (TOOL_DETAIL, &*tool_body(&config.wiro_model));
            // Why it failed is in the log: the earlier list may do.
            let _ = self.reading.get(config, call, read_list, &|got| keep(storage, got)).await?;
        }
        known_price(storage, config, kind)
    }
}

/// What such a video costs as far as it is known without asking.
pub fn known_price(storage: &ObjectStorage, config: &Config, kind: &str) -> Result<Option<Usd>> {
    let list = kept(storage)?.map(|(list, _)| list).unwrap_or_default();
    let (resolution, duration) = kind.split_once('/').unwrap_or_default();
    Ok(price(&list, resolution, duration, Usd::parse).or_else(|| config.prices.of(kind)))
}

fn kept(storage: &ObjectStorage) -> Result<Option<(String, UnixMillis)>> {
    storage.have_tables(SCHEMA)?;
    let rows = storage.sql("SELECT list, stale_at FROM price_list", &[])?;
    Ok(rows.first().and_then(|row| Some((row.get(0).as_string()?, from_js(row.get(1).as_f64()?)))))
}

/// After a failure, the earlier list stands.
fn keep(storage: &ObjectStorage, got: &Got) -> Result<()> {
    let (list, interval) = match got {
        Ok(list) => (JsValue::from_str(list), REFRESH_INTERVAL),
        Err(refusal) => {
            let fields = [("reason", format!("{refusal:?}").into())];
            log::write(Level::Warn, "Wiro's prices cannot be read", fields);
            (JsValue::NULL, RETRY_INTERVAL)
        }
    };
    let statement = "INSERT INTO price_list VALUES (1, COALESCE(?1, ''), ?2)
        ON CONFLICT (only_row) DO UPDATE SET list = COALESCE(?1, list), stale_at = ?2";
    storage.sql(statement, &[list, js(clock::now().after(interval))]).map(|_| ())
}
