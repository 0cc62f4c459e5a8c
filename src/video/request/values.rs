//! Parses the values of single fields.

use serde_json::Value;

use super::{Links, MAX_PROMPT_CHARS};
use crate::video::links::image_url::{self, MAX_URL_CHARS};
use crate::video::links::url::ParseUrl;
use crate::video::model::Need;

/// Parses a prompt. All kinds of line breaks become `\n`: forms send `\r\n`, text from slides contains vertical tabs.
pub fn prompt(value: Value, need: Need) -> Result<String, String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n");
    if text.is_empty() && need != Need::Required {
        return Ok(text);
    }
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(format!("must not be empty: 1 to {MAX_PROMPT_CHARS} characters"));
    }
    if length > MAX_PROMPT_CHARS {
        return Err(format!("has {length} characters; the limit is {MAX_PROMPT_CHARS}"));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("must not hold control characters other than tab and line breaks".to_owned());
    }
    Ok(text)
}

pub fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

pub fn seconds(value: &Value) -> Option<u16> {
    whole_number(value).and_then(|seconds| u16::try_from(seconds).ok())
}

/// Parses a whole number; a fraction of 0 is allowed, as in JSON Schema.
pub fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
            format!("{number:.0}").parse().ok()
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Parses the URL of a webhook by the rules for the URLs of frames.
pub fn callback_url(value: &Value, links: Links) -> Result<String, String> {
    let url = image_url(value, links.parse_url)?;
    links.callback_needs.map_or(Ok(url), |needs| Err(needs.to_owned()))
}

pub fn image_url(value: &Value, parse_url: ParseUrl) -> Result<String, String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    let length = text.chars().count();
    if length > MAX_URL_CHARS {
        return Err(format!("has {length} characters; the limit is {MAX_URL_CHARS}"));
    }
    image_url::check(text, parse_url).map_err(|problem| problem.to_string())?;
    Ok(text.clone())
}

pub fn metadata_value(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("must have strings as values".to_owned()),
    }
}
