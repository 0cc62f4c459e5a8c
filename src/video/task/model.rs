//! The model that makes a video.

use super::Task;
use crate::video::typical_duration::kind;

impl Task {
    /// The model's `owner/project` at Wiro.
    #[must_use]
    pub fn model_path(&self) -> &str {
        if self.model_path.is_empty() { &self.record.model } else { &self.model_path }
    }

    /// The kind of the video. Videos of one kind take about the same time and cost the same.
    #[must_use]
    pub fn kind(&self) -> String {
        kind(self.model_path(), &self.record.input)
    }
}
