//! Converts numbers, texts and times to and from JavaScript and `SQLite`.

use worker::wasm_bindgen::JsValue;

use crate::video::time::UnixMillis;

/// Converts a time to unix milliseconds.
#[must_use]
pub fn time_to_js(time: UnixMillis) -> JsValue {
    JsValue::from_f64(unix_millis(time))
}

/// Unix milliseconds as a JavaScript number.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "times need 41 bits")]
pub fn unix_millis(time: UnixMillis) -> f64 {
    time.millis() as f64
}

/// Converts a text.
#[must_use]
pub fn text_to_js(text: &str) -> JsValue {
    JsValue::from_str(text)
}

/// Converts an integer. Times in seconds need 34 bits, amounts 47.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "up to 53 bits it is exact")]
pub fn integer_to_js(number: i64) -> JsValue {
    JsValue::from_f64(number as f64)
}

/// Reads an integer from `SQLite`; 0 for NULL, such as the sum of no rows.
#[must_use]
pub fn integer_from_js(value: &JsValue) -> i64 {
    time_from_js(value.as_f64().unwrap_or_default()).millis()
}

/// Reads a time in unix milliseconds.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
pub fn time_from_js(millis: f64) -> UnixMillis {
    UnixMillis::new(millis as i64)
}
