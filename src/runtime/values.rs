//! Numbers, texts and instants as JavaScript and `SQLite` have them.

use worker::wasm_bindgen::JsValue;

use crate::video::time::UnixMillis;

/// An instant as JavaScript and `SQLite` have it.
#[must_use]
pub fn time_to_js(time: UnixMillis) -> JsValue {
    JsValue::from_f64(unix_millis(time))
}

/// Unix milliseconds as JavaScript counts them.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "instants have 41 bits")]
pub fn unix_millis(time: UnixMillis) -> f64 {
    time.millis() as f64
}

/// A text as `SQLite` has it.
#[must_use]
pub fn text_to_js(text: &str) -> JsValue {
    JsValue::from_str(text)
}

/// A whole number as `SQLite` has it: seconds have 34 bits, amounts 47.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "up to 53 bits it is exact")]
pub fn integer_to_js(number: i64) -> JsValue {
    JsValue::from_f64(number as f64)
}

/// A whole number that came from `SQLite`; 0 where it has none, as for the sum of nothing.
#[must_use]
pub fn integer_from_js(value: &JsValue) -> i64 {
    time_from_js(value.as_f64().unwrap_or_default()).millis()
}

/// An instant that came from JavaScript.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
pub fn time_from_js(millis: f64) -> UnixMillis {
    UnixMillis::new(millis as i64)
}
