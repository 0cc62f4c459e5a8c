//! Which model makes a video.

use super::Task;
use crate::video::pace::kind;

impl Task {
    /// The model's `owner/project` at the upstream.
    #[must_use]
    pub fn model_path(&self) -> &str {
        if self.model_path.is_empty() { &self.record.model } else { &self.model_path }
    }

    /// Videos of this kind take about as long as each other, and cost the same.
    #[must_use]
    pub fn kind(&self) -> String {
        kind(self.model_path(), &self.record.input)
    }
}
