//! The envelope of every Wiro response: `{ "result": bool, "errors": [...] }` with HTTP 200 even for errors, numbers
//! that may be strings, fields that may be missing or null.

use std::fmt;

use serde_json::Value;

use super::http_response::HttpResponse;

/// One entry of `errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WiroError {
    pub code: Option<i64>,
    pub message: String,
}

impl fmt::Display for WiroError {
    /// For the log; at most some hundred characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_MESSAGE_CHARS: usize = 300;
        if let Some(code) = self.code {
            write!(f, "code {code}: ")?;
        }
        let message = self.message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS);
        f.write_str(&message.collect::<String>())
    }
}

/// A response by its envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Envelope {
    /// `result` is true.
    Success(Value),
    /// `result` is false; the first error.
    Error(WiroError),
    /// No Wiro envelope.
    Unreadable,
}

impl Envelope {
    #[must_use]
    pub fn read(http: &HttpResponse) -> Self {
        let Some(value) = http.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok())
        else {
            return Self::Unreadable;
        };
        match value.get("result").and_then(flag) {
            Some(true) => Self::Success(value),
            Some(false) => Self::Error(first_error(&value)),
            None => Self::Unreadable,
        }
    }
}

fn first_error(value: &Value) -> WiroError {
    let first = value.get("errors").and_then(|errors| errors.get(0)).unwrap_or(&Value::Null);
    WiroError {
        code: text(first, "code").and_then(|code| code.parse().ok()),
        message: text(first, "message").or_else(|| first.as_str().map(str::to_owned)).unwrap_or_default(),
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A field that may be a string or a number; `None` if it is null, missing or empty.
pub(super) fn text(value: &Value, field: &str) -> Option<String> {
    match value.get(field)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Envelope {
        Envelope::read(&HttpResponse { status: 200, retry_after_seconds: None, body: Some(body.to_owned()) })
    }

    #[test]
    fn errors_may_be_objects_strings_or_missing() {
        let failed = |code, message: &str| Envelope::Error(WiroError { code, message: message.to_owned() });
        let cases = [
            (r#"{"result":false,"errors":[{"code":96,"message":"limit"}]}"#, failed(Some(96), "limit")),
            (r#"{"result":false,"errors":[{"code":"97","message":"low"}]}"#, failed(Some(97), "low")),
            (r#"{"result":false,"errors":["no"]}"#, failed(None, "no")),
            (r#"{"result":false,"errors":null}"#, failed(None, "")),
            (r#"{"result":false}"#, failed(None, "")),
            (r#"{"result":"false","errors":[]}"#, failed(None, "")),
        ];
        for (body, expected) in cases {
            assert_eq!(read(body), expected, "{body}");
        }
    }

    #[test]
    fn anything_else_is_unreadable() {
        for body in ["", "null", "[]", "<html>", "{}", r#"{"result":null}"#, r#"{"result":1}"#] {
            assert_eq!(read(body), Envelope::Unreadable, "{body}");
        }
        let too_long = HttpResponse { status: 200, retry_after_seconds: None, body: None };
        assert_eq!(Envelope::read(&too_long), Envelope::Unreadable);
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_do_not_panic(body in ".{0,200}") {
            let _ = read(&body);
        }
    }
}
