//! What is published of a video: the record that KV keeps and the Video that the API answers.
//!
//! Nothing here may hold a secret or anything upstream-only: whatever is in these types is public.

pub mod listing;
pub mod metadata;
pub mod public;
pub mod text;
pub mod thousandths;

use serde::{Deserialize, Serialize};

use super::id::VideoId;
use super::request::{ImageType, Resolution};
use metadata::Metadata;
use thousandths::Thousandths;

/// Of a file's name without its extension.
const MAX_STEM_CHARS: usize = 60;

/// Version of the stored form; raised when an older reader would misread a newer record.
pub const RECORD_VERSION: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    InProgress,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where the `progress` figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressSource {
    Upstream,
    Estimate,
    None,
}

/// Why a video failed, as the public sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The run ended without a video.
    GenerationFailed,
    /// The upstream refused the parameters.
    UpstreamRejected,
    /// The upstream did not take the job: its account, or not accepted before the deadline.
    UpstreamUnavailable,
    /// The upstream never said that it ended.
    UpstreamTimeout,
    /// It is not known whether the run started, and no run was found by the deadline.
    SubmissionUnknown,
    /// The finished video could not be stored and verified before the deadline.
    StorageFailed,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Failure {
    pub code: FailureCode,
    pub message: String,
}

/// The request as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub prompt: String,
    pub prompt_optimizer: bool,
    /// `None` for a model that offers no choice.
    pub resolution: Option<Resolution>,
    /// Seconds; `None` for a model that offers no choice.
    pub duration: Option<u16>,
    pub input_image_first: Option<Image>,
    pub input_image_first_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_image_last: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_image_last_url: Option<String>,
}

impl Input {
    /// First and last frame, as far as there are any.
    #[must_use]
    pub fn pictures(&self) -> usize {
        let files = [&self.input_image_first, &self.input_image_last].into_iter().flatten().count();
        files + self.links().count()
    }

    /// The frames that are given as links.
    pub fn links(&self) -> impl Iterator<Item = &String> {
        [&self.input_image_first_url, &self.input_image_last_url].into_iter().flatten()
    }

    /// Whether a frame is uploaded with the submit.
    #[must_use]
    pub const fn has_upload(&self) -> bool {
        self.input_image_first.is_some() || self.input_image_last.is_some()
    }
}

/// An uploaded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Image {
    pub content_type: ImageType,
    /// Bytes.
    pub size: u64,
}

/// The verified video in R2.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Output {
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Lowercase hex.
    pub sha256: String,
    /// The strong validator exactly as the `ETag` header carries it, quotes included.
    pub etag: String,
    /// Pixels, before any rotation. This and what follows are `None` where the file does not say it, and for videos that
    /// were completed before it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<Thousandths>,
    /// Mean frames per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<Thousandths>,
}

/// One video. Times are unix seconds, money is USD as a decimal string.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Record {
    /// Version of the stored form; not shown to the public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    pub id: VideoId,
    pub object: Object,
    pub model: String,
    pub status: Status,
    pub stage: String,
    pub queue_position: Option<u32>,
    pub progress: u8,
    pub progress_source: ProgressSource,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub expires_at: Option<i64>,
    pub input: Input,
    pub output: Option<Output>,
    pub cost_usd: Option<String>,
    pub error: Option<Failure>,
    /// What did not go as it was asked for, though it went on.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// The caller's own.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// What did not go as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// A first frame was sent, and the upstream does not have it.
    FirstFrameIgnored,
    /// The same of the last frame alone.
    LastFrameIgnored,
}

impl Record {
    #[must_use]
    pub fn has_failed_with(&self, code: FailureCode) -> bool {
        self.error.as_ref().is_some_and(|failure| failure.code == code)
    }

    /// It never falls, and has a source as soon as there is one.
    pub fn raise_progress(&mut self, percent: u8, source: ProgressSource) {
        if percent > self.progress || self.progress_source == ProgressSource::None {
            self.progress = percent.max(self.progress);
            self.progress_source = source;
        }
    }

    /// What the video is called on its owner's disk: the first words of the prompt as far as they are ASCII, or
    /// the id.
    #[must_use]
    pub fn file_stem(&self) -> String {
        let words = self.input.prompt.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
        let mut stem = String::new();
        for word in words.filter(|word| !word.is_empty() && word.is_ascii()) {
            if stem.len() + word.len() > MAX_STEM_CHARS {
                break;
            }
            if !stem.is_empty() {
                stem.push('-');
            }
            stem.push_str(&word.to_ascii_lowercase());
        }
        if stem.is_empty() { self.id.to_string() } else { stem }
    }
}

/// The constant `"video"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    Video,
}
