//! What a video costs: the upstream's own price list, kept in the dispatcher's `SQLite` and read again every day, else
//! the table of the settings.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use super::clock;
use super::config::Config;
use super::log::{self, Level};
use super::object_storage::{ObjectStorage, from_js, js};
use super::once::Once;
use super::wiro_client::WiroClient;
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

/// After a failure; until then the earlier list stands.
const RETRY_INTERVAL: Millis = Millis::from_seconds(300);

#[derive(Default)]
pub struct PriceList {
    reading: Once<()>,
}

impl PriceList {
    /// What such a video costs, after the list was read again if it was time for that; `None` when nobody says.
    pub async fn price(&self, storage: &ObjectStorage, config: &Config, kind: &str) -> Result<Option<Usd>> {
        let stale_at = kept(storage)?.map(|(_, stale_at)| stale_at);
        if stale_at.is_none_or(|at| at <= clock::now()) {
            self.reading.get(async || refresh(storage, config).await).await?;
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
    storage.sql(SCHEMA, &[])?;
    let rows = storage.sql("SELECT list, stale_at FROM price_list", &[])?;
    Ok(rows.first().and_then(|row| Some((row.get(0).as_string()?, from_js(row.get(1).as_f64()?)))))
}

async fn refresh(storage: &ObjectStorage, config: &Config) {
    let answer = WiroClient::of(config).call(TOOL_DETAIL, &tool_body(&config.wiro_model)).await;
    let list = answer.map_err(|error| error.to_string()).and_then(|answer| read_list(&answer));
    let kept = match list {
        Ok(list) => keep(storage, Some(&list), REFRESH_INTERVAL),
        Err(reason) => {
            let fields = [("reason", reason.into())];
            log::write(Level::Warn, "Wiro's prices cannot be read", fields);
            keep(storage, None, RETRY_INTERVAL)
        }
    };
    if let Err(error) = kept {
        log::write(Level::Error, "the prices are not kept", [("error", error.to_string().into())]);
    }
}

/// Without a list, the earlier one.
fn keep(storage: &ObjectStorage, list: Option<&str>, interval: Millis) -> Result<()> {
    let values = [list.map_or(JsValue::NULL, JsValue::from_str), js(clock::now().after(interval))];
    let statement = "INSERT INTO price_list VALUES (1, COALESCE(?1, ''), ?2)
        ON CONFLICT (only_row) DO UPDATE SET list = COALESCE(?1, list), stale_at = ?2";
    storage.sql(statement, &values).map(|_| ())
}
