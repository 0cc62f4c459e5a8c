//! The record of a video, which is stored in KV, and the Video of the API.
//!
//! These types are public: they must not contain secrets or internal data of Wiro.

mod file_name;
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

/// The version of the stored format. It is raised if older code would misread a newer record.
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
    /// In the order of a video's life.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::InProgress, Self::Completed, Self::Failed, Self::Cancelled];

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

/// The source of `progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressSource {
    Upstream,
    Estimate,
    None,
}

/// The reason why a video failed, in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The run ended without a video.
    GenerationFailed,
    /// The upstream refused the parameters.
    UpstreamRejected,
    /// The upstream refused the account, or did not accept the job before the deadline.
    UpstreamUnavailable,
    /// The upstream reported no end before the deadline.
    UpstreamTimeout,
    /// The response to Run was lost, and the search found no job before the deadline.
    SubmissionUnknown,
    /// The finished video could not be stored and verified before the deadline.
    StorageFailed,
}

impl FailureCode {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GenerationFailed => "generation_failed",
            Self::UpstreamRejected => "upstream_rejected",
            Self::UpstreamUnavailable => "upstream_unavailable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::SubmissionUnknown => "submission_unknown",
            Self::StorageFailed => "storage_failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Failure {
    pub code: FailureCode,
    pub message: String,
}

/// The accepted request.
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
    /// The number of frames.
    #[must_use]
    pub fn frame_count(&self) -> usize {
        let files = [&self.input_image_first, &self.input_image_last].into_iter().flatten().count();
        files + self.links().count()
    }

    /// The URLs of frames.
    pub fn links(&self) -> impl Iterator<Item = &String> {
        [&self.input_image_first_url, &self.input_image_last_url].into_iter().flatten()
    }

    /// Whether a frame was uploaded with the submit.
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
    /// The strong `ETag` with its quotes.
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

impl Output {
    /// The duration, rounded to seconds.
    #[must_use]
    pub fn whole_seconds(&self) -> Option<u16> {
        u16::try_from((self.duration_seconds?.0 + 500) / 1000).ok()
    }
}

/// One video. Times are unix seconds, money is USD as a decimal string.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Record {
    /// The version of the stored format; not in the API.
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
    /// Deviations from the request that did not stop the video.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Set by the caller.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// A deviation from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// A first frame was sent, but the job at the upstream has none.
    FirstFrameIgnored,
    /// A last frame was sent, but the job at the upstream has none.
    LastFrameIgnored,
}

impl Record {
    #[must_use]
    pub fn has_failed_with(&self, code: FailureCode) -> bool {
        self.error.as_ref().is_some_and(|failure| failure.code == code)
    }

    /// Raises the progress, which never falls, and sets its source.
    pub fn raise_progress(&mut self, percent: u8, source: ProgressSource) {
        if percent > self.progress || self.progress_source == ProgressSource::None {
            self.progress = percent.max(self.progress);
            self.progress_source = source;
        }
    }
}

/// The constant `"video"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    Video,
}
