//! What a caller may ask for: the fields of a submit, checked all at once.
//!
//! Both body formats arrive as the same list of named values, so that a rule is written once.

pub mod json_fields;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::links::image_url::{self, MAX_URL_CHARS};
use super::links::url::ParseUrl;
use super::model::{Capabilities, Format, Need};
use super::record::{Image, Input};

/// `MiniMax`'s own limit for a prompt.
pub const MAX_PROMPT_CHARS: usize = 2000;

/// `MiniMax`'s own limit for a first frame.
pub const MAX_IMAGE_BYTES: u64 = 20 * 1024 * 1024;

/// The fields that may be files.
pub const IMAGE_FIELDS: [&str; 2] = [FIRST, LAST];
const FIRST: &str = "inputImageFirst";
const LAST: &str = "inputImageLast";
const FIRST_URL: &str = "inputImageFirstUrl";
const LAST_URL: &str = "inputImageLastUrl";

/// A resolution as the model names it, such as `768P`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Resolution(String);

impl Resolution {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The image types that both Wiro and `MiniMax` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum ImageType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/webp")]
    Webp,
}

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

/// Checks every field by what the model takes, and applies the defaults.
///
/// # Errors
/// Every bad field at once, in the order of the fields given, then the missing and the conflicting.
pub fn validate(fields: Fields, model: &Capabilities, parse_url: ParseUrl) -> Result<Input, Vec<FieldError>> {
    let mut draft = Draft::default();
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, value) in fields {
        if seen.contains(&name) {
            errors.push(error(&name, "is given more than once"));
            continue;
        }
        if let Err(message) = draft.set(&name, value, model, parse_url) {
            errors.push(error(&name, message));
        }
        seen.insert(name);
    }
    let was_given = |name: &str| seen.contains(name);
    let may_lack_prompt = match model.prompt {
        Need::Required => false,
        Need::Optional => was_given(FIRST) || was_given(FIRST_URL),
        Need::None => true,
    };
    if !was_given("prompt") && !may_lack_prompt {
        errors.push(error("prompt", "is required: 1 to 2000 characters"));
    }
    for (frame, (file, file_name), (url, url_name)) in [
        (model.first_frame, (&draft.first, FIRST), (&draft.first_url, FIRST_URL)),
        (model.last_frame, (&draft.last, LAST), (&draft.last_url, LAST_URL)),
    ] {
        if file.is_some() && url.is_some() {
            errors.push(error(url_name, format!("give {file_name} or {url_name}, not both")));
        }
        if frame == Need::Required && !was_given(file_name) && !was_given(url_name) {
            errors.push(error(file_name, format!("or {url_name} is required by this model")));
        }
    }
    let format = model.format(draft.resolution.as_ref(), draft.duration).unwrap_or_else(|wrong| {
        errors.push(wrong);
        (None, None)
    });
    if errors.is_empty() { Ok(draft.finish(format)) } else { Err(errors) }
}

#[derive(Default)]
struct Draft {
    prompt: String,
    prompt_optimizer: Option<bool>,
    resolution: Option<Resolution>,
    duration: Option<u16>,
    first: Option<Image>,
    first_url: Option<String>,
    last: Option<Image>,
    last_url: Option<String>,
}

type Checked = Result<(), String>;

impl Draft {
    fn set(&mut self, name: &str, value: FieldValue, model: &Capabilities, parse_url: ParseUrl) -> Checked {
        match (name, value) {
            // A form sends an empty field for a file that was not chosen, and for a link that was not filled in.
            (FIRST | FIRST_URL | LAST | LAST_URL, FieldValue::Json(value)) if is_empty(&value) => {}
            (FIRST | FIRST_URL, _) if model.first_frame == Need::None => return Err(NO_FIELD.to_owned()),
            (LAST | LAST_URL, _) if model.last_frame == Need::None => return Err(NO_FIELD.to_owned()),
            (FIRST, FieldValue::File(image)) => self.first = Some(image),
            (LAST, FieldValue::File(image)) => self.last = Some(image),
            (FIRST | LAST, FieldValue::Json(_)) => {
                return Err(format!("must be a file in multipart/form-data; for a link use {name}Url"));
            }
            (FIRST_URL, FieldValue::Json(value)) => self.first_url = Some(image_url(&value, parse_url)?),
            (LAST_URL, FieldValue::Json(value)) => self.last_url = Some(image_url(&value, parse_url)?),
            ("prompt", FieldValue::Json(value)) => self.prompt = prompt(value, model.prompt)?,
            ("promptOptimizer", FieldValue::Json(value)) => self.prompt_optimizer = Some(boolean(&value)?),
            ("resolution", FieldValue::Json(value)) => {
                self.resolution = Some(model.resolution(value.as_str().unwrap_or_default())?);
            }
            ("duration", FieldValue::Json(value)) => self.duration = Some(model.duration(seconds(&value))?),
            (_, FieldValue::File(_)) => return Err("must not be a file".to_owned()),
            _ => return Err(format!("is not a field; the fields are {}", field_names(model).join(", "))),
        }
        Ok(())
    }

    fn finish(self, (resolution, duration): Format) -> Input {
        Input {
            prompt: self.prompt,
            prompt_optimizer: self.prompt_optimizer.unwrap_or(true),
            resolution,
            duration,
            input_image_first: self.first,
            input_image_first_url: self.first_url,
            input_image_last: self.last,
            input_image_last_url: self.last_url,
        }
    }
}

const NO_FIELD: &str = "is not a field of this model";

/// The fields that a submit for this model may have.
#[must_use]
pub fn field_names(model: &Capabilities) -> Vec<&'static str> {
    let mut names = vec!["prompt", "promptOptimizer", "resolution", "duration"];
    if model.first_frame != Need::None {
        names.extend([FIRST, FIRST_URL]);
    }
    if model.last_frame != Need::None {
        names.extend([LAST, LAST_URL]);
    }
    names
}

pub(super) fn error(field: &str, message: impl Into<String>) -> FieldError {
    /// Longest name that is echoed: unknown names come from strangers.
    const MAX_NAME_CHARS: usize = 64;
    FieldError { field: field.chars().take(MAX_NAME_CHARS).collect(), message: message.into() }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn prompt(value: Value, need: Need) -> Result<String, String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
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

/// Whole seconds, which may be written with a fraction of 0.
fn seconds(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|seconds| seconds.fract() == 0.0)?;
            format!("{seconds:.0}").parse().ok()
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
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
mod tests;
