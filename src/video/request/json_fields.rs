//! Reads the fields of a JSON body, before validation.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use crate::video::request::{FieldValue, Fields};

/// The members of a JSON object in their order. Repeated names are kept.
///
/// # Errors
/// If the text is not exactly one JSON object, or is nested too deeply.
pub fn json_fields(text: &str) -> serde_json::Result<Fields> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Fields;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
            let mut fields = Fields::new();
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                fields.push((name, FieldValue::Json(value)));
            }
            Ok(fields)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let fields = deserializer.deserialize_map(Members)?;
    deserializer.end()?;
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_kept() {
        let fields = json_fields(r#"{"prompt":"a","prompt":"b","pro\u006dpt":"c"}"#).unwrap();
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["prompt", "prompt", "prompt"]);
    }

    #[test]
    fn text_that_is_not_an_object_is_refused() {
        for body in ["", "[]", "\"a\"", "null", "{}x", "{\"a\":}", &"[".repeat(10_000)] {
            assert!(json_fields(body).is_err());
        }
        let deep = format!("{{\"prompt\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
        assert!(json_fields(&deep).is_err());
    }
}
