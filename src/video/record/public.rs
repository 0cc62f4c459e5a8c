//! The Video of the API: a record with what depends on who reads it and how the public reaches this Worker.

use serde::Serialize;

use super::metadata::Metadata;
use super::{Output, Record, Status};
use crate::video::id::VideoId;

/// A record as its owner sees it.
#[derive(Debug, Serialize)]
pub struct Video {
    #[serde(flatten)]
    pub record: Record,
    /// Where the record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    /// This and what follows, but for the links, are the names that OpenAI's Videos API gives to what the record says.
    prompt: String,
    seconds: Option<String>,
    size: Option<String>,
    /// Always null: videos are not made of videos here.
    remixed_from_video_id: (),
    pub urls: Urls,
}

impl Video {
    /// `origin` is where the public reaches this Worker, without a trailing slash; a `grant` lets whoever has the link
    /// play the video.
    #[must_use]
    pub fn of(record: Record, origin: &str, grant: Option<&str>) -> Self {
        let urls = Urls::of(&record.id, origin, grant, record.status);
        Self {
            metadata: record.metadata.is_empty().then(Metadata::default),
            prompt: record.input.prompt.clone(),
            seconds: record.input.duration.map(|seconds| seconds.to_string()),
            size: size_of(&record),
            remixed_from_video_id: (),
            urls,
            record: Record { version: None, ..record },
        }
    }
}

/// Width and height of the stored file; until there is one, those that the resolution usually has.
fn size_of(record: &Record) -> Option<String> {
    let of_file = |output: &Output| Some(format!("{}x{}", output.width?, output.height?));
    let usual = || usual_size(record.input.resolution.as_ref()?.as_str()).map(str::to_owned);
    record.output.as_ref().and_then(of_file).or_else(usual)
}

/// Width and height of a landscape video, as far as its resolution says them.
#[must_use]
pub fn usual_size(resolution: &str) -> Option<&'static str> {
    const SIZES: [(&str, &str); 3] = [("512P", "912x512"), ("768P", "1366x768"), ("1080P", "1920x1080")];
    let known = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(resolution));
    known.map(|(_, size)| *size)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Urls {
    #[serde(rename = "self")]
    pub itself: String,
    pub events: String,
    /// There as soon as there is content.
    pub content: Option<String>,
    /// The same as an attachment.
    pub download: Option<String>,
    pub cancel: String,
}

impl Urls {
    #[must_use]
    pub fn of(id: &VideoId, origin: &str, grant: Option<&str>, status: Status) -> Self {
        let itself = format!("{origin}/v1/videos/{id}");
        let content = |query: &str| {
            let granted = grant.map(|grant| format!("grant={grant}"));
            let query = [granted.as_deref().unwrap_or(""), query];
            let query: Vec<&str> = query.into_iter().filter(|parameter| !parameter.is_empty()).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            (status == Status::Completed).then(|| format!("{itself}/content{mark}{}", query.join("&")))
        };
        Self {
            events: format!("{itself}/events"),
            content: content(""),
            download: content("download=1"),
            cancel: format!("{itself}/cancel"),
            itself,
        }
    }
}
