//! The stored format of a [`Task`]: its version, and the upgrade of older versions.

use thiserror::Error;

use crate::video::lifecycle::pending_work::WorkItem;
use crate::video::task::Task;
use crate::video::time::UnixMillis;

/// The version that is written.
pub const TASK_VERSION: u32 = 2;

#[derive(Debug, Error)]
pub enum LoadError {
    /// Names no part of the text, which may hold a secret.
    #[error("the stored task cannot be read at column {}", .0.column())]
    Json(#[from] serde_json::Error),
    #[error("the stored task has version {0}: a newer deployment wrote it")]
    Newer(u32),
}

impl Task {
    /// Reads a stored task, of this version or an earlier one.
    ///
    /// # Errors
    /// [`LoadError`]; a newer version is not read, because it would be misread.
    pub fn load(text: &str) -> Result<Self, LoadError> {
        let mut task: Self = serde_json::from_str(text)?;
        if task.version > TASK_VERSION {
            return Err(LoadError::Newer(task.version));
        }
        if task.version == 1 {
            // Version 1 had no pending work. Publishing the record once more does no harm.
            task.answerable = task.is_answerable();
            if task.answerable {
                task.pending_work.add(WorkItem::Publish, task.wake_at.unwrap_or(UnixMillis::new(0)));
            }
        }
        // Earlier versions reported the end with the publication.
        if task.record.status.is_final()
            && let Some(due) = task.pending_work.due_of(WorkItem::Publish)
        {
            task.pending_work.add(WorkItem::Report, due);
        }
        task.version = TASK_VERSION;
        Ok(task)
    }
}
