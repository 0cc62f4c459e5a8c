//! What a caller may ask for: the fields of a submit, checked all at once.
//!
//! Both body formats arrive as the same list of named values, so that a rule is written once.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::image_url::{self, MAX_URL_CHARS};
use super::record::{Image, Input};
use super::url::ParseUrl;
use crate::from_json;

/// `MiniMax`'s own limit for a prompt.
pub const MAX_PROMPT_CHARS: usize = 2000;

/// `MiniMax`'s own limit for a first frame.
pub const MAX_IMAGE_BYTES: u64 = 20 * 1024 * 1024;

pub const FIELD_NAMES: [&str; 6] =
    ["prompt", "promptOptimizer", "resolution", "duration", IMAGE_FIELD, IMAGE_URL_FIELD];
pub const IMAGE_FIELD: &str = "inputImageFirst";
pub const IMAGE_URL_FIELD: &str = "inputImageFirstUrl";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Resolution {
    #[serde(rename = "768P")]
    P768,
    #[serde(rename = "1080P")]
    P1080,
}

from_json!(enum Resolution { "768P" => P768, "1080P" => P1080 });

impl Resolution {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P768 => "768P",
            Self::P1080 => "1080P",
        }
    }
}

/// The image types that both Wiro and `MiniMax` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ImageType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/webp")]
    Webp,
}

from_json!(enum ImageType { "image/jpeg" => Jpeg, "image/png" => Png, "image/webp" => Webp });

impl ImageType {
    /// Bytes that [`sniff`](Self::sniff) needs to see.
    pub const MAGIC_BYTES: usize = 12;

    /// The type by the first bytes; what a client claims is never asked.
    #[must_use]
    pub fn sniff(start: &[u8]) -> Option<Self> {
        match start {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// The usual ending of a file of this type.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// One value of a submit, before any check.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// A JSON value; a text field of a form is a JSON string.
    Json(Value),
    /// A file of a form, already stored, its type sniffed and its size counted.
    File(Image),
}

/// The fields of a submit in the order given; names may repeat and may be unknown.
pub type Fields = Vec<(String, FieldValue)>;

/// One thing that is wrong with a submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

/// Checks every field and applies the defaults.
///
/// # Errors
/// Every bad field at once, in the order of the fields given, then the missing and the conflicting.
pub fn validate(fields: Fields, parse_url: ParseUrl) -> Result<Input, Vec<FieldError>> {
    let mut draft = Draft::default();
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, value) in fields {
        if seen.contains(&name) {
            errors.push(error(&name, "is given more than once"));
            continue;
        }
        if let Err(message) = draft.set(&name, value, parse_url) {
            errors.push(error(&name, message));
        }
        seen.insert(name);
    }
    let was_given = |name: &str| seen.contains(name);
    if !was_given("prompt") {
        errors.push(error("prompt", "is required: 1 to 2000 characters"));
    }
    if draft.duration == Some(10) && draft.resolution == Some(Resolution::P1080) {
        errors.push(error("duration", "10 seconds are made in 768P only; 1080P makes 6"));
    }
    if draft.image.is_some() && draft.image_url.is_some() {
        errors.push(error(IMAGE_URL_FIELD, "give inputImageFirst or inputImageFirstUrl, not both"));
    }
    if errors.is_empty() { Ok(draft.finish()) } else { Err(errors) }
}

#[derive(Default)]
struct Draft {
    prompt: String,
    prompt_optimizer: Option<bool>,
    resolution: Option<Resolution>,
    duration: Option<u8>,
    image: Option<Image>,
    image_url: Option<String>,
}

type Checked = Result<(), String>;

impl Draft {
    fn set(&mut self, name: &str, value: FieldValue, parse_url: ParseUrl) -> Checked {
        match (name, value) {
            (IMAGE_FIELD, FieldValue::File(image)) => self.image = Some(image),
            // A form sends an empty field for a file that was not chosen.
            (IMAGE_FIELD, FieldValue::Json(value)) if is_empty(&value) => {}
            (IMAGE_FIELD, FieldValue::Json(_)) => {
                return Err(
                    "must be a file in multipart/form-data; for a link use inputImageFirstUrl".to_owned()
                );
            }
            ("prompt", FieldValue::Json(value)) => self.prompt = prompt(value)?,
            ("promptOptimizer", FieldValue::Json(value)) => self.prompt_optimizer = Some(boolean(&value)?),
            ("resolution", FieldValue::Json(value)) => self.resolution = Some(resolution(&value)?),
            ("duration", FieldValue::Json(value)) => self.duration = Some(duration(&value)?),
            (IMAGE_URL_FIELD, FieldValue::Json(value)) if is_empty(&value) => {}
            (IMAGE_URL_FIELD, FieldValue::Json(value)) => {
                self.image_url = Some(image_url(&value, parse_url)?);
            }
            (_, FieldValue::File(_)) => return Err("must not be a file".to_owned()),
            _ => return Err(format!("is not a field; the fields are {}", FIELD_NAMES.join(", "))),
        }
        Ok(())
    }

