//! A record as text, shown without being taken apart: what the public sees is what was stored, but for the
//! version in front of it, and behind it what [`Video`] adds.

use serde_json::Value;

use crate::video::record::public::{Urls, Video, usual_size};
use crate::video::record::{RECORD_VERSION, Record, Status};

/// How the video of a stored record stands; `None` when it is none.
#[must_use]
pub fn status_of(stored: &str) -> Option<Status> {
    match Members::of(stored) {
        Some(members) => Some(members.status),
        None => serde_json::from_str::<Record>(stored).ok().map(|record| record.status),
    }
}

/// The Video of a stored record, as [`Video::of`] would show it; `None` when it is none. `grant` lets whoever has the
/// link play a video that was made then, in unix seconds.
#[must_use]
pub fn show(stored: &str, origin: &str, grant: impl FnOnce(i64) -> Option<String>) -> Option<String> {
    if let Some(members) = Members::of(stored) {
        return members.show(origin, grant(members.created_at).as_deref());
    }
    let record = serde_json::from_str::<Record>(stored).ok()?;
    let grant = grant(record.created_at);
    serde_json::to_string(&Video::of(record, origin, grant.as_deref())).ok()
}

/// The members of a record that this version wrote.
struct Members<'a> {
    id: &'a str,
    status: Status,
    created_at: i64,
    /// As it is written, in quotes.
    prompt: &'a str,
    resolution: Option<&'a str>,
    duration: Option<&'a str>,
    /// Width and height of the file.
    pixels: Option<(&'a str, &'a str)>,
    /// Everything behind the version.
    text: &'a str,
}

impl<'a> Members<'a> {
    /// `None` for what is written in any other way; it may be a record all the same. A text inside of another has no quote
    /// without a backslash in front of it: what is looked for here is never found in one.
    fn of(stored: &'a str) -> Option<Self> {
        let rest = stored.strip_prefix(r#"{"version":"#)?;
        let rest = rest.strip_prefix(RECORD_VERSION.to_string().as_str())?.strip_prefix(',')?;
        let text = rest.strip_suffix('}')?;
        let (id, _) = text.strip_prefix(r#""id":""#)?.split_once('"')?;
        let (_, behind) = text.split_once(r#","status":""#)?;
        let (status, behind) = behind.split_once('"')?;
        let (created_at, behind) = behind.split_once(r#","created_at":"#)?.1.split_once(',')?;
        let (prompt, behind) = quoted(behind.split_once(r#","input":{"prompt":"#)?.1)?;
        let (_, behind) = behind.split_once(r#","resolution":"#)?;
        let (resolution, behind) = behind.split_once(r#","duration":"#)?;
        let (duration, behind) = behind.split_once(',')?;
        let output = behind.split_once(r#","output":{"#).and_then(|(_, output)| output.split_once('}'));
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

    fn show(&self, origin: &str, grant: Option<&str>) -> Option<String> {
        let Self { id, status, prompt, text, .. } = self;
        let id = crate::video::id::VideoId::from_stored((*id).to_owned());
        let urls = serde_json::to_string(&Urls::of(&id, origin, grant, *status)).ok()?;
        let metadata = if text.contains(r#","metadata":{"#) { "" } else { r#""metadata":{},"# };
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
    let (width, behind) = output.split_once(r#","width":"#)?.1.split_once(',')?;
    let height = behind.strip_prefix(r#""height":"#)?;
    Some((width, height.split(',').next()?))
}

/// The text in quotes that something written begins with, and what is behind it.
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

    /// Written with line breaks, as this version would not.
    const STORED: &str = include_str!("../../../tests/stored/record-v1.json");

    fn record() -> Record {
        serde_json::from_str(STORED).unwrap()
    }

    fn assert_shown(record: &Record, stored: &str) {
        assert_eq!(status_of(stored), Some(record.status));
        for grant in [None, Some("granted")] {
            let whole = Video::of(record.clone(), "https://video.example", grant);
            let shown = show(stored, "https://video.example", |created_at| {
                assert_eq!(created_at, record.created_at);
                grant.map(str::to_owned)
            });
            assert_eq!(shown, serde_json::to_string(&whole).ok());
        }
    }

    #[test]
    fn it_is_shown_as_if_it_had_been_taken_apart() {
        let stored = serde_json::to_string(&record()).unwrap();
        assert!(Members::of(&stored).is_some());
        assert_shown(&record(), &stored);
    }

    #[test]
    fn the_size_is_the_files_own() {
        let mut record = record();
        if let Some(output) = &mut record.output {
            (output.width, output.height) = (Some(768), Some(1366));
        }
        let stored = serde_json::to_string(&record).unwrap();
        assert_shown(&record, &stored);
        assert!(show(&stored, "", |_| None).unwrap().contains(r#""size":"768x1366""#));
    }

    #[test]
    fn what_is_written_otherwise_is_taken_apart() {
        assert!(Members::of(STORED).is_none());
        assert_shown(&record(), STORED);
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_a_member(prompt in ".{0,40}", message in ".{0,40}", is_hostile in prop::bool::ANY) {
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
    fn what_is_no_record_is_not_shown() {
        let stored = serde_json::to_string(&record()).unwrap();
        let without_status = stored.replace(r#""status":"completed""#, r#""status":"enjoyed""#);
        for other in ["", "{}", "null", r#"{"version":1,"#, &without_status] {
            assert_eq!(status_of(other), None, "{other}");
        }
    }
}
