//! The Video of the API: the record, its URLs, and OpenAI's names for some values.

use serde::Serialize;

use super::metadata::Metadata;
use super::{Output, Record, Status};
use crate::video::access::grants::Grants;
use crate::video::id::VideoId;

/// The Worker as its callers reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicOrigin {
    /// Its URL without a trailing slash.
    pub url: String,
    /// Whether it can make thumbnails.
    pub has_thumbnails: bool,
}

/// The Video of the API.
#[derive(Debug, Serialize)]
pub struct Video {
    #[serde(flatten)]
    pub record: Record,
    /// Empty metadata, if the record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    /// This and the next three members have OpenAI's names for values of the record.
    prompt: String,
    seconds: Option<String>,
    size: Option<String>,
    /// Always null, because remixing is not supported.
    remixed_from_video_id: (),
    pub urls: Urls,
}

impl Video {
    /// The `grants` in the URLs allow to play and watch the video without a token.
    #[must_use]
    pub fn of(record: Record, origin: &PublicOrigin, grants: Option<&Grants>) -> Self {
        let urls = Urls::of(&record.id, origin, grants, record.status);
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

/// Width and height of the stored file, or of usual videos in this resolution if there is none yet.
fn size_of(record: &Record) -> Option<String> {
    let of_file = |output: &Output| Some(format!("{}x{}", output.width?, output.height?));
    let usual = || usual_size(record.input.resolution.as_ref()?.as_str()).map(str::to_owned);
    record.output.as_ref().and_then(of_file).or_else(usual)
}

/// Width and height of a landscape video in this resolution, if known.
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
    /// `None` until the video is completed.
    pub content: Option<String>,
    /// The content as an attachment.
    pub download: Option<String>,
    /// `None` also if the Worker cannot make thumbnails.
    pub thumbnail: Option<String>,
    pub cancel: String,
}

impl Urls {
    #[must_use]
    pub fn of(id: &VideoId, origin: &PublicOrigin, grants: Option<&Grants>, status: Status) -> Self {
        let PublicOrigin { url, has_thumbnails } = origin;
        let itself = format!("{url}/v1/videos/{id}");
        let link = |path: &str, grant: Option<&String>, query: &str| {
            let granted = grant.map(|grant| format!("grant={grant}"));
            let query = [granted.as_deref().unwrap_or(""), query];
            let query: Vec<&str> = query.into_iter().filter(|parameter| !parameter.is_empty()).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{itself}/{path}{mark}{}", query.join("&"))
        };
        let content = |query: &str| {
            let grant = grants.map(|grants| &grants.content);
            (status == Status::Completed).then(|| link("content", grant, query))
        };
        Self {
            events: link("events", grants.map(|grants| &grants.events), ""),
            content: content(""),
            download: content("download=1"),
            thumbnail: content("variant=thumbnail").filter(|_| *has_thumbnails),
            cancel: format!("{itself}/cancel"),
            itself,
        }
    }
}
