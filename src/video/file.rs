//! A file that is uploaded for use as a frame: the fields of its form, and its name.

use serde::Serialize;
use serde_json::Value;

use super::record::Image;
use super::request::{FieldError, FieldValue, Fields, ImageType, error};

/// The file.
pub const FILE_FIELD: &str = "file";

/// A field of OpenAI's API. Its value is returned and has no other effect.
const PURPOSE: &str = "purpose";

/// The default of `purpose`: OpenAI's value for images that a model reads.
const DEFAULT_PURPOSE: &str = "vision";

const MAX_PURPOSE_CHARS: usize = 64;

/// The fields that are files.
pub const FILE_FIELDS: [&str; 1] = [FILE_FIELD];

/// The limit of common file systems.
const MAX_NAME_CHARS: usize = 255;

/// A longer text after the last dot is not a file extension.
const MAX_EXTENSION_BYTES: usize = 8;

/// An uploaded file as JSON of the API.
#[derive(Serialize)]
pub struct File<'a> {
    pub id: String,
    pub object: &'static str,
    pub filename: &'a str,
    pub bytes: u64,
    pub content_type: &'static str,
    /// Unix seconds.
    pub created_at: i64,
    pub purpose: &'a str,
    pub url: String,
}

/// A valid upload.
#[derive(Debug, PartialEq, Eq)]
pub struct FileUpload {
    pub image: Image,
    pub purpose: String,
}

/// Whether a field before the file is valid.
#[must_use]
pub fn is_valid_before_file((name, value): &(String, FieldValue)) -> bool {
    name == PURPOSE && purpose(value).is_ok()
}

fn purpose(value: &FieldValue) -> Result<String, &'static str> {
    match value {
        FieldValue::Json(Value::Null) => Ok(DEFAULT_PURPOSE.to_owned()),
        FieldValue::Json(Value::String(text)) if text.is_empty() => Ok(DEFAULT_PURPOSE.to_owned()),
        FieldValue::Json(Value::String(text)) if text.chars().count() <= MAX_PURPOSE_CHARS => {
            Ok(text.clone())
        }
        _ => Err("must be a word of at most 64 characters"),
    }
}

/// The image in the fields of an upload.
///
/// # Errors
/// All invalid fields, in the order of the form; then the missing one.
pub fn validate(fields: Fields) -> Result<FileUpload, Vec<FieldError>> {
    let mut image = None;
    let mut given_purpose = DEFAULT_PURPOSE.to_owned();
    let mut errors = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in fields {
        let message = match value {
            _ if seen.contains(&name) => Some("is given more than once"),
            value if name == PURPOSE => match purpose(&value) {
                Ok(purpose) => {
                    given_purpose = purpose;
                    None
                }
                Err(message) => Some(message),
            },
            _ if name != FILE_FIELD => Some("is not a field; the fields are file and purpose"),
            FieldValue::File(file) => {
                image = Some(file);
                None
            }
            // A browser sends this if no file was chosen.
            FieldValue::Json(Value::Null) => Some("is required: no file was chosen"),
            FieldValue::Json(_) => Some("must be a file"),
        };
        errors.extend(message.map(|message| error(&name, message)));
        seen.push(name);
    }
    if !seen.iter().any(|name| name == FILE_FIELD) {
        errors.push(error(FILE_FIELD, "is required: a JPEG, PNG or WebP image of at most 20 MiB"));
    }
    match image {
        Some(image) if errors.is_empty() => Ok(FileUpload { image, purpose: given_purpose }),
        _ => Err(errors),
    }
}

/// Makes a client's file name safe: keeps only the last part of a path, removes control characters, and replaces an empty
/// name.
#[must_use]
pub fn clean_name(given: &str, content_type: ImageType) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !is_control(*c)).collect();
    let name = visible.trim();
    if name.chars().all(|c| c == '.') {
        return format!("file.{}", content_type.extension());
    }
    with_extension(name, content_type)
}

