//! A Durable Object's own storage: text under keys, one alarm, `SQLite`. On the runtime's bare interface,
//! because [`worker::Storage`] brings a second deserializer into the script. What is written need not be
//! awaited: the runtime lets no answer out of the object before it is durable.

use std::cell::{Cell, RefCell};

use worker::Result;
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::DurableObjectState;

use crate::runtime::clock;
use crate::runtime::promise::settled;
use crate::runtime::values::unix_millis;
use crate::video::time::UnixMillis;

#[wasm_bindgen]
extern "C" {
    type State;
    type Storage;
    type Values;
    type Sql;
    type Rows;

    #[wasm_bindgen(method, getter)]
    fn storage(this: &State) -> Storage;

    #[wasm_bindgen(method, getter)]
    fn kv(this: &Storage) -> Values;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Values, key: &str) -> std::result::Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn put(this: &Values, key: &str, value: &str) -> std::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Values, key: &str) -> std::result::Result<bool, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    fn set_alarm(this: &Storage, at: f64) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAlarm)]
    fn delete_alarm(this: &Storage) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    fn delete_all(this: &Storage) -> std::result::Result<Promise, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Sql;
    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, statement: &str, values: &Array) -> std::result::Result<Rows, JsValue>;
    #[wasm_bindgen(method)]
    fn raw(this: &Rows) -> Rows;
    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Rows) -> std::result::Result<Array, JsValue>;
}

pub struct ObjectStorage {
    storage: Storage,
    alarm: Cell<Alarm>,
    /// The tables that are there.
    schemas: RefCell<Vec<&'static str>>,
}

/// How the alarm stands, as far as that is known without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Alarm {
    #[default]
    Unknown,
    Known(Option<UnixMillis>),
}

impl ObjectStorage {
    #[must_use]
    pub fn of(state: &DurableObjectState) -> Self {
        let state: &State = state.unchecked_ref();
        Self { storage: state.storage(), alarm: Cell::default(), schemas: RefCell::default() }
    }

    pub fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(self.storage.kv().get(key)?.as_string())
    }

    /// Written as one with what is written before the next await, the alarm among it.
    pub fn put(&self, key: &str, value: &str) -> Result<()> {
        Ok(self.storage.kv().put(key, value)?)
    }

    /// Written as one with what is written before the next await, the alarm among it.
    pub fn delete(&self, key: &str) -> Result<()> {
        self.storage.kv().delete(key)?;
        Ok(())
    }

    /// Sets the alarm, or takes it away, unless that is how it stands. One whose time is past goes off at once.
    pub async fn set_alarm(&self, alarm: Option<UnixMillis>) -> Result<()> {
        if self.alarm.get() == Alarm::Known(alarm) {
            return Ok(());
        }
        let set = match alarm {
            Some(at) => self.storage.set_alarm(unix_millis(at.max(clock::now()))),
            None => self.storage.delete_alarm(),
        };
        self.alarm.set(Alarm::Known(alarm));
        settled(&set?).await?;
        Ok(())
    }

    /// How the alarm stands is not known any more: it went off, and may be repeated, or it may have got lost.
    pub fn invalidate_alarm_cache(&self) {
        self.alarm.set(Alarm::Unknown);
    }

    /// Removes everything, the alarm too.
    pub async fn clear(&self) -> Result<()> {
        let alarm_deleted = self.storage.delete_alarm()?;
        self.alarm.set(Alarm::Known(None));
        self.schemas.take();
        settled(&self.storage.delete_all()?).await?;
        settled(&alarm_deleted).await?;
        Ok(())
    }

    /// Sees that these tables are there.
    pub fn ensure_tables(&self, schema: &'static str) -> Result<()> {
        if !self.schemas.borrow().contains(&schema) {
            self.sql(schema, &[])?;
            self.schemas.borrow_mut().push(schema);
        }
        Ok(())
    }

    /// Runs one SQL statement, or several without values; rows are arrays of columns.
    pub fn sql(&self, statement: &str, values: &[JsValue]) -> Result<Vec<Array>> {
        let rows = self.storage.sql().exec(statement, &values.iter().collect())?.raw().to_array()?;
        Ok(rows.iter().map(JsCast::unchecked_into).collect())
    }
}
