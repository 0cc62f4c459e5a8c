//! Work of a task besides its job, such as publishing the record. Each item is retried until it succeeds, whatever
//! the job does meanwhile.

use serde::{Deserialize, Serialize};

use super::retry_schedule::RetrySchedule;
use crate::video::time::{Tick, UnixMillis};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkItem {
    /// Write the record to KV.
    Publish,
    /// Report to the dispatcher whether the job needs a slot, and how the video has ended.
    #[serde(rename = "leave")]
    Report,
    /// Have Wiro delete its files, because our copy is verified.
    Purge,
    /// Tell the dispatcher whether Wiro answered Run.
    ReportRun,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct PendingItem {
    #[serde(rename = "chore")]
    work: WorkItem,
    failures: u32,
    due: UnixMillis,
    /// It was added again while it ran, so it must run once more.
    #[serde(rename = "again")]
    added_again: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PendingWork(Vec<PendingItem>);

impl PendingWork {
    /// Adds an item, which is due at once.
    pub fn add(&mut self, work: WorkItem, now: UnixMillis) {
        match self.0.iter_mut().find(|item| item.work == work) {
            Some(item) => {
                item.due = item.due.min(now);
                item.added_again = true;
            }
            None => self.0.push(PendingItem { work, failures: 0, due: now, added_again: false }),
        }
    }

    /// Returns the due items. If no result is reported, they are due again at `guard`.
    pub fn take_due(&mut self, now: UnixMillis, guard: UnixMillis) -> Vec<WorkItem> {
        let due = self.0.iter_mut().filter(|item| item.due <= now);
        due.map(|item| {
            item.due = guard;
            item.added_again = false;
            item.work
        })
        .collect()
    }

    /// Records the result of an item.
    pub fn complete(&mut self, work: WorkItem, succeeded: bool, retry: &RetrySchedule, tick: Tick) {
        let Some(item) = self.0.iter_mut().find(|item| item.work == work) else { return };
        if !succeeded {
            item.due = tick.now.after(retry.jittered_delay(item.failures, tick.jitter));
            item.failures = item.failures.saturating_add(1);
        } else if item.added_again {
            item.due = tick.now;
        } else {
            self.0.retain(|item| item.work != work);
        }
    }

    /// When this item is due; `None` if it is not pending.
    #[must_use]
    pub fn due_of(&self, work: WorkItem) -> Option<UnixMillis> {
        self.0.iter().find(|item| item.work == work).map(|item| item.due)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.0.iter().map(|item| item.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1000);
    const GUARD: UnixMillis = UnixMillis::new(11_000);

    fn complete(work: &mut PendingWork, succeeded: bool) {
        let retry = RetrySchedule::parse("2,5").unwrap();
        work.complete(WorkItem::Publish, succeeded, &retry, Tick { now: NOW, jitter: 0 });
    }

    #[test]
    fn pending_work_runs_once() {
        let mut work = PendingWork::default();
        work.add(WorkItem::Publish, NOW);
        assert_eq!(work.take_due(NOW, GUARD), [WorkItem::Publish]);
        assert_eq!(work.take_due(NOW, GUARD), []);
        complete(&mut work, true);
        assert_eq!(work.next_due(), None);
    }

    #[test]
    fn a_failed_item_is_retried_and_a_lost_one_waits_for_its_guard() {
        let mut work = PendingWork::default();
        work.add(WorkItem::Publish, NOW);
        let _ = work.take_due(NOW, GUARD);
        assert_eq!(work.next_due(), Some(GUARD));
        complete(&mut work, false);
        assert_eq!(work.next_due(), Some(UnixMillis::new(1000 + 1600)));
        complete(&mut work, false);
        assert_eq!(work.next_due(), Some(UnixMillis::new(1000 + 4000)));
    }

    #[test]
    fn an_item_added_while_it_runs_runs_again() {
        let mut work = PendingWork::default();
        work.add(WorkItem::Publish, NOW);
        let _ = work.take_due(NOW, GUARD);
        work.add(WorkItem::Publish, NOW);
        complete(&mut work, true);
        assert_eq!(work.take_due(NOW, GUARD), [WorkItem::Publish]);
        complete(&mut work, true);
        assert_eq!(work.next_due(), None);
    }
}
