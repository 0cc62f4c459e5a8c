//! Converts a setting to text, whatever type it was written as. Pure.
//!
//! A configuration may contain tables, lists, numbers and booleans. A value with only one possible text is read as
//! that text; everything else is an error and never "not set", because a misspelled protection must not be off.

use serde_json::{Map, Value};
use thiserror::Error;

/// Settings whose text is a comma-separated list.
const LISTS: [&str; 8] = [
    "MODELS",
    "OUTPUT_HOSTS",
    "ALLOWED_ORIGINS",
    "PRICES_USD",
    "POLL_SECONDS",
    "SEARCH_SECONDS",
    "RETRY_SECONDS",
    "NOTIFY_SECONDS",
];

/// The setting whose text is a JSON object.
const OBJECT: &str = "CLIENT_TOKENS";

/// The setting whose text is a list of `name=value`.
const PAIRS: &str = "PRICES_USD";

/// Why a present setting cannot be used, without its value.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unusable {
    #[error("must be a text, not a list")]
    List,
    #[error("must be a text, not a table")]
    Table,
    #[error("is an empty list or table: leave it out, or fill it")]
    Empty,
    #[error("is a list or table with an entry that is no plain text or number")]
    Entry,
    #[error("is bound to something that is neither a text nor a secret")]
    Kind,
    #[error("is bound to a secret that cannot be read, or is empty")]
    Secret,
}

/// `None` if it is not set.
pub type Found = Result<Option<String>, Unusable>;

/// Converts the value of this setting to text.
///
/// # Errors
/// [`Unusable`].
pub fn text_of(name: &str, value: Value) -> Found {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Array(entries) if LISTS.contains(&name) => {
            joined(entries.iter().map(|entry| plain(entry, &[','])))
        }
        Value::Array(_) => Err(Unusable::List),
        Value::Object(members) if members.is_empty() && (name == OBJECT || name == PAIRS) => {
            Err(Unusable::Empty)
        }
        Value::Object(members) if name == OBJECT => Ok(Some(Value::Object(members).to_string())),
        Value::Object(members) if name == PAIRS => pairs(&members),
        Value::Object(_) => Err(Unusable::Table),
    }
}

fn pairs(members: &Map<String, Value>) -> Found {
    joined(members.iter().map(|(name, value)| {
        let is_plain = !name.contains([',', '=']);
        let value = plain(value, &[',', '=']).filter(|_| is_plain)?;
        Some(format!("{name}={value}"))
    }))
}

fn joined(entries: impl Iterator<Item = Option<String>>) -> Found {
    let entries: Vec<String> = entries.collect::<Option<_>>().ok_or(Unusable::Entry)?;
    if entries.is_empty() { Err(Unusable::Empty) } else { Ok(Some(entries.join(","))) }
}

/// An entry as text, if it contains no separator.
fn plain(entry: &Value, dividers: &[char]) -> Option<String> {
    match entry {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.trim().is_empty() && !text.contains(dividers) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(name: &str, value: Value) -> Result<String, Unusable> {
        text_of(name, value).map(Option::unwrap_or_default)
    }

    #[test]
    fn unambiguous_values_are_converted_to_text() {
        for (name, value, expected) in [
            ("TURNSTILE_SECRET", json!("s"), "s"),
            ("TURNSTILE_SECRET", json!(null), ""),
            ("MAX_ACTIVE", json!(3), "3"),
            ("RETENTION_DAYS", json!(0.5), "0.5"),
            ("PURGE_UPSTREAM", json!(true), "true"),
            ("CLIENT_TOKENS", json!({ "alice": "a" }), r#"{"alice":"a"}"#),
            ("CLIENT_TOKENS", json!({ "a": { "token": ["b", "c"] } }), r#"{"a":{"token":["b","c"]}}"#),
            ("ALLOWED_ORIGINS", json!(["*"]), "*"),
            (
                "ALLOWED_ORIGINS",
                json!(["https://a.example", "http://localhost"]),
                "https://a.example,http://localhost",
            ),
            ("OUTPUT_HOSTS", json!(["wiro.ai", "localhost:80"]), "wiro.ai,localhost:80"),
            ("POLL_SECONDS", json!([30, "45", 0.5]), "30,45,0.5"),
            ("SEARCH_SECONDS", json!([30]), "30"),
            ("RETRY_SECONDS", json!([2, 5]), "2,5"),
            ("NOTIFY_SECONDS", json!([5]), "5"),
            ("PRICES_USD", json!(["768P/6=0.28", "1080P/6=0.49"]), "768P/6=0.28,1080P/6=0.49"),
            ("PRICES_USD", json!({ "768P/6": 0.28 }), "768P/6=0.28"),
        ] {
            assert_eq!(text(name, value.clone()).as_deref(), Ok(expected), "{name} = {value}");
        }
    }

    #[test]
    fn other_values_are_errors_without_the_value() {
        for (name, value, why) in [
            ("CLIENT_TOKENS", json!(["tok7f3a"]), Unusable::List),
            ("CLIENT_TOKENS", json!({}), Unusable::Empty),
            ("TURNSTILE_SECRET", json!(["tok7f3a"]), Unusable::List),
            ("TURNSTILE_SECRET", json!({ "secret": "tok7f3a" }), Unusable::Table),
            ("DAILY_BUDGET_USD", json!([7]), Unusable::List),
            ("DAILY_BUDGET_USD", json!({}), Unusable::Table),
            ("OPERATOR_TOKEN", json!([]), Unusable::List),
            ("ALLOWED_ORIGINS", json!([]), Unusable::Empty),
            ("ALLOWED_ORIGINS", json!({ "a": "tok7f3a" }), Unusable::Table),
            ("ALLOWED_ORIGINS", json!(["a.tok7f3a,b"]), Unusable::Entry),
            ("ALLOWED_ORIGINS", json!([""]), Unusable::Entry),
            ("ALLOWED_ORIGINS", json!([null]), Unusable::Entry),
            ("POLL_SECONDS", json!([true]), Unusable::Entry),
            ("POLL_SECONDS", json!([[30]]), Unusable::Entry),
            ("PRICES_USD", json!({}), Unusable::Empty),
            ("PRICES_USD", json!({ "768P/6": "1,1080P/6=2" }), Unusable::Entry),
            ("PRICES_USD", json!({ "768P/6=1,1080P/6": 2 }), Unusable::Entry),
        ] {
            assert_eq!(text_of(name, value.clone()), Err(why), "{name} = {value}");
            assert!(!why.to_string().contains("tok7f3a"));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(".{0,3}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn only_null_is_not_set(name in prop::sample::select(&["CLIENT_TOKENS", "TURNSTILE_SECRET", "ALLOWED_ORIGINS", "PRICES_USD"][..]), value in any_json()) {
            let is_null = value.is_null();
            let is_text = value.is_string();
            let found = text_of(name, value);
            prop_assert_eq!(found == Ok(None), is_null);
            // Only an empty text counts as not set.
            prop_assert!(is_text || !matches!(found, Ok(Some(text)) if text.trim().is_empty()));
        }

        #[test]
        fn a_list_keeps_its_number_of_entries(entries in prop::collection::vec("[a-z:/.]{1,6}", 1..5)) {
            let found = text("OUTPUT_HOSTS", json!(entries)).unwrap();
            prop_assert_eq!(found.split(',').collect::<Vec<_>>(), entries);
        }
    }
}
