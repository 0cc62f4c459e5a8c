//! A Durable Object's own storage: text under keys, one alarm, `SQLite`. On the runtime's bare interface,
//! because [`worker::Storage`] brings a second deserializer into the script.

use std::rc::Rc;

use worker::js_sys::futures::JsFuture;
use worker::js_sys::{Array, Date, Object, Promise};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::{DurableObjectState, DurableObjectStorage};
use worker::{Error, Result};

use crate::video::time::UnixMillis;

pub struct ObjectStorage {
    state: Rc<DurableObjectState>,
}

impl ObjectStorage {
    #[must_use]
    pub fn of(state: Rc<DurableObjectState>) -> Self {
        Self { state }
    }

    pub async fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(done(self.storage()?.get(key)).await?.as_string())
    }

    /// Writes a value and sets the alarm, or takes it away, as one: no await lies in between.
    pub async fn put(&self, key: &str, value: &str, alarm: Option<UnixMillis>) -> Result<()> {
        let storage = self.storage()?;
        let put = storage.put(key, JsValue::from_str(value))?;
        done(change_alarm(&storage, alarm)).await?;
        done(Ok(put)).await.map(|_| ())
    }

    pub async fn set_alarm(&self, alarm: Option<UnixMillis>) -> Result<()> {
        done(change_alarm(&self.storage()?, alarm)).await.map(|_| ())
    }

    pub async fn alarm(&self) -> Result<Option<UnixMillis>> {
        let alarm = done(self.storage()?.get_alarm(Object::new())).await?;
        Ok(alarm.as_f64().map(from_js))
    }

    /// Removes everything, the alarm too.
    pub async fn clear(&self) -> Result<()> {
        let storage = self.storage()?;
        let alarm_deleted = storage.delete_alarm(Object::new())?;
        done(storage.delete_all()).await?;
        done(Ok(alarm_deleted)).await.map(|_| ())
    }

    /// Runs one SQL statement, or several without values; rows are arrays of columns.
    pub fn sql(&self, statement: &str, values: &[JsValue]) -> Result<Vec<Array>> {
        let rows = self.storage()?.sql().exec(statement, values.iter().collect())?.raw();
        rows.into_iter().map(|row| Ok(row?.unchecked_into())).collect()
    }

    fn storage(&self) -> Result<DurableObjectStorage> {
        Ok(self.state.storage()?)
    }
}

fn change_alarm(
    storage: &DurableObjectStorage,
    alarm: Option<UnixMillis>,
) -> std::result::Result<Promise, JsValue> {
    match alarm {
        Some(at) => storage.set_alarm(Date::new(&js(at)), Object::new()),
        None => storage.delete_alarm(Object::new()),
    }
}

async fn done(promise: std::result::Result<Promise, JsValue>) -> Result<JsValue> {
    JsFuture::from(promise?).await.map_err(Error::from)
}

/// An instant as JavaScript and `SQLite` have it.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "instants have 41 bits")]
pub fn js(time: UnixMillis) -> JsValue {
    JsValue::from_f64(time.millis() as f64)
}

/// A text as `SQLite` has it.
#[must_use]
pub fn js_text(text: &str) -> JsValue {
    JsValue::from_str(text)
}

/// A whole number as `SQLite` has it: seconds have 34 bits, amounts 47.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "up to 53 bits it is exact")]
pub fn js_whole(number: i64) -> JsValue {
    JsValue::from_f64(number as f64)
}

/// A whole number that came from `SQLite`; 0 where it has none, as for the sum of nothing.
#[must_use]
pub fn whole(value: &JsValue) -> i64 {
    from_js(value.as_f64().unwrap_or_default()).millis()
}

/// An instant that came from JavaScript.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
pub fn from_js(millis: f64) -> UnixMillis {
    UnixMillis::new(millis as i64)
}
