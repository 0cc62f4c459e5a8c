//! The headers of a form: the boundary, and the name and file name of each part.

use super::{FormError, text_of_headers};
use crate::http::percent;

/// Limit for a boundary, by RFC 2046.
const MAX_BOUNDARY_CHARS: usize = 70;

/// The headers of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Set if the part is a file; empty if the user chose none.
    pub filename: Option<String>,
}

/// The `boundary` parameter of a `multipart/form-data` content type. Parsed more strictly than the
/// parameters of parts, so that a proxy in front of this Worker cannot read a different boundary.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    let (_, parameters) = content_type.split_once(';')?;
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let legal = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    ((1..=MAX_BOUNDARY_CHARS).contains(&value.len()) && value.chars().all(legal)).then_some(value)
}

/// Parses the headers of a part, one per line.
pub(super) fn part(headers: &str) -> Result<Part, FormError> {
    let disposition = headers
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .ok_or(FormError::Disposition)?
        .1;
    let is_form_data = disposition.trim_start().to_ascii_lowercase().starts_with("form-data");
    let name = parameter(disposition, "name").filter(|_| is_form_data).ok_or(FormError::Disposition)?;
    let extended = parameter(disposition, "filename*").as_deref().map(extended_value);
    let filename = extended.or_else(|| parameter(disposition, "filename"));
    Ok(Part { name, filename })
}

/// Decodes an extended parameter value (RFC 8187): `UTF-8''%e2%82%ac`. Bytes that are not UTF-8 are Latin-1.
fn extended_value(value: &str) -> String {
    let mut parts = value.splitn(3, '\'');
    let text = match (parts.next(), parts.next(), parts.next()) {
        (Some(_charset), Some(_language), Some(text)) => text,
        _ => value,
    };
    text_of_headers(percent::decode(text))
}

fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut parameters = parameters(header).into_iter();
    parameters.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
}

/// The `; name="value"` pairs. Quoted values may contain semicolons and escaped quotes.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once(';') {
        let Some((name, value)) = after.split_once('=') else { break };
        let (value, remaining) = if let Some(quoted) = value.trim_start().strip_prefix('"') {
            unquote(quoted)
        } else {
            let (token, remaining) = value.split_at(value.find(';').unwrap_or(value.len()));
            (token.trim().to_owned(), remaining)
        };
        found.push((name.trim().to_owned(), value));
        rest = remaining;
    }
    found
}

/// The text up to the closing quote, and what follows it. A backslash escapes a quote and a backslash;
/// otherwise it belongs to a Windows path.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => {
                let escaped = chars.clone().next().filter(|(_, next)| matches!(next, '"' | '\\'));
                if escaped.is_some() {
                    chars.next();
                }
                value.push(escaped.map_or('\\', |(_, escaped)| escaped));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_read_from_the_content_type() {
        let cases = [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("multipart/form-data;charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=a\rb", None),
            ("multipart/form-data; boundary=\"abc", None),
            ("multipart/form-data; boundary=\"abc\"d", None),
        ];
        for (content_type, expected) in cases {
            assert_eq!(boundary(content_type), expected, "{content_type}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
    }

    #[test]
    fn names_may_be_quoted_escaped_or_bare() {
        let named = |header: &str| part(&format!("\r\nX: y\r\ncontent-disposition:{header}"));
        let part = |name: &str, filename: Option<&str>| {
            Ok(Part { name: name.to_owned(), filename: filename.map(str::to_owned) })
        };
        assert_eq!(named(" form-data; name=\"a\""), part("a", None));
        assert_eq!(named("form-data; filename=\"x;y=\\\"z\"; name=a"), part("a", Some("x;y=\"z")));
        assert_eq!(named(" form-data; name=\"a\"; filename=\"\""), part("a", Some("")));
        assert_eq!(named(r#"form-data; name="a"; filename="C:\cat.png""#), part("a", Some(r"C:\cat.png")));
        let cat = "form-data; name=a; filename=\"cat.png\"; filename*=utf-8''%E7%8C%AB.png";
        assert_eq!(named(cat), part("a", Some("猫.png")));
        assert_eq!(
            named("form-data; name=a; filename*=iso-8859-1'en'caf%E9.png"),
            part("a", Some("café.png"))
        );
        assert_eq!(named("form-data; name=a; filename*=plain.png"), part("a", Some("plain.png")));
        assert_eq!(named(" attachment; name=\"a\""), Err(FormError::Disposition));
        assert_eq!(named(" form-data"), Err(FormError::Disposition));
    }
}
