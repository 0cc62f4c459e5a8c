//! Converts a stored record to the Video of the API as text, without parsing all of it: the version is removed, and the
//! members that [`Video`] adds are appended.

use serde_json::Value;

use crate::video::access::grants::Grants;
use crate::video::record::public::{PublicOrigin, Urls, Video, usual_size};
use crate::video::record::{RECORD_VERSION, Record, Status};

/// The status in a stored record; `None` if the text is not a record.
#[must_use]
pub fn status_of(stored: &str) -> Option<Status> {
    match Members::of(stored) {
        Some(members) => Some(members.status),
        None => serde_json::from_str::<Record>(stored).ok().map(|record| record.status),
    }
}

/// A Video of the API.
pub struct Shown {
    pub json: String,
    pub status: Status,
}

/// The Video of a stored record, equal to that of [`Video::of`]; `None` if the text is not a record. `grants` returns the
/// grants for a video with this creation time, in unix seconds.
#[must_use]
pub fn show(
    stored: &str,
    origin: &PublicOrigin,
    grants: impl FnOnce(i64) -> Option<Grants>,
) -> Option<Shown> {
    if let Some(members) = Members::of(stored) {
        let json = members.show(origin, grants(members.created_at).as_ref())?;
        return Some(Shown { json, status: members.status });
    }
    let record = serde_json::from_str::<Record>(stored).ok()?;
    let (status, grants) = (record.status, grants(record.created_at));
    let json = serde_json::to_string(&Video::of(record, origin, grants.as_ref())).ok()?;
    Some(Shown { json, status })
}

/// Members of a record that this version has written.
struct Members<'a> {
    id: &'a str,
    status: Status,
    created_at: i64,
    /// The JSON text, with its quotes.
    prompt: &'a str,
    resolution: Option<&'a str>,
    duration: Option<&'a str>,
    /// Width and height of the file.
    pixels: Option<(&'a str, &'a str)>,
    /// All members after the version.
    text: &'a str,
}

