//! A submit while its fields are read: each value with the name of the field that gave it.

use serde_json::Value;

use super::size::Size;
use super::values::{boolean, image_url, metadata_value, prompt, seconds};
use super::{
    FIRST, FIRST_URL, FieldError, FieldValue, LAST, LAST_URL, Links, MODEL, REFERENCE, REFERENCE_ID,
    REFERENCE_URL, Requested, Resolution, error, field_names, is_empty,
};
use crate::video::model::{Capabilities, Need};
use crate::video::record::metadata::Metadata;
use crate::video::record::{Image, Input};

/// A value, and the field that gave it.
type Given<T> = Option<(T, &'static str)>;

type Checked = Result<(), String>;

#[derive(Default)]
pub struct Draft {
    prompt: String,
    prompt_optimizer: Option<bool>,
    resolution: Given<Resolution>,
    duration: Given<u16>,
    size: Option<Size>,
    first: Given<Image>,
    first_url: Given<String>,
    last: Given<Image>,
    last_url: Given<String>,
    metadata: Metadata,
}

const NO_FIELD: &str = "is not a field of this model";

impl Draft {
    /// Takes one field.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn set(&mut self, name: &str, value: FieldValue, model: &Capabilities, links: Links) -> Checked {
        let is_empty = is_empty(name, &value);
        let value = match (name, value) {
            (FIRST | FIRST_URL | REFERENCE | REFERENCE_URL | REFERENCE_ID, _)
                if model.first_frame == Need::None && !is_empty =>
            {
                return Err(NO_FIELD.to_owned());
            }
            (LAST | LAST_URL, _) if model.last_frame == Need::None && !is_empty => {
                return Err(NO_FIELD.to_owned());
            }
            (FIRST, FieldValue::File(image)) => return only(&mut self.first, FIRST, image),
            (REFERENCE, FieldValue::File(image)) => return only(&mut self.first, REFERENCE, image),
            (LAST, FieldValue::File(image)) => return only(&mut self.last, LAST, image),
            (_, FieldValue::File(_)) => return Err("must not be a file".to_owned()),
            (_, FieldValue::Json(value)) => value,
        };
        match name {
            // A field that was left out by writing null.
            _ if is_empty && (field_names(model).contains(&name) || is_silent(name)) => {}
            FIRST | LAST => {
                return Err(format!("must be a file in multipart/form-data; for a link use {name}Url"));
            }
            FIRST_URL => return give(&mut self.first_url, FIRST_URL, image_url(&value, links.parse_url)?),
            LAST_URL => return give(&mut self.last_url, LAST_URL, image_url(&value, links.parse_url)?),
            REFERENCE => return self.refer(value, links),
            REFERENCE_URL => {
                return give(&mut self.first_url, REFERENCE_URL, image_url(&value, links.parse_url)?);
            }
            REFERENCE_ID => return give(&mut self.first_url, REFERENCE_ID, file_url(&value, links)?),
            "prompt" => self.prompt = prompt(value, model.prompt)?,
            "promptOptimizer" => self.prompt_optimizer = Some(boolean(&value)?),
            "resolution" => {
                let resolution = model.resolution(value.as_str().unwrap_or_default())?;
                return give(&mut self.resolution, "resolution", resolution);
            }
            "size" => return self.set_size(&value, model),
            "duration" => return give(&mut self.duration, "duration", model.duration(seconds(&value))?),
            "seconds" => return give(&mut self.duration, "seconds", model.duration(seconds(&value))?),
            "metadata" => return self.describe(value),
            // The model was chosen before.
            MODEL | "user" => {}
            "n" if seconds(&value) == Some(1) => {}
            "n" => return Err("must be 1: a request makes one video".to_owned()),
            _ => match name.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']')) {
                Some(key) => return self.metadata.insert(key, &metadata_value(value)?),
                None => {
                    return Err(format!("is not a field; the fields are {}", field_names(model).join(", ")));
                }
            },
        }
        Ok(())
    }

    /// A file and a link for the same frame.
    pub fn conflicts(&self) -> Vec<FieldError> {
        let frames = [(&self.first, &self.first_url), (&self.last, &self.last_url)];
        let both = frames.into_iter().filter_map(|(file, link)| file.as_ref().zip(link.as_ref()));
        both.map(|((_, file), (_, link))| error(link, format!("give {file} or {link}, not both"))).collect()
    }

    /// A size that only a first frame can give a video.
    pub fn shape_without_frame(&self) -> Option<String> {
        self.size.filter(|size| !size.is_landscape()).map(|size| size.to_string())
    }

    /// What is asked for, with the defaults of the model.
    ///
    /// # Errors
    /// When the model does not make resolution and duration together.
    pub fn finish(self, model: &Capabilities) -> Result<Requested, FieldError> {
        let asked = |given: &Given<u16>| given.as_ref().map(|(duration, _)| *duration);
        let resolution = self.resolution.as_ref().map(|(resolution, _)| resolution);
        let (resolution, duration) = model.format(resolution, asked(&self.duration))?;
        let input = Input {
            prompt: self.prompt,
            prompt_optimizer: self.prompt_optimizer.unwrap_or(true),
            resolution,
            duration,
            input_image_first: self.first.map(|(image, _)| image),
            input_image_first_url: self.first_url.map(|(link, _)| link),
            input_image_last: self.last.map(|(image, _)| image),
            input_image_last_url: self.last_url.map(|(link, _)| link),
        };
        Ok(Requested { input, metadata: self.metadata })
    }

    fn set_size(&mut self, value: &Value, model: &Capabilities) -> Checked {
        let text = value.as_str().unwrap_or_default();
        // A resolution's name can mean nothing else.
        let resolution = if let Ok(resolution) = model.resolution(text) {
            resolution
        } else {
            let size = Size::parse(text).ok_or("must be WIDTHxHEIGHT, such as 1366x768 or 1920x1080")?;
            self.size = Some(size);
            size.resolution(model)?
        };
        give(&mut self.resolution, "size", resolution)
    }

    /// `input_reference` that is no file: a link, or an object with a link or the id of a file. A form may hold such an
    /// object as text.
    fn refer(&mut self, value: Value, links: Links) -> Checked {
        let value = match value {
            Value::String(text) if text.trim_start().starts_with('{') => {
                serde_json::from_str(&text).map_err(|_| REFERENCE_RULE.to_owned())?
            }
            value => value,
        };
        let members = match value {
            Value::String(_) => {
                return give(&mut self.first_url, REFERENCE, image_url(&value, links.parse_url)?);
            }
            Value::Object(members) if !members.is_empty() => members,
            _ => return Err(REFERENCE_RULE.to_owned()),
        };
        for (name, value) in members {
            let link = match name.as_str() {
                _ if value.is_null() => continue,
                "image_url" => image_url(&value, links.parse_url)?,
                "file_id" => file_url(&value, links)?,
                _ => return Err(REFERENCE_RULE.to_owned()),
            };
            give(&mut self.first_url, REFERENCE, link)?;
        }
        Ok(())
    }

    /// `metadata` as a whole. A form may hold it as text.
    fn describe(&mut self, value: Value) -> Checked {
        const RULE: &str = "must be an object whose values are strings";
        let value = match value {
            Value::String(text) => serde_json::from_str(&text).map_err(|_| RULE.to_owned())?,
            value => value,
        };
        let Value::Object(members) = value else { return Err(RULE.to_owned()) };
        for (key, value) in members {
            self.metadata.insert(&key, &metadata_value(value)?)?;
        }
        Ok(())
    }
}

const REFERENCE_RULE: &str = "must be a file, or an object with image_url or file_id";

/// Fields that are taken without effect, or only beside another.
fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "user" | "n" | REFERENCE_URL | REFERENCE_ID | LAST | LAST_URL | FIRST | FIRST_URL | REFERENCE
    )
}

fn file_url(value: &Value, links: Links) -> Result<String, String> {
    let id = value.as_str().unwrap_or_default();
    (links.file_url)(id).ok_or_else(|| "must name a file of POST /v1/files that is yours".to_owned())
}

/// Two fields for one thing must say the same.
fn give<T: PartialEq>(slot: &mut Given<T>, name: &'static str, value: T) -> Checked {
    match slot {
        Some((known, _)) if *known == value => Ok(()),
        Some((_, other)) => Err(format!("says something else than {other}: give one of them")),
        None => {
            *slot = Some((value, name));
            Ok(())
        }
    }
}

/// Two files cannot be compared while they come in.
fn only(slot: &mut Given<Image>, name: &'static str, image: Image) -> Checked {
    if let Some((_, other)) = slot {
        return Err(format!("give {other} or {name}, not both"));
    }
    *slot = Some((image, name));
    Ok(())
}
