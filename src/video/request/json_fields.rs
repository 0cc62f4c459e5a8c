//! The JSON body of a submit as fields, before any check.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use crate::video::request::{FieldValue, Fields};

/// The members of a JSON object in their order, repeated names included.
///
/// # Errors
/// When the text is not one JSON object and nothing else, or is nested deeper than any field is.
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
    fn repeated_names_are_kept_for_the_checks() {
        let fields = json_fields(r#"{"prompt":"a","prompt":"b","pro\u006dpt":"c"}"#).unwrap();
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["prompt", "prompt", "prompt"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "\"a\"", "null", "{}x", "{\"a\":}", &"[".repeat(10_000)] {
            assert!(json_fields(body).is_err());
        }
        let deep = format!("{{\"prompt\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
        assert!(json_fields(&deep).is_err());
    }
}
