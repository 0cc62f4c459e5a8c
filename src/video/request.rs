//! What a caller may ask for: the fields of a submit, checked all at once.
//!
//! Both body formats arrive as the same list of named values, so that a rule is written once. A field has Wiro's name, or
//! the name that OpenAI's Videos API gives it; two names for one thing must say the same.

mod draft;
pub mod json_fields;
mod size;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use self::draft::Draft;
use super::links::url::ParseUrl;
use super::model::{Capabilities, Need};
use super::record::metadata::Metadata;
use super::record::{Image, Input};

/// `MiniMax`'s own limit for a prompt.
pub const MAX_PROMPT_CHARS: usize = 2000;

/// `MiniMax`'s own limit for a first frame.
pub const MAX_IMAGE_BYTES: u64 = 20 * 1024 * 1024;

/// The fields that may be files.
pub const IMAGE_FIELDS: [&str; 3] = [FIRST, REFERENCE, LAST];
/// How many of them one submit may have.
pub const MAX_IMAGES: u64 = 2;

const FIRST: &str = "inputImageFirst";
pub const LAST: &str = "inputImageLast";
const FIRST_URL: &str = "inputImageFirstUrl";
const LAST_URL: &str = "inputImageLastUrl";
/// OpenAI's name of the first frame: a file, a link or the id of an uploaded file.
const REFERENCE: &str = "input_reference";
const REFERENCE_URL: &str = "input_reference[image_url]";
const REFERENCE_ID: &str = "input_reference[file_id]";
const FIRST_NAMES: [&str; 5] = [FIRST, FIRST_URL, REFERENCE, REFERENCE_URL, REFERENCE_ID];
const LAST_NAMES: [&str; 2] = [LAST, LAST_URL];

const MODEL: &str = "model";

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
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize)]
#[error("{field} {message}")]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

/// How links and file ids are read.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    pub parse_url: ParseUrl,
    /// The link of an uploaded file, by its id; `None` when the caller has no such file.
    pub file_url: &'a dyn Fn(&str) -> Option<String>,
}

/// What is asked for, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    pub input: Input,
    pub metadata: Metadata,
}

/// The model that a submit names; `None` for the default one.
///
/// # Errors
/// When it is no text.
pub fn named_model(fields: &Fields) -> Result<Option<&str>, FieldError> {
    match fields.iter().find(|(name, _)| name == MODEL) {
        None | Some((_, FieldValue::Json(Value::Null))) => Ok(None),
        Some((_, FieldValue::Json(Value::String(model)))) => Ok(Some(model)),
        Some(_) => Err(error(MODEL, "must be a string")),
    }
}

/// Checks every field by what the model takes, and applies the defaults.
///
/// # Errors
/// Every bad field at once, in the order of the fields given, then the missing and the conflicting.
pub fn validate(fields: Fields, model: &Capabilities, links: Links) -> Result<Requested, Vec<FieldError>> {
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
    if let Some(size) = draft.shape_without_frame()
        && !is_given(&FIRST_NAMES)
    {
        errors.push(error("size", format!("{size} needs a first frame, whose shape the video takes")));
    }
    match draft.finish(model) {
        Ok(requested) if errors.is_empty() => Ok(requested),
        Ok(_) => Err(errors),
        Err(wrong) => {
            errors.push(wrong);
            Err(errors)
        }
    }
}

/// The fields that a submit for this model may have, Wiro's names first.
#[must_use]
pub fn field_names(model: &Capabilities) -> Vec<&'static str> {
    let mut names = vec!["prompt", "promptOptimizer", "resolution", "duration"];
    if model.first_frame != Need::None {
        names.extend([FIRST, FIRST_URL]);
    }
    if model.last_frame != Need::None {
        names.extend(LAST_NAMES);
    }
    names.extend([MODEL, "seconds", "size", REFERENCE, "metadata"]);
    names
}

pub(super) fn error(field: &str, message: impl Into<String>) -> FieldError {
    /// Longest name that is echoed: unknown names come from strangers.
    const MAX_NAME_CHARS: usize = 64;
    FieldError { field: field.chars().take(MAX_NAME_CHARS).collect(), message: message.into() }
}

/// Null, and for a picture an empty text: a form sends one for a file that was not chosen, and for a link that was not
/// filled in.
fn is_empty(name: &str, value: &FieldValue) -> bool {
    match value {
        FieldValue::Json(Value::Null) => true,
        FieldValue::Json(Value::String(text)) if text.is_empty() => {
            FIRST_NAMES.contains(&name) || LAST_NAMES.contains(&name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
