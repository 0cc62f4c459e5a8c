//! Collects the values of a submit. Each value is stored with the name of its field.

use serde_json::Value;

use super::size::Size;
use super::values::{boolean, callback_url, image_url, metadata_value, prompt, seconds};
use super::{
    CALLBACK_URL, FIRST, FIRST_URL, FieldError, FieldValue, LAST, LAST_URL, Links, MODEL, REFERENCE,
    REFERENCE_ID, REFERENCE_URL, Resolution, ValidRequest, error, field_names, is_empty,
};
use crate::video::model::{Capabilities, Need};
use crate::video::record::metadata::Metadata;
use crate::video::record::{Image, Input};

/// A value, and the name of its field.
type FromField<T> = Option<(T, &'static str)>;

type FieldResult = Result<(), String>;

#[derive(Default)]
pub struct Draft {
    prompt: String,
    prompt_optimizer: Option<bool>,
    resolution: FromField<Resolution>,
    duration: FromField<u16>,
    size: Option<Size>,
    first: FromField<Image>,
    first_url: FromField<String>,
    last: FromField<Image>,
    last_url: FromField<String>,
    metadata: Metadata,
    callback_url: Option<String>,
}

const NO_FIELD: &str = "is not a field of this model";

impl Draft {
    /// Sets one field.
    ///
    /// # Errors
    /// The message for an invalid value.
    pub fn set(&mut self, name: &str, value: FieldValue, model: &Capabilities, links: Links) -> FieldResult {
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
            (FIRST, FieldValue::File(image)) => return set_image(&mut self.first, FIRST, image),
            (REFERENCE, FieldValue::File(image)) => return set_image(&mut self.first, REFERENCE, image),
            (LAST, FieldValue::File(image)) => return set_image(&mut self.last, LAST, image),
            (_, FieldValue::File(_)) => return Err("must not be a file".to_owned()),
            (_, FieldValue::Json(value)) => value,
        };
        match name {
            // A null or empty field counts as missing.
            _ if is_empty && (field_names(model).contains(&name) || is_unlisted(name)) => {}
            FIRST | LAST => {
                return Err(format!("must be a file in multipart/form-data; for a link use {name}Url"));
            }
            FIRST_URL => {
                return set_value(&mut self.first_url, FIRST_URL, image_url(&value, links.parse_url)?);
            }
            LAST_URL => return set_value(&mut self.last_url, LAST_URL, image_url(&value, links.parse_url)?),
            REFERENCE => return self.set_reference(value, links),
            REFERENCE_URL => {
                return set_value(&mut self.first_url, REFERENCE_URL, image_url(&value, links.parse_url)?);
            }
            REFERENCE_ID => return set_value(&mut self.first_url, REFERENCE_ID, file_url(&value, links)?),
            "prompt" => self.prompt = prompt(value, model.prompt)?,
            "promptOptimizer" => self.prompt_optimizer = Some(boolean(&value)?),
            "resolution" => {
                let resolution = model.resolution(value.as_str().unwrap_or_default())?;
                return set_value(&mut self.resolution, "resolution", resolution);
            }
            "size" => return self.set_size(&value, model),
            "duration" => return set_value(&mut self.duration, "duration", model.duration(seconds(&value))?),
            "seconds" => return set_value(&mut self.duration, "seconds", model.duration(seconds(&value))?),
            "metadata" => return self.set_metadata(value),
            CALLBACK_URL => self.callback_url = Some(callback_url(&value, links)?),
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

    /// The errors for frames that have both a file and a URL.
    pub fn conflicts(&self) -> Vec<FieldError> {
        let frames = [(&self.first, &self.first_url), (&self.last, &self.last_url)];
        let both = frames.into_iter().filter_map(|(file, link)| file.as_ref().zip(link.as_ref()));
        both.map(|((_, file), (_, link))| error(link, format!("give {file} or {link}, not both"))).collect()
    }

    /// The size, if it is not landscape: then it needs a first frame, because the video takes its shape.
    pub fn size_that_needs_frame(&self) -> Option<String> {
        self.size.filter(|size| !size.is_landscape()).map(|size| size.to_string())
    }

    /// Applies the defaults of the model.
    ///
    /// # Errors
    /// If the model does not offer this combination of resolution and duration.
    pub fn finish(self, model: &Capabilities) -> Result<ValidRequest, FieldError> {
        let value_of = |given: &FromField<u16>| given.as_ref().map(|(duration, _)| *duration);
        let resolution = self.resolution.as_ref().map(|(resolution, _)| resolution);
        let (resolution, duration) = model.format(resolution, value_of(&self.duration))?;
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
        Ok(ValidRequest { input, metadata: self.metadata, callback_url: self.callback_url })
    }

    fn set_size(&mut self, value: &Value, model: &Capabilities) -> FieldResult {
        let text = value.as_str().unwrap_or_default();
        // The name of a resolution is accepted too, because it is unambiguous.
        let resolution = if let Ok(resolution) = model.resolution(text) {
            resolution
        } else {
            let size = Size::parse(text).ok_or("must be WIDTHxHEIGHT, such as 1366x768 or 1920x1080")?;
            self.size = Some(size);
            size.resolution(model)?
        };
        set_value(&mut self.resolution, "size", resolution)
    }

    /// Sets `input_reference` from a URL, or from an object with a URL or the id of a file. A form contains the object as
    /// JSON text.
    fn set_reference(&mut self, value: Value, links: Links) -> FieldResult {
        let value = match value {
            Value::String(text) if text.trim_start().starts_with('{') => {
                serde_json::from_str(&text).map_err(|_| REFERENCE_RULE.to_owned())?
            }
            value => value,
        };
        let members = match value {
            Value::String(_) => {
                return set_value(&mut self.first_url, REFERENCE, image_url(&value, links.parse_url)?);
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
            set_value(&mut self.first_url, REFERENCE, link)?;
        }
        Ok(())
    }

    /// Sets the whole `metadata`. A form contains it as JSON text.
    fn set_metadata(&mut self, value: Value) -> FieldResult {
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

/// Fields that are accepted but not listed in error messages.
fn is_unlisted(name: &str) -> bool {
    matches!(
        name,
        "user" | "n" | REFERENCE_URL | REFERENCE_ID | LAST | LAST_URL | FIRST | FIRST_URL | REFERENCE
    )
}

fn file_url(value: &Value, links: Links) -> Result<String, String> {
    let id = value.as_str().unwrap_or_default();
    (links.file_url)(id).ok_or_else(|| "must name a file of POST /v1/files that is yours".to_owned())
}

/// Sets a value. If another field has set it, both values must be equal.
fn set_value<T: PartialEq>(target: &mut FromField<T>, name: &'static str, value: T) -> FieldResult {
    match target {
        Some((known, _)) if *known == value => Ok(()),
        Some((_, other)) => Err(format!("says something else than {other}: give one of them")),
        None => {
            *target = Some((value, name));
            Ok(())
        }
    }
}

/// Sets an image. A second file is refused, because streamed files cannot be compared.
fn set_image(target: &mut FromField<Image>, name: &'static str, image: Image) -> FieldResult {
    if let Some((_, other)) = target {
        return Err(format!("give {other} or {name}, not both"));
    }
    *target = Some((image, name));
    Ok(())
}
