//! `metadata`: key-value pairs of the caller. They have no effect and are never logged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// OpenAI's limits.
const MAX_PAIRS: usize = 16;
const MAX_KEY_CHARS: usize = 64;
const MAX_VALUE_CHARS: usize = 512;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Adds a pair. An existing key must have the same value.
    ///
    /// # Errors
    /// The limit that is exceeded, or the conflict.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), String> {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
            return Err(format!("must have keys of 1 to {MAX_KEY_CHARS} characters"));
        }
        if value.chars().count() > MAX_VALUE_CHARS {
            return Err(format!("must have values of at most {MAX_VALUE_CHARS} characters"));
        }
        if self.0.get(key).is_some_and(|known| known != value) {
            return Err("gives one key two values".to_owned());
        }
        if self.0.len() >= MAX_PAIRS && !self.0.contains_key(key) {
            return Err(format!("must have at most {MAX_PAIRS} pairs"));
        }
        self.0.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_16_pairs_and_their_lengths() {
        let mut metadata = Metadata::default();
        for number in 0..MAX_PAIRS {
            assert_eq!(metadata.insert(&format!("k{number}"), &"é".repeat(MAX_VALUE_CHARS)), Ok(()));
        }
        assert!(metadata.insert("one more", "").unwrap_err().contains("16 pairs"));
        assert!(metadata.insert("k0", "another").unwrap_err().contains("two values"));
        assert_eq!(metadata.insert("k0", &"é".repeat(MAX_VALUE_CHARS)), Ok(()));
        let mut metadata = Metadata::default();
        assert_eq!(metadata.insert(&"é".repeat(MAX_KEY_CHARS), ""), Ok(()));
        assert!(metadata.insert(&"é".repeat(MAX_KEY_CHARS + 1), "").unwrap_err().contains("64"));
        assert!(metadata.insert("", "").is_err());
        assert!(metadata.insert("k", &"é".repeat(MAX_VALUE_CHARS + 1)).unwrap_err().contains("512"));
    }

    #[test]
    fn metadata_is_serialized_as_an_object() {
        let mut metadata = Metadata::default();
        metadata.insert("order", "17").unwrap();
        let text = serde_json::to_string(&metadata).unwrap();
        assert_eq!(text, r#"{"order":"17"}"#);
        assert_eq!(serde_json::from_str::<Metadata>(&text).unwrap(), metadata);
        assert!(serde_json::from_str::<Metadata>(r#"{"order":17}"#).is_err());
    }
}