    fn finish(self) -> Input {
        Input {
            prompt: self.prompt,
            prompt_optimizer: self.prompt_optimizer.unwrap_or(true),
            resolution: self.resolution.unwrap_or(Resolution::P768),
            duration: self.duration.unwrap_or(6),
            input_image_first: self.image,
            input_image_first_url: self.image_url,
        }
    }
}

pub(super) fn error(field: &str, message: impl Into<String>) -> FieldError {
    /// Longest name that is echoed: unknown names come from strangers.
    const MAX_NAME_CHARS: usize = 64;
    FieldError { field: field.chars().take(MAX_NAME_CHARS).collect(), message: message.into() }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn prompt(value: Value) -> Result<String, String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(format!("must not be empty: 1 to {MAX_PROMPT_CHARS} characters"));
    }
    if length > MAX_PROMPT_CHARS {
        return Err(format!("has {length} characters; the limit is {MAX_PROMPT_CHARS}"));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("must not hold control characters other than tab and line breaks".to_owned());
    }
    Ok(text)
}

fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

fn resolution(value: &Value) -> Result<Resolution, String> {
    match value.as_str() {
        Some("768P") => Ok(Resolution::P768),
        Some("1080P") => Ok(Resolution::P1080),
        _ => Err("must be 768P or 1080P".to_owned()),
    }
}

fn duration(value: &Value) -> Result<u8, String> {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text == "6" => Some(6.0),
        Value::String(text) if text == "10" => Some(10.0),
        _ => None,
    };
    match seconds {
        Some(6.0) => Ok(6),
        Some(10.0) => Ok(10),
        _ => Err("must be 6 or 10 (seconds)".to_owned()),
    }
}