/// Gives the name the extension of the actual type, because servers may derive the type from the name.
fn with_extension(name: &str, content_type: ImageType) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= MAX_EXTENSION_BYTES => {
            (stem, extension)
        }
        _ => (name, ""),
    };
    let is_right = match content_type {
        ImageType::Jpeg => ["jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known)),
        _ => extension.eq_ignore_ascii_case(content_type.extension()),
    };
    let extension = if is_right { extension } else { content_type.extension() };
    let stem: String = stem.chars().take(MAX_NAME_CHARS - extension.len() - 1).collect();
    format!("{}.{extension}", stem.trim_end())
}

/// Control characters, and invisible characters that reorder, hide or break text.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn file() -> FieldValue {
        FieldValue::File(Image { content_type: ImageType::Png, size: 12 })
    }

    fn bad(fields: Vec<(&str, FieldValue)>) -> Vec<String> {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let errors = validate(fields).unwrap_err();
        errors.into_iter().map(|error| format!("{} {}", error.field, error.message)).collect()
    }

    #[test]
    fn an_upload_has_one_file_and_a_purpose() {
        let upload = validate(vec![(FILE_FIELD.to_owned(), file())]).unwrap();
        assert_eq!((upload.image.size, upload.purpose.as_str()), (12, "vision"));
        let text = || FieldValue::Json(json!("a"));
        assert_eq!(
            bad(vec![("colour", text()), ("file", file()), ("other", file()), ("file", file())]),
            [
                "colour is not a field; the fields are file and purpose",
                "other is not a field; the fields are file and purpose",
                "file is given more than once"
            ]
        );
        let missing = "file is required: a JPEG, PNG or WebP image of at most 20 MiB";
        assert_eq!(bad(vec![]), [missing]);
        assert_eq!(
            bad(vec![("File", file())]),
            ["File is not a field; the fields are file and purpose", missing]
        );
        assert_eq!(bad(vec![("file", text())]), ["file must be a file"]);
        let long = FieldValue::Json(json!("p".repeat(MAX_PURPOSE_CHARS + 1)));
        assert_eq!(
            bad(vec![("file", file()), (PURPOSE, long)]),
            ["purpose must be a word of at most 64 characters"]
        );
        let given = vec![(PURPOSE.to_owned(), text()), (FILE_FIELD.to_owned(), file())];
        assert_eq!(validate(given).unwrap().purpose, "a");
        assert_eq!(
            bad(vec![("file", FieldValue::Json(Value::Null))]),
            ["file is required: no file was chosen"]
        );
    }

    #[test]
    fn names_lose_paths_and_control_characters() {
        let long = format!("{}.png", "é".repeat(400));
        let cut = format!("{}.png", "é".repeat(MAX_NAME_CHARS - 4));
        for (given, expected) in [
            ("cat.png", "cat.png"),
            ("猫 1.png", "猫 1.png"),
            ("../../etc/passwd", "passwd.png"),
            (r"C:\fakepath\cat.png", "cat.png"),
            ("a/b\\c.png", "c.png"),
            ("a\r\nX-Evil: 1.png", "aX-Evil: 1.png"),
            ("a\0b\u{7f}\u{85}.png", "ab.png"),
            ("gnp.\u{202e}exe", "gnp.png"),
            ("page.html", "page.png"),
            ("FRAME.PNG", "FRAME.PNG"),
            ("frame", "frame.png"),
            (".htaccess", ".htaccess.png"),
            ("  cat.png \t", "cat.png"),
            ("a\"b'c<d>.png", "a\"b'c<d>.png"),
            ("", "file.png"),
            (" ", "file.png"),
            (".", "file.png"),
            ("..", "file.png"),
            ("cat/", "file.png"),
            (&long, &cut),
        ] {
            assert_eq!(clean_name(given, ImageType::Png), expected, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaned_names_are_short_and_safe(given in "\\PC{0,300}|(.|\r|\n){0,300}") {
            let name = clean_name(&given, ImageType::Webp);
            prop_assert!((1..=MAX_NAME_CHARS).contains(&name.chars().count()));
            prop_assert!(!name.contains(['/', '\\']) && !name.chars().any(char::is_control));
            prop_assert_eq!(clean_name(&name, ImageType::Webp), name);
        }
    }
}
