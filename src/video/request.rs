//! Validates the fields of a submit, all at once.
//!
//! JSON and forms are converted to the same list of named values, so each rule is written once. A field has Wiro's name or
//! the name of OpenAI's Videos API; if both are given, their values must be equal.

mod draft;
pub mod json_fields;
mod size;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use self::draft::Draft;
pub(crate) use self::values::whole_number;
use super::links::url::ParseUrl;
use super::model::{Capabilities, Need};
use super::record::metadata::Metadata;
use super::record::{Image, Input};

/// `MiniMax`'s limit for a prompt.
pub const MAX_PROMPT_CHARS: usize = 2000;

/// `MiniMax`'s limit for a first frame.
pub const MAX_IMAGE_BYTES: u64 = 20 * 1024 * 1024;

/// The fields that may be files.
pub const IMAGE_FIELDS: [&str; 3] = [FIRST, REFERENCE, LAST];
/// Limit for the files of one submit.
pub const MAX_IMAGES: u64 = 2;

const FIRST: &str = "inputImageFirst";
pub const LAST: &str = "inputImageLast";
const FIRST_URL: &str = "inputImageFirstUrl";
const LAST_URL: &str = "inputImageLastUrl";
/// OpenAI's name of the first frame: a file, a URL, or the id of an uploaded file.
const REFERENCE: &str = "input_reference";
const REFERENCE_URL: &str = "input_reference[image_url]";
const REFERENCE_ID: &str = "input_reference[file_id]";
const FIRST_NAMES: [&str; 5] = [FIRST, FIRST_URL, REFERENCE, REFERENCE_URL, REFERENCE_ID];
const LAST_NAMES: [&str; 2] = [LAST, LAST_URL];

const MODEL: &str = "model";
pub const CALLBACK_URL: &str = "callback_url";

/// The model's name of a resolution, such as `768P`.
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

/// The image types that both Wiro and `MiniMax` accept.
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

    /// Detects the type by the first bytes. The declared type is ignored.
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

    /// The usual file extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// The value of a field before validation.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// A JSON value; a text field of a form is a JSON string.
    Json(Value),
    /// A file of a form, which was read already.
    File(Image),
}

/// The fields of a submit in their order. Names may be repeated or unknown.
pub type Fields = Vec<(String, FieldValue)>;

/// An error in one field.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize)]
#[error("{field} {message}")]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

/// What decides about URLs and file ids.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    pub parse_url: ParseUrl,
    /// The URL of an uploaded file, by its id; `None` if the caller has no such file.
    pub file_url: &'a dyn Fn(&str) -> Option<String>,
    /// What must be set before the caller may give a `callback_url`, if anything.
    pub callback_needs: Option<&'static str>,
}

/// A valid submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidRequest {
    pub input: Input,
    pub metadata: Metadata,
    /// The URL that is told of the video's end.
    pub callback_url: Option<String>,
}

/// The name of the model in a submit; `None` for the default one.
///
/// # Errors
/// If it is not a string.
pub fn named_model(fields: &Fields) -> Result<Option<&str>, FieldError> {
    match fields.iter().find(|(name, _)| name == MODEL) {
        None | Some((_, FieldValue::Json(Value::Null))) => Ok(None),
        Some((_, FieldValue::Json(Value::String(model)))) => Ok(Some(model)),
        Some(_) => Err(error(MODEL, "must be a string")),
    }
}

/// Validates all fields for this model, and applies its defaults.
///
/// # Errors
/// All invalid fields in their order, then the missing and the conflicting ones.
pub fn validate(fields: Fields, model: &Capabilities, links: Links) -> Result<ValidRequest, Vec<FieldError>> {
    let mut draft = Draft::default();
    let mut errors = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut given: Vec<String> = Vec::new();
    for (name, value) in fields {
        if seen.contains(&name) {
            errors.push(error(&name, "is given more than once"));
            continue;
        }
        if !is_empty(&name, &value) {
            given.push(name.clone());
        }
        if let Err(message) = draft.set(&name, value, model, links) {
            errors.push(error(&name, message));
        }
        seen.push(name);
    }
    let is_given = |names: &[&str]| names.iter().any(|name| given.iter().any(|known| known == name));
    let may_lack_prompt = match model.prompt {
        Need::Required => false,
        Need::Optional => is_given(&FIRST_NAMES),
        Need::None => true,
    };
    if !is_given(&["prompt"]) && !may_lack_prompt {
        errors.push(error("prompt", "is required: 1 to 2000 characters"));
    }
    errors.extend(draft.conflicts());
    for (frame, names) in [(model.first_frame, &FIRST_NAMES[..]), (model.last_frame, &LAST_NAMES[..])] {
        if let (Need::Required, false, [file, url, ..]) = (frame, is_given(names), names) {
            errors.push(error(file, format!("or {url} is required by this model")));
        }
    }
    if let Some(size) = draft.size_that_needs_frame()
        && !is_given(&FIRST_NAMES)
    {
        errors.push(error("size", format!("{size} needs a first frame, whose shape the video takes")));
    }
    match draft.finish(model) {
        Ok(requested) if errors.is_empty() => Ok(requested),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(error);
            Err(errors)
        }
    }
}

/// The allowed fields for this model, Wiro's names first.
#[must_use]
pub fn field_names(model: &Capabilities) -> Vec<&'static str> {
    let mut names = vec!["prompt", "promptOptimizer", "resolution", "duration"];
    if model.first_frame != Need::None {
        names.extend([FIRST, FIRST_URL]);
    }
    if model.last_frame != Need::None {
        names.extend(LAST_NAMES);
    }
    names.extend([MODEL, "seconds", "size", REFERENCE, "metadata", CALLBACK_URL]);
    names
}

pub(super) fn error(field: &str, message: impl Into<String>) -> FieldError {
    /// Longer names are cut, because clients choose unknown names.
    const MAX_NAME_CHARS: usize = 64;
    FieldError { field: field.chars().take(MAX_NAME_CHARS).collect(), message: message.into() }
}

/// Whether a field is null or, for a frame or a URL, an empty text: forms send that if no file was chosen or no URL was
/// entered.
fn is_empty(name: &str, value: &FieldValue) -> bool {
    match value {
        FieldValue::Json(Value::Null) => true,
        FieldValue::Json(Value::String(text)) if text.is_empty() => {
            name == CALLBACK_URL || FIRST_NAMES.contains(&name) || LAST_NAMES.contains(&name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
