//! Conditional and range requests (RFC 9110) for one stored file.

use std::time::{Duration, SystemTime};

/// The file that is requested.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a> {
    pub size: u64,
    /// A strong entity tag with its quotes.
    pub etag: &'a str,
    /// Unix seconds.
    pub modified_at: i64,
}

/// The request headers that select the response.
#[derive(Clone, Debug, Default)]
pub struct Conditions<'a> {
    pub range: Option<&'a str>,
    pub if_range: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_modified_since: Option<&'a str>,
}

/// The response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// 200 with the whole file.
    Whole,
    /// 206 with the bytes from `first` to `last`, both included.
    Part { first: u64, last: u64 },
    /// 304.
    NotModified,
    /// 416.
    Unsatisfiable,
}

impl Conditions<'_> {
    #[must_use]
    pub fn select(&self, representation: Representation<'_>) -> Selection {
        if self.is_unchanged(representation) {
            return Selection::NotModified;
        }
        match self.range {
            Some(range) if self.range_still_applies(representation) => {
                select_range(range, representation.size)
            }
            _ => Selection::Whole,
        }
    }

    /// `If-None-Match` takes precedence over `If-Modified-Since`. Tags are compared weakly.
    fn is_unchanged(&self, representation: Representation<'_>) -> bool {
        match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => matches_any(tags, representation.etag),
            (None, Some(date)) => parse_date(date).is_some_and(|date| representation.modified_at <= date),
            (None, None) => false,
        }
    }

    /// `If-Range` compares strongly: the same tag, or the same date of the last change.
    fn range_still_applies(&self, representation: Representation<'_>) -> bool {
        match self.if_range.map(str::trim) {
            None => true,
            Some(tag) if tag.starts_with('"') || tag.starts_with("W/") => tag == representation.etag,
            Some(date) => parse_date(date) == Some(representation.modified_at),
        }
    }
}

/// Whether a list of entity tags (`*`, `"a"`, `W/"b"`) contains this one, compared weakly.
#[must_use]
pub fn matches_any(tags: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let wanted = opaque(etag);
    tags.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == wanted)
}

/// `Last-Modified` for unix seconds.
#[must_use]
pub fn http_date(unix_seconds: i64) -> String {
    let since_epoch = Duration::from_secs(u64::try_from(unix_seconds).unwrap_or(0));
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_epoch)
}

fn parse_date(text: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    let since_epoch = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_secs()).ok()
}

/// Selects one range. Malformed ranges, other units and lists of ranges are ignored, as RFC 9110 allows.
fn select_range(range: &str, size: u64) -> Selection {
    let Some(spec) = range.trim().strip_prefix("bytes=") else { return Selection::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Selection::Whole };
    let Some(end) = size.checked_sub(1) else { return Selection::Unsatisfiable };
    match (position(first), position(last)) {
        (Position::At(first), Position::At(last)) if last < first => Selection::Whole,
        (Position::At(first), Position::At(_) | Position::Open) if first > end => Selection::Unsatisfiable,
        (Position::At(first), Position::At(last)) => Selection::Part { first, last: last.min(end) },
        (Position::At(first), Position::Open) => Selection::Part { first, last: end },
        (Position::Open, Position::At(0)) => Selection::Unsatisfiable,
        (Position::Open, Position::At(suffix)) => {
            Selection::Part { first: size.saturating_sub(suffix), last: end }
        }
        _ => Selection::Whole,
    }
}

enum Position {
    At(u64),
    Open,
    Malformed,
}

/// A number that is too large becomes the largest one.
fn position(text: &str) -> Position {
    if text.is_empty() {
        Position::Open
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Position::At(text.parse().unwrap_or(u64::MAX))
    } else {
        Position::Malformed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODIFIED_AT: i64 = 784_111_777;
    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn select(conditions: &Conditions) -> Selection {
        conditions.select(Representation { size: 1000, etag: "\"a\"", modified_at: MODIFIED_AT })
    }

    fn range(text: &str) -> Selection {
        select(&Conditions { range: Some(text), ..Conditions::default() })
    }

    fn part(first: u64, last: u64) -> Selection {
        Selection::Part { first, last }
    }

    #[test]
    fn a_single_range_selects_its_bytes() {
        assert_eq!(range("bytes=0-0"), part(0, 0));
        assert_eq!(range("bytes=-500"), part(500, 999));
        assert_eq!(range("bytes=500-"), part(500, 999));
        assert_eq!(range("bytes=0-99999999999999999999999"), part(0, 999));
        assert_eq!(range("bytes=-99999"), part(0, 999));
        assert_eq!(range("bytes=999-"), part(999, 999));
        assert_eq!(range("bytes=1000-"), Selection::Unsatisfiable);
        assert_eq!(range("bytes=-0"), Selection::Unsatisfiable);
    }

    #[test]
    fn malformed_and_multiple_ranges_are_ignored() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=0x1-2",
            "bytes=+1-2",
        ] {
            assert_eq!(range(text), Selection::Whole, "{text}");
        }
    }

    #[test]
    fn if_range_must_match_strongly() {
        let with = |if_range: &str| {
            let range = Some("bytes=1-2");
            select(&Conditions { range, if_range: Some(if_range), ..Conditions::default() })
        };
        assert_eq!(with("\"a\""), part(1, 2));
        assert_eq!(with(MODIFIED), part(1, 2));
        for other in ["\"b\"", "W/\"a\"", "Sun, 06 Nov 1994 08:49:38 GMT", "x"] {
            assert_eq!(with(other), Selection::Whole, "{other}");
        }
    }

    #[test]
    fn an_unchanged_file_gets_304() {
        let with = |if_none_match: Option<&str>, if_modified_since: Option<&str>| {
            let range = Some("bytes=0-0");
            select(&Conditions { range, if_none_match, if_modified_since, ..Conditions::default() })
        };
        for tags in ["\"a\"", "W/\"a\"", "\"x\", \"a\"", "*"] {
            assert_eq!(with(Some(tags), None), Selection::NotModified, "{tags}");
        }
        assert_eq!(with(Some("\"x\""), Some(MODIFIED)), part(0, 0));
        assert_eq!(with(None, Some(MODIFIED)), Selection::NotModified);
        assert_eq!(with(None, Some("Sun, 06 Nov 1994 08:49:36 GMT")), part(0, 0));
        assert_eq!(with(None, Some("yesterday")), part(0, 0));
    }

    #[test]
    fn dates_are_formatted_and_parsed() {
        assert_eq!(http_date(MODIFIED_AT), MODIFIED);
        assert_eq!(parse_date(MODIFIED), Some(MODIFIED_AT));
    }

    proptest! {
        #[test]
        fn a_selected_part_is_inside_the_file(text in "(bytes=)?[0-9,-]{0,12}", size in 0_u64..5000) {
            let conditions = Conditions { range: Some(&text), ..Conditions::default() };
            let selection = conditions.select(Representation { size, etag: "\"a\"", modified_at: 0 });
            if let Selection::Part { first, last } = selection {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
