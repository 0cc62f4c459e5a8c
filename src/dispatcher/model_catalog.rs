//! Wiro's descriptions of models: read once a day, and again after Run refused parameters; stored in `SQLite` and
//! published to KV. Prices come from them, or else from the settings.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use worker::wasm_bindgen::JsValue;
use worker::{Env, Result};

use crate::config::Config;
use crate::config::prices::price_of;
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::runtime::values::{text_to_js, time_from_js, time_to_js};
use crate::storage::models;
use crate::storage::object_storage::ObjectStorage;
use crate::upstream::shared_call::{SharedCall, SharedResult};
use crate::video::money::Usd;
use crate::video::time::{Millis, UnixMillis};
use crate::video::typical_duration::model_and_format;
use crate::wiro::model::{ModelDescription, TOOL_DETAIL, canonical_slug, tool_body};

/// `description` is JSON, or empty if it was never read. It is read again at `stale_at` (unix milliseconds). Earlier
/// versions had the table `price_list`.
const SCHEMA: &str = "
    DROP TABLE IF EXISTS price_list;
    CREATE TABLE IF NOT EXISTS model_description (
        model TEXT PRIMARY KEY,
        description TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        stale_at INTEGER NOT NULL
    );";

const REFRESH_INTERVAL: Millis = Millis::from_seconds(86_400);

/// After a failure.
const RETRY_INTERVAL: Millis = Millis::from_seconds(300);

/// A model is not read more often than this, however many Runs are refused.
const MIN_INTERVAL: Millis = Millis::from_seconds(5);

#[derive(Default)]
pub struct ModelCatalog {
    reading: RefCell<HashMap<String, Rc<SharedCall>>>,
}

/// A row of the table.
struct Stored {
    description: Option<ModelDescription>,
    asked_at: UnixMillis,
    stale_at: UnixMillis,
}

impl ModelCatalog {
    /// The price of a video; `None` if it is unknown. Waits for Wiro only if nothing is stored yet.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub async fn price(
        &self,
        storage: &ObjectStorage,
        env: &Env,
        config: &Config,
        kind: &str,
    ) -> Result<Option<Usd>> {
        if let Some(price) = known_price(storage, config, kind)? {
            return Ok(Some(price));
        }
        let (slug, _) = model_and_format(kind);
        if Self::is_stale(storage, slug)? {
            self.read(storage, env, config, slug).await?;
        }
        known_price(storage, config, kind)
    }

    /// The model's description, which is read first if it is stale; `None` if Wiro never gave one.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub async fn describe(
        &self,
        storage: &ObjectStorage,
        env: &Env,
        config: &Config,
        slug: &str,
    ) -> Result<Option<ModelDescription>> {
        if Self::is_stale(storage, slug)? {
            self.read(storage, env, config, slug).await?;
        }
        Ok(stored(storage, slug)?.and_then(|stored| stored.description))
    }

    /// Whether the description must be read again.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn is_stale(storage: &ObjectStorage, slug: &str) -> Result<bool> {
        Ok(stored(storage, slug)?.is_none_or(|stored| stored.stale_at <= clock::now()))
    }

    /// Marks the description as stale.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn mark_stale(storage: &ObjectStorage, slug: &str) -> Result<()> {
        let Some(Stored { asked_at, .. }) = stored(storage, slug)? else { return Ok(()) };
        let statement = "UPDATE model_description SET stale_at = MIN(stale_at, ?) WHERE model = ?";
        let values = [time_to_js(asked_at.after(MIN_INTERVAL)), text_to_js(&canonical_slug(slug))];
        storage.sql(statement, &values).map(|_| ())
    }

    /// Reads the description. Concurrent callers share one call; after a failure the stored description stays.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub async fn read(&self, storage: &ObjectStorage, env: &Env, config: &Config, slug: &str) -> Result<()> {
        let call = Rc::clone(self.reading.borrow_mut().entry(canonical_slug(slug)).or_default());
        let known = stored(storage, slug)?.and_then(|stored| stored.description);
        let known = known.unwrap_or_else(|| ModelDescription::built_in(slug));
        let is_mine = Cell::new(false);
        let now = clock::now();
        let read = |http: &_| {
            let description = ModelDescription::read(slug, http, &known, now.seconds())?;
            // The type always serializes.
            Ok(serde_json::to_string(&description).unwrap_or_default())
        };
        let store_result = |got: &SharedResult| {
            is_mine.set(true);
            store(storage, slug, got, now)
        };
        let got = call.get(config, (TOOL_DETAIL, &tool_body(slug)), &read, &store_result).await?;
        if let (true, Ok(json)) = (is_mine.get(), got)
            && let Err(error) = models::publish(env, slug, &json).await
        {
            log::write(
                Level::Warn,
                "publishing a model description failed",
                [("error", error.to_string().into())],
            );
        }
        Ok(())
    }
}

/// The price, if it is known without a call of Wiro.
///
/// # Errors
/// If `SQLite` fails.
pub fn known_price(storage: &ObjectStorage, config: &Config, kind: &str) -> Result<Option<Usd>> {
    let (slug, format) = model_and_format(kind);
    let description = stored(storage, slug)?.and_then(|stored| stored.description);
    let prices = description.map(|description| description.prices).unwrap_or_default();
    Ok(price_of(config, slug, &prices, format))
}

fn stored(storage: &ObjectStorage, slug: &str) -> Result<Option<Stored>> {
    storage.ensure_tables(SCHEMA)?;
    let query = "SELECT description, asked_at, stale_at FROM model_description WHERE model = ?";
    let rows = storage.sql(query, &[text_to_js(&canonical_slug(slug))])?;
    Ok(rows.first().and_then(|row| {
        Some(Stored {
            description: row.get(0).as_string().and_then(|json| serde_json::from_str(&json).ok()),
            asked_at: time_from_js(row.get(1).as_f64()?),
            stale_at: time_from_js(row.get(2).as_f64()?),
        })
    }))
}

fn store(storage: &ObjectStorage, slug: &str, got: &SharedResult, now: UnixMillis) -> Result<()> {
    let (json, interval) = match got {
        Ok(json) => (JsValue::from_str(json), REFRESH_INTERVAL),
        Err(refusal) => {
            let fields = [("model", slug.into()), ("reason", format!("{refusal:?}").into())];
            log::write(Level::Warn, "reading the model from Wiro failed", fields);
            (JsValue::NULL, RETRY_INTERVAL)
        }
    };
    let statement = "INSERT INTO model_description VALUES (?1, COALESCE(?2, ''), ?3, ?4)
        ON CONFLICT (model) DO UPDATE SET description = COALESCE(?2, description), asked_at = ?3, stale_at = ?4";
    let values = [text_to_js(&canonical_slug(slug)), json, time_to_js(now), time_to_js(now.after(interval))];
    storage.sql(statement, &values).map(|_| ())
}
