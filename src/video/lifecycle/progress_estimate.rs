//! The progress of a task. Between events it depends only on the time and never falls; before each event the current
//! value is stored.

use crate::video::progress;
use crate::video::record::{ProgressSource, Record};
use crate::video::task::{Phase, Task};
use crate::video::time::{Millis, UnixMillis};
use crate::video::typical_duration;

/// Wiro's own percentage is used for this long; afterwards progress is estimated.
const UPSTREAM_VALIDITY: Millis = Millis::from_seconds(30);

/// A smaller percentage from Wiro does not predict the remaining time.
const MIN_PREDICTIVE_PERCENT: u8 = 10;

impl Task {
    /// The record with the current progress.
    #[must_use]
    pub fn record_at(&self, now: UnixMillis) -> Record {
        let mut record = self.record.clone();
        if let Some(percent) = self.estimate(now) {
            record.raise_progress(percent, ProgressSource::Estimate);
        }
        record
    }

    /// Stores the current progress, so that it never falls.
    pub(super) fn keep_progress(&mut self, now: UnixMillis) {
        if let Some(percent) = self.estimate(now) {
            self.record.raise_progress(percent, ProgressSource::Estimate);
        }
        if let Some(remaining) = self.remaining(now) {
            self.expected_end_at = Some(now.after(remaining));
        }
    }

    /// The generation time, if both its start and its end are known.
    #[must_use]
    pub fn generation_time(&self) -> Option<Millis> {
        let Phase::Storing { since, .. } = &self.phase else { return None };
        Some(since.since(self.run_answered_at?))
    }

    /// Stores Wiro's own percentage, which also predicts the duration.
    pub(super) fn upstream_progress(&mut self, percent: u8, now: UnixMillis) {
        let Phase::Running { since, .. } = &self.phase else { return };
        if percent >= MIN_PREDICTIVE_PERCENT {
            let total = Millis::new(now.since(*since).get().saturating_mul(100) / u64::from(percent));
            self.expected_end_at = Some(since.after(total));
            self.typical_duration = Some(total);
        }
        self.percentage_received_at = Some(now);
        self.record.progress = progress::from_upstream(percent).max(self.record.progress);
        self.record.progress_source = ProgressSource::Upstream;
    }

    fn estimate(&self, now: UnixMillis) -> Option<u8> {
        let stage = &self.record.stage;
        match &self.phase {
            Phase::Running { .. }
                if self.percentage_received_at.is_some_and(|at| now < at.after(UPSTREAM_VALIDITY)) =>
            {
                Some(progress::floor(stage))
            }
            Phase::Running { since, .. } => {
                Some(progress::while_generating(stage, now.since(*since), self.remaining(now)?))
            }
            Phase::Storing { since, .. } => Some(progress::while_copying(now.since(*since))),
            _ => None,
        }
    }

    /// The remaining generation time.
    fn remaining(&self, now: UnixMillis) -> Option<Millis> {
        let Phase::Running { since, .. } = &self.phase else { return None };
        let typical =
            self.typical_duration.unwrap_or_else(|| typical_duration::default_duration(&self.record.input));
        let expected_end_at = self.expected_end_at.unwrap_or_else(|| since.after(typical));
        Some(progress::remaining(&self.record.stage, expected_end_at.since(now), typical))
    }
}
