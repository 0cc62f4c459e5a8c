//! A record as text, shown without being taken apart: what the public sees is what was stored, but for the
//! version in front of it and the links behind it.

use serde_json::Value;

use crate::video::record::{RECORD_VERSION, Record, Status, Urls};

/// How the video of a stored record stands; `None` when it is none.
#[must_use]
pub fn status_of(stored: &str) -> Option<Status> {
    match Members::of(stored) {
        Some(members) => Some(members.status),
        None => serde_json::from_str::<Record>(stored).ok().map(|record| record.status),
    }
}

/// The Video of a stored record, as [`Record::shown_at`] would show it; `None` when it is none.
#[must_use]
pub fn show(stored: &str, urls: Urls) -> Option<String> {
    if let Some(Members { text, .. }) = Members::of(stored) {
        let urls = serde_json::to_string(&urls).ok()?;
        return Some(format!(r#"{{{text},"urls":{urls}}}"#));
    }
    let record = serde_json::from_str::<Record>(stored).ok()?;
    serde_json::to_string(&Record { version: None, urls: Some(urls), ..record }).ok()
}

/// The members of a record that this version wrote.
struct Members<'a> {
    status: Status,
    /// Everything between version and links.
    text: &'a str,
}

impl<'a> Members<'a> {
    /// `None` for what is written in any other way; it may be a record all the same.
    fn of(stored: &'a str) -> Option<Self> {
        let rest = stored.strip_prefix(r#"{"version":"#)?;
        let rest = rest.strip_prefix(RECORD_VERSION.to_string().as_str())?.strip_prefix(',')?;
        let text = rest.strip_suffix('}')?;
        // No text of a stranger's stands in front of it.
        let (_, behind) = text.split_once(r#","status":""#)?;
        let (status, _) = behind.split_once('"')?;
        let status = serde_json::from_value(Value::String(status.to_owned())).ok()?;
        Some(Self { status, text })
    }
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
            let urls = Urls::of(&record.id, "https://video.example", grant);
            let whole = record.clone().shown_at("https://video.example", grant);
            assert_eq!(show(stored, urls), serde_json::to_string(&whole).ok());
        }
    }

    #[test]
    fn it_is_shown_as_if_it_had_been_taken_apart() {
        let stored = serde_json::to_string(&record()).unwrap();
        assert!(Members::of(&stored).is_some());
        assert_shown(&record(), &stored);
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
            let end = r#"","status":"queued","urls":{}}"#;
            record.input.prompt = if is_hostile { format!("{prompt}{end}") } else { prompt };
            record.error = Some(Failure { code: FailureCode::UpstreamRejected, message });
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
