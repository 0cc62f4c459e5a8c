//! Requests that change a running video: cancel and delete by its owner, redrive by an operator.

use super::Policy;
use crate::video::record::{FailureCode, Status};
use crate::video::task::{Intent, Phase, Task};
use crate::video::time::UnixMillis;

impl Task {
    /// Without a job at Wiro the video ends at once. A job at Wiro is stopped there, and the next check decides how the
    /// video ends. A finished video is kept.
    pub(super) fn cancel_requested(&mut self, policy: &Policy, now: UnixMillis) {
        match &mut self.phase {
            Phase::Receiving | Phase::Waiting { .. } | Phase::Queued(_) | Phase::SlotGranted(_) => {
                self.end(Status::Cancelled, policy, now);
            }
            Phase::Submitting { .. } | Phase::Unknown { .. } | Phase::Running { .. } => {
                self.stop(Intent::Cancel, now);
            }
            Phase::Storing { .. } | Phase::Ended { .. } | Phase::Removing { .. } => {}
        }
    }

    /// A job at Wiro is stopped there first. Without one the data is removed at once.
    pub(super) fn delete_requested(&mut self, now: UnixMillis) {
        if self.is_visible() {
            self.stop(Intent::Delete, now);
        }
    }

    fn stop(&mut self, intent: Intent, now: UnixMillis) {
        if self.intent != Intent::Delete {
            self.intent = intent;
        }
        if let Phase::Running { fast_poll_attempts, .. } = &mut self.phase {
            *fast_poll_attempts = Some(0);
            self.check_soon(now);
        }
    }

    /// Only a video that may have been charged is resumed.
    pub(super) fn redrive_requested(&mut self, policy: &Policy, now: UnixMillis) {
        let Phase::Ended { job } = &self.phase else { return };
        match (self.record.error.as_ref().map(|failure| failure.code), job.clone()) {
            (Some(FailureCode::SubmissionUnknown), None) => self.search_again(None, now),
            (Some(FailureCode::StorageFailed | FailureCode::UpstreamTimeout), Some(job)) => {
                self.callback_pending = true;
                self.start(job, policy, now);
            }
            _ => {}
        }
    }
}
