//! Stored and inner JSON, read by way of [`Value`]: the code that serde makes for each type is much smaller for it
//! than for text.

use serde::de::DeserializeOwned;
use serde_json::{Error, Value};

/// # Errors
/// When the text is not JSON, or not of that type.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_value(serde_json::from_str::<Value>(text)?)
}
