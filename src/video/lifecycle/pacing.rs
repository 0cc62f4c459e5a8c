//! What a task shows of its progress, moment by moment. In between events it only depends on the time and never
//! falls with it; before each event, what could be seen until then is kept.

use crate::video::pace;
use crate::video::progress;
use crate::video::record::{ProgressSource, Record};
use crate::video::task::{Phase, Task};
use crate::video::time::{Millis, UnixMillis};

/// For so long after a percentage of the upstream's own, the next one is waited for.
const UPSTREAM_VALIDITY: Millis = Millis::from_seconds(30);

/// A smaller percentage of the upstream's own says little about the time that is to come.
const MIN_TELLING_PERCENT: u8 = 10;

impl Task {
    /// The record as it is at this moment.
    #[must_use]
    pub fn record_at(&self, now: UnixMillis) -> Record {
        let mut record = self.record.clone();
        if let Some(percent) = self.estimate(now) {
            record.raise_progress(percent, ProgressSource::Estimate);
        }
        record
    }

    /// Keeps what can be seen at this moment: from here on nobody is told less.
    pub(super) fn keep_progress(&mut self, now: UnixMillis) {
        if let Some(percent) = self.estimate(now) {
            self.record.raise_progress(percent, ProgressSource::Estimate);
        }
        if let Some(to_come) = self.to_come(now) {
            self.ends_at = Some(now.after(to_come));
        }
    }

    /// How long its generation took, if that was seen from beginning to end.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        let Phase::Storing { since, .. } = &self.phase else { return None };
        Some(since.since(self.begun_at?))
    }

    /// The upstream's own figure, which also tells how long this one takes.
    pub(super) fn heard_progress(&mut self, percent: u8, now: UnixMillis) {
        let Phase::Running { since, .. } = &self.phase else { return };
        if percent >= MIN_TELLING_PERCENT {
            let pace = Millis::new(now.since(*since).get().saturating_mul(100) / u64::from(percent));
            self.ends_at = Some(since.after(pace));
            self.pace = Some(pace);
        }
        self.heard_at = Some(now);
        self.record.progress = progress::of_generation(percent).max(self.record.progress);
        self.record.progress_source = ProgressSource::Upstream;
    }

    fn estimate(&self, now: UnixMillis) -> Option<u8> {
        let stage = &self.record.stage;
        match &self.phase {
            Phase::Running { .. } if self.heard_at.is_some_and(|at| now < at.after(UPSTREAM_VALIDITY)) => {
                Some(progress::floor(stage))
            }
            Phase::Running { since, .. } => {
                Some(progress::of_making(stage, now.since(*since), self.to_come(now)?))
            }
            Phase::Storing { since, .. } => Some(progress::of_storing(now.since(*since))),
            _ => None,
        }
    }

    /// What is still to come of a generation.
    fn to_come(&self, now: UnixMillis) -> Option<Millis> {
        let Phase::Running { since, .. } = &self.phase else { return None };
        let pace = self.pace.unwrap_or_else(|| pace::supposed(&self.record.input));
        let ends_at = self.ends_at.unwrap_or_else(|| since.after(pace));
        Some(progress::to_come(&self.record.stage, ends_at.since(now), pace))
    }
}
