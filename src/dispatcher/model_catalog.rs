//! The dispatcher reads what Wiro tells of each model, keeps it in its `SQLite` and publishes it to KV: once a day, and
//! again when Run refuses parameters. Prices come from it too, else from the settings.

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
use crate::upstream::shared_call::{Got, SharedCall};
use crate::video::money::Usd;
use crate::video::pace::model_and_format;
use crate::video::time::{Millis, UnixMillis};
use crate::wiro::model::{ModelDescription, TOOL_DETAIL, canonical_slug, tool_body};

/// `description` is JSON, or empty while nothing could be read. It is read again when `stale_at`, in unix milliseconds,
/// has come. The table of prices is an earlier version's.
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

/// However many Runs are refused, a model is not read more often than this.
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
    /// What such a video costs; `None` when nobody says. Wiro is only waited for when nothing is known yet.
    ///
    /// # Errors
    /// When `SQLite` fails.
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

    /// What Wiro told of the model, which is read if it is time for that; `None` while it tells nothing.
    ///
    /// # Errors
    /// When `SQLite` fails.
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

    /// Whether it is time to read the model.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn is_stale(storage: &ObjectStorage, slug: &str) -> Result<bool> {
        Ok(stored(storage, slug)?.is_none_or(|stored| stored.stale_at <= clock::now()))
    }

    /// What is known of the model may be wrong: it is to be read again.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn distrust(storage: &ObjectStorage, slug: &str) -> Result<()> {
        let Some(Stored { asked_at, .. }) = stored(storage, slug)? else { return Ok(()) };
        let statement = "UPDATE model_description SET stale_at = MIN(stale_at, ?) WHERE model = ?";
        let values = [time_to_js(asked_at.after(MIN_INTERVAL)), text_to_js(&canonical_slug(slug))];
        storage.sql(statement, &values).map(|_| ())
    }

    /// Reads the model. Whoever asks meanwhile waits for the same answer; after a failure what was known stands.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub async fn read(&self, storage: &ObjectStorage, env: &Env, config: &Config, slug: &str) -> Result<()> {
        let call = Rc::clone(self.reading.borrow_mut().entry(canonical_slug(slug)).or_default());
        let known = stored(storage, slug)?.and_then(|stored| stored.description);
        let known = known.unwrap_or_else(|| ModelDescription::built_in(slug));
        let is_mine = Cell::new(false);
        let now = clock::now();
        let read = |http: &_| {
            let description = ModelDescription::read(slug, http, &known, now.seconds())?;
            // It holds nothing that cannot be written.
            Ok(serde_json::to_string(&description).unwrap_or_default())
        };
        let keep = |got: &Got| {
            is_mine.set(true);
            keep(storage, slug, got, now)
        };
        let got = call.get(config, (TOOL_DETAIL, &tool_body(slug)), &read, &keep).await?;
        if let (true, Ok(json)) = (is_mine.get(), got)
            && let Err(error) = models::publish(env, slug, &json).await
        {
            log::write(Level::Warn, "a model was not published", [("error", error.to_string().into())]);
        }
        Ok(())
    }
}

/// What such a video costs as far as it is known without asking.
///
/// # Errors
/// When `SQLite` fails.
pub fn known_price(storage: &ObjectStorage, config: &Config, kind: &str) -> Result<Option<Usd>> {
    let (slug, format) = model_and_format(kind);
    let told = stored(storage, slug)?.and_then(|stored| stored.description);
    let prices = told.map(|description| description.prices).unwrap_or_default();
    Ok(price_of(config, slug, &prices, format))
}

fn stored(storage: &ObjectStorage, slug: &str) -> Result<Option<Stored>> {
    storage.have_tables(SCHEMA)?;
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

fn keep(storage: &ObjectStorage, slug: &str, got: &Got, now: UnixMillis) -> Result<()> {
    let (json, interval) = match got {
        Ok(json) => (JsValue::from_str(json), REFRESH_INTERVAL),
        Err(refusal) => {
            let fields = [("model", slug.into()), ("reason", format!("{refusal:?}").into())];
            log::write(Level::Warn, "Wiro does not describe the model", fields);
            (JsValue::NULL, RETRY_INTERVAL)
        }
    };
    let statement = "INSERT INTO model_description VALUES (?1, COALESCE(?2, ''), ?3, ?4)
        ON CONFLICT (model) DO UPDATE SET description = COALESCE(?2, description), asked_at = ?3, stale_at = ?4";
    let values = [text_to_js(&canonical_slug(slug)), json, time_to_js(now), time_to_js(now.after(interval))];
    storage.sql(statement, &values).map(|_| ())
}
