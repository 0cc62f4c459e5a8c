//! The bodies of submits and uploads.

use hailuo_worker::http::multipart::{Bytes, Demux, FormError, Part, Piece, boundary};
use hailuo_worker::storage::models::capabilities;
use hailuo_worker::video::file::clean_name;
use hailuo_worker::video::record::Input;
use hailuo_worker::video::request::json_fields::json_fields;
use hailuo_worker::video::request::{
    FieldValue, Fields, ImageType, Links, MAX_PROMPT_CHARS, ValidRequest, validate,
};
use hailuo_worker::wiro::model::ModelDescription;
use serde_json::Value;

use super::links::parse_url;

pub fn submit_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(fields) = json_fields(text) {
        check(fields);
    }
}

/// Whatever is taken is within its limits, and reads back as it was written.
fn check(fields: Fields) {
    let mut names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    let has_twins = names.windows(2).any(|pair| pair.first() == pair.last());
    let slug = "minimax/hailuo-2-3";
    let model = capabilities(slug, &ModelDescription::built_in(slug));
    match validate(fields, &model, Links { parse_url, file_url: &|_| None, callback_needs: None }) {
        Ok(ValidRequest { input, .. }) => {
            assert!(!has_twins);
            assert!((1..=MAX_PROMPT_CHARS).contains(&input.prompt.chars().count()));
            assert!(!input.prompt.chars().any(|c| c.is_control() && !"\n\t".contains(c)));
            assert!(matches!(input.duration, Some(6 | 10)));
            let written = serde_json::to_value(&input).unwrap_or_default();
            assert_eq!(serde_json::from_value::<Input>(written).ok(), Some(input));
        }
        Err(errors) => assert!(!errors.is_empty()),
    }
}

/// A content type, a line break, the length of a chunk, the body.
pub fn multipart(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (content_type, rest) = data.split_at_checked(at).unwrap_or_default();
    let Some((length, body)) = rest.get(1..).and_then(<[u8]>::split_first) else { return };
    let content_type = String::from_utf8_lossy(content_type);
    let boundary = boundary(&content_type).unwrap_or("B0");
    let parts = parse(boundary, body, body.len());
    // However it comes in, it is the same form.
    assert_eq!(parse(boundary, body, usize::from(*length)), parts);
    let Ok(parts) = parts else { return };
    let bytes: usize = parts.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= body.len());
    let texts = parts.into_iter().filter(|(part, _)| part.filename.is_none());
    let fields = texts.filter_map(|(part, bytes)| {
        Some((part.name, FieldValue::Json(Value::String(String::from_utf8(bytes).ok()?))))
    });
    check(fields.collect());
}

type Parts = Vec<(Part, Vec<u8>)>;

fn parse(boundary: &str, body: &[u8], chunk_length: usize) -> Result<Parts, FormError> {
    let mut demux = Demux::<Plain>::new(boundary);
    let mut parts = Parts::new();
    for chunk in body.chunks(chunk_length.max(1)) {
        demux.push(&Plain(chunk.to_vec()));
        while let Some(piece) = demux.take()? {
            match piece {
                Piece::PartStart(part) => parts.push((part, Vec::new())),
                Piece::Data(data) => {
                    if let Some((_, bytes)) = parts.last_mut() {
                        bytes.extend(&data.0);
                    }
                }
                Piece::PartEnd | Piece::End => {}
            }
        }
    }
    demux.finish().map(|()| parts)
}

/// Bytes in memory, where the Worker holds them in JavaScript's.
#[derive(Debug, PartialEq, Eq)]
struct Plain(Vec<u8>);

impl Bytes for Plain {
    fn of(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, needle: &str, from: usize) -> Option<usize> {
        let windows =
            self.0.get(from..)?.windows(needle.len()).position(|window| window == needle.as_bytes());
        windows.map(|at| from + at)
    }

    /// Panics where JavaScript's would quietly give less.
    fn slice(&self, start: usize, end: usize) -> Self {
        let bytes = self.0.get(start..end);
        Self(bytes.unwrap_or_else(|| panic!("{start}..{end} of {}", self.0.len())).to_vec())
    }

    fn joined(&self, next: &Self) -> Self {
        Self([self.0.as_slice(), &next.0].concat())
    }

    fn to_vec(&self) -> Vec<u8> {
        self.0.clone()
    }
}

pub fn file_name(data: &[u8]) {
    let given = String::from_utf8_lossy(data);
    let name = clean_name(&given, ImageType::Png);
    assert!((1..=255).contains(&name.chars().count()));
    assert!(!name.contains(['/', '\\']) && !name.chars().any(char::is_control));
    assert_eq!(clean_name(&name, ImageType::Png), name);
}