impl<'a> Members<'a> {
    /// `None` if the text has another notation; it may be a record nevertheless. The search for `","` patterns cannot match
    /// inside a string value, because quotes in strings have a backslash before them.
    fn of(stored: &'a str) -> Option<Self> {
        let rest = stored.strip_prefix(r#"{"version":"#)?;
        let rest = rest.strip_prefix(RECORD_VERSION.to_string().as_str())?.strip_prefix(',')?;
        let text = rest.strip_suffix('}')?;
        let (id, _) = text.strip_prefix(r#""id":""#)?.split_once('"')?;
        let (_, behind) = split_around(text, br#","status":""#)?;
        let (status, behind) = behind.split_once('"')?;
        let (created_at, behind) = split_around(behind, br#","created_at":"#)?.1.split_once(',')?;
        let (prompt, behind) = quoted(split_around(behind, br#","input":{"prompt":"#)?.1)?;
        let (_, behind) = split_around(behind, br#","resolution":"#)?;
        let (resolution, behind) = split_around(behind, br#","duration":"#)?;
        let (duration, behind) = behind.split_once(',')?;
        let output = split_around(behind, br#","output":{"#).and_then(|(_, output)| output.split_once('}'));
        Some(Self {
            id,
            status: serde_json::from_value(Value::String(status.to_owned())).ok()?,
            created_at: created_at.parse().ok()?,
            prompt,
            resolution: (resolution != "null").then(|| resolution.trim_matches('"')),
            duration: (duration != "null").then_some(duration),
            pixels: output.and_then(|(output, _)| pixels(output)),
            text,
        })
    }

    fn show(&self, origin: &PublicOrigin, grants: Option<&Grants>) -> Option<String> {
        let Self { id, status, prompt, text, .. } = self;
        let id = crate::video::id::VideoId::from_stored((*id).to_owned());
        let urls = serde_json::to_string(&Urls::of(&id, origin, grants, *status)).ok()?;
        let metadata =
            if split_around(text, br#","metadata":{"#).is_some() { "" } else { r#""metadata":{},"# };
        let quoted =
            |text: Option<&str>| text.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""));
        let of_file = self.pixels.map(|(width, height)| format!("{width}x{height}"));
        let size = of_file.as_deref().or_else(|| self.resolution.and_then(usual_size));
        let (seconds, size) = (quoted(self.duration), quoted(size));
        Some(format!(
            r#"{{{text},{metadata}"prompt":{prompt},"seconds":{seconds},"size":{size},"remixed_from_video_id":null,"urls":{urls}}}"#
        ))
    }
}

/// Width and height in an output.
fn pixels(output: &str) -> Option<(&str, &str)> {
    let (width, after) = split_around(output, br#","width":"#)?.1.split_once(',')?;
    let height = after.strip_prefix(r#""height":"#)?;
    Some((width, height.split(',').next()?))
}

/// Splits text around the first occurrence of an ASCII pattern. The search of `str` prepares itself for each pattern, which
/// takes longer than to look through a record.
fn split_around<'a, const N: usize>(text: &'a str, pattern: &[u8; N]) -> Option<(&'a str, &'a str)> {
    let at = text
        .as_bytes()
        .windows(N)
        .position(|window| window.first() == pattern.first() && window == pattern)?;
    Some((text.get(..at)?, text.get(at + N..)?))
}

/// Splits text after the quoted string at its start.
fn quoted(written: &str) -> Option<(&str, &str)> {
    let inside = written.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inside.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    written.split_at_checked(end + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::video::record::{Failure, FailureCode};

    /// With line breaks, which this version does not write.
    const STORED: &str = include_str!("../../../tests/stored/record-v1.json");

    fn record() -> Record {
        serde_json::from_str(STORED).unwrap()
    }

    fn assert_shown(record: &Record, stored: &str) {
        assert_eq!(status_of(stored), Some(record.status));
        let url = "https://video.example".to_owned();
        let origins = [false, true].map(|has_thumbnails| PublicOrigin { url: url.clone(), has_thumbnails });
        let granted = Grants { content: "plays".to_owned(), events: "watches".to_owned() };
        for (origin, grants) in origins.iter().zip([None, Some(granted)]) {
            let whole = Video::of(record.clone(), origin, grants.as_ref());
            let shown = show(stored, origin, |created_at| {
                assert_eq!(created_at, record.created_at);
                grants.clone()
            });
            let shown = shown.unwrap();
            assert_eq!(shown.status, record.status);
            assert_eq!(shown.json, serde_json::to_string(&whole).unwrap());
        }
    }

    #[test]
    fn the_text_equals_the_serialized_video() {
        let stored = serde_json::to_string(&record()).unwrap();
        assert!(Members::of(&stored).is_some());
        assert_shown(&record(), &stored);
    }

    #[test]
    fn the_size_is_that_of_the_file() {
        let mut record = record();
        if let Some(output) = &mut record.output {
            (output.width, output.height) = (Some(768), Some(1366));
        }
        let stored = serde_json::to_string(&record).unwrap();
        assert_shown(&record, &stored);
        let shown = show(&stored, &PublicOrigin::default(), |_| None).unwrap();
        assert!(shown.json.contains(r#""size":"768x1366""#));
    }

    #[test]
    fn another_notation_is_parsed() {
        assert!(Members::of(STORED).is_none());
        assert_shown(&record(), STORED);
    }

    proptest! {
        #[test]
        fn strings_that_look_like_members_are_not_read_as_such(prompt in ".{0,40}", message in ".{0,40}", is_hostile in prop::bool::ANY) {
            let mut record = record();
            let end = r#"","status":"queued","input":{"prompt":"x","resolution":"4K","duration":1,"metadata":{},"urls":{}}"#;
            record.input.prompt = if is_hostile { format!("{prompt}{end}") } else { prompt };
            record.error = Some(Failure { code: FailureCode::UpstreamRejected, message: message.clone() });
            if is_hostile {
                record.metadata.insert("metadata", &message).unwrap();
                record.input.duration = None;
            }
            assert_shown(&record, &serde_json::to_string(&record).unwrap());
        }
    }

    #[test]
    fn text_that_is_not_a_record_has_no_status() {
        let stored = serde_json::to_string(&record()).unwrap();
        let without_status = stored.replace(r#""status":"completed""#, r#""status":"enjoyed""#);
        for other in ["", "{}", "null", r#"{"version":1,"#, &without_status] {
            assert_eq!(status_of(other), None, "{other}");
        }
    }
}