fn image_url(value: &Value, parse_url: ParseUrl) -> Result<String, String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    let length = text.chars().count();
    if length > MAX_URL_CHARS {
        return Err(format!("has {length} characters; the limit is {MAX_URL_CHARS}"));
    }
    image_url::check(text, parse_url).map_err(|problem| problem.to_string())?;
    Ok(text.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::video::url::native::parse;

    fn fields(body: &Value) -> Fields {
        let object = body.as_object().unwrap().clone();
        object.into_iter().map(|(name, value)| (name, FieldValue::Json(value))).collect()
    }

    fn bad_fields(body: &Value) -> Vec<String> {
        let errors = validate(fields(body), parse).unwrap_err();
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn defaults_are_the_contracts() {
        let input = validate(fields(&json!({ "prompt": "a cat" })), parse).unwrap();
        assert!(input.prompt_optimizer);
        assert_eq!((input.resolution, input.duration), (Resolution::P768, 6));
        assert_eq!((input.input_image_first, input.input_image_first_url), (None, None));
    }

    #[test]
    fn booleans_and_numbers_may_be_strings() {
        let input = validate(
            fields(&json!({
                "prompt": "a", "promptOptimizer": "false", "duration": "10", "resolution": "768P",
                "inputImageFirst": "", "inputImageFirstUrl": "",
            })),
            parse,
        )
        .unwrap();
        assert_eq!((input.prompt_optimizer, input.duration), (false, 10));
        let input = validate(fields(&json!({ "prompt": "a", "duration": 10.0 })), parse).unwrap();
        assert_eq!(input.duration, 10);
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let body = json!({
            "prompt": "", "promptOptimizer": "maybe", "resolution": "4K", "duration": 7,
            "inputImageFirst": "cat.png", "inputImageFirstUrl": "http://example.com/", "seed": 1,
        });
        let mut named = bad_fields(&body);
        named.sort();
        let mut expected: Vec<String> = FIELD_NAMES.map(str::to_owned).into();
        expected.push("seed".to_owned());
        expected.sort();
        assert_eq!(named, expected);
    }

    #[test]
    fn rules_between_fields() {
        let long = json!({ "prompt": "a", "resolution": "1080P", "duration": 10 });
        assert_eq!(bad_fields(&long), ["duration"]);
        let image = Image { content_type: ImageType::Png, size: 1 };
        let both = vec![
            ("prompt".to_owned(), FieldValue::Json(json!("a"))),
            (IMAGE_FIELD.to_owned(), FieldValue::File(image)),
            (IMAGE_URL_FIELD.to_owned(), FieldValue::Json(json!("https://example.com/a.png"))),
        ];
        assert_eq!(validate(both, parse).unwrap_err()[0].field, IMAGE_URL_FIELD);
        let twice = vec![
            ("prompt".to_owned(), FieldValue::Json(json!("a"))),
            ("prompt".to_owned(), FieldValue::Json(json!("b"))),
        ];
        assert_eq!(validate(twice, parse).unwrap_err(), [error("prompt", "is given more than once")]);
        assert_eq!(bad_fields(&json!({})), ["prompt"]);
    }

    #[test]
    fn prompts_are_counted_in_characters() {
        let longest = json!({ "prompt": "é".repeat(MAX_PROMPT_CHARS) });
        assert!(validate(fields(&longest), parse).is_ok());
        let longer = json!({ "prompt": "é".repeat(MAX_PROMPT_CHARS + 1) });
        let errors = validate(fields(&longer), parse).unwrap_err();
        assert_eq!(errors, [error("prompt", "has 2001 characters; the limit is 2000")]);
        assert_eq!(bad_fields(&json!({ "prompt": " \n" })), ["prompt"]);
        assert_eq!(bad_fields(&json!({ "prompt": "a\u{0}b" })), ["prompt"]);
        assert!(validate(fields(&json!({ "prompt": "a\r\n\tb" })), parse).is_ok());
    }

    #[test]
    fn images_are_known_by_their_bytes() {
        assert_eq!(ImageType::sniff(b"\xff\xd8\xff\xe0 JFIF"), Some(ImageType::Jpeg));
        assert_eq!(ImageType::sniff(b"\x89PNG\r\n\x1a\nIHDR"), Some(ImageType::Png));
        assert_eq!(ImageType::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(ImageType::Webp));
        for other in [&b"GIF89a"[..], b"just text", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b""] {
            assert_eq!(ImageType::sniff(other), None);
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(name in "(prompt|duration|resolution|promptOptimizer|inputImageFirst|inputImageFirstUrl|.{0,9})", text in ".{0,40}") {
            for value in [json!(text), json!([text]), json!(null), json!(1e300), json!({ "a": text })] {
                let given = vec![(name.clone(), FieldValue::Json(value))];
                if let Err(errors) = validate(given, parse) {
                    prop_assert!(!errors.is_empty());
                }
            }
        }
    }
}
