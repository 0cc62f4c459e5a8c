//! A Durable Object's own storage: text under keys, one alarm, `SQLite`. It uses the plain JavaScript interface,
//! because [`worker::Storage`] would add a second deserializer to the script. Writes need not be awaited: the runtime
//! holds back every answer until they are durable.

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
    /// The schemas that exist.
    schemas: RefCell<Vec<&'static str>>,
}

/// The alarm as far as it is known without asking.
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

    /// Atomic with all writes before the next await, including the alarm.
    pub fn put(&self, key: &str, value: &str) -> Result<()> {
        Ok(self.storage.kv().put(key, value)?)
    }

    /// Atomic with all writes before the next await, including the alarm.
    pub fn delete(&self, key: &str) -> Result<()> {
        self.storage.kv().delete(key)?;
        Ok(())
    }

    /// Sets or deletes the alarm, unless it is unchanged. An alarm in the past fires at once.
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

    /// Forgets the known alarm: it fired and may be repeated, or it was lost.
    pub fn invalidate_alarm_cache(&self) {
        self.alarm.set(Alarm::Unknown);
    }

    /// Removes everything, including the alarm.
    pub async fn clear(&self) -> Result<()> {
        let alarm_deleted = self.storage.delete_alarm()?;
        self.alarm.set(Alarm::Known(None));
        self.schemas.take();
        settled(&self.storage.delete_all()?).await?;
        settled(&alarm_deleted).await?;
        Ok(())
    }

    /// Creates these tables unless they exist.
    pub fn ensure_tables(&self, schema: &'static str) -> Result<()> {
        if !self.schemas.borrow().contains(&schema) {
            self.sql(schema, &[])?;
            self.schemas.borrow_mut().push(schema);
        }
        Ok(())
    }

    /// Adds columns to the table of an earlier version that lacks them. Each is a name and a type.
    pub fn add_missing_columns(&self, table: &str, columns: &[(&str, &str)]) -> Result<()> {
        let known = self.sql("SELECT name FROM pragma_table_info(?)", &[JsValue::from_str(table)])?;
        let known: Vec<String> = known.iter().filter_map(|row| row.get(0).as_string()).collect();
        for (name, kind) in columns.iter().filter(|(name, _)| known.iter().all(|column| column != name)) {
            self.sql(&format!("ALTER TABLE {table} ADD COLUMN {name} {kind}"), &[])?;
        }
        Ok(())
    }

    /// Runs one SQL statement, or several without values. Rows are arrays of columns.
    pub fn sql(&self, statement: &str, values: &[JsValue]) -> Result<Vec<Array>> {
        let rows = self.storage.sql().exec(statement, &values.iter().collect())?.raw().to_array()?;
        Ok(rows.iter().map(JsCast::unchecked_into).collect())
    }
}
