//! Backoff while the account has as many jobs as it may. Queued jobs start as our own jobs end; now and then one
//! starts as a probe, in case another user's job ended.

use crate::video::lifecycle::retry_schedule::RetrySchedule;
use crate::video::time::{Millis, Tick, UnixMillis};

/// Wiro was at capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityBackoff {
    /// No job starts before, except into slots that our own jobs freed.
    pub until: UnixMillis,
    /// Refusals in a row.
    pub refusals: u32,
    /// A probe was started, and was not refused so far.
    pub is_probing: bool,
    /// Slots that our own jobs have freed since, and that no job has taken.
    pub freed_slots: u32,
}

impl CapacityBackoff {
    /// Wiro refused another job.
    #[must_use]
    pub fn after_refusal(
        before: Option<Self>,
        retry_after: Millis,
        retry: &RetrySchedule,
        tick: Tick,
    ) -> Self {
        let refusals = before.map_or(0, |backoff| backoff.refusals.saturating_add(1));
        let wait = retry.jittered_delay(refusals, tick.jitter).max(retry_after);
        Self { until: tick.now.after(wait), refusals, is_probing: false, freed_slots: 0 }
    }

    /// One of our jobs ended.
    #[must_use]
    pub const fn with_freed_slot(self) -> Self {
        Self { freed_slots: self.freed_slots.saturating_add(1), ..self }
    }

    /// How many of the `waiting` jobs may start, and the backoff afterwards.
    #[must_use]
    pub fn admit(self, waiting: u32, retry: &RetrySchedule, now: UnixMillis) -> (Option<Self>, u32) {
        let is_over = self.until <= now;
        if waiting == 0 {
            return (Some(self).filter(|_| !is_over), 0);
        }
        let admitted = waiting.min(self.freed_slots);
        let backoff = Self { freed_slots: self.freed_slots - admitted, ..self };
        if admitted < waiting && is_over {
            // A probe: if it is refused, the next one waits longer; otherwise the next one follows soon.
            let refusals = if self.is_probing { 0 } else { self.refusals };
            let until = now.after(retry.delay(0));
            return (Some(Self { until, refusals, is_probing: true, ..backoff }), admitted + 1);
        }
        (Some(backoff), admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Millis = Millis::new(0);

    fn retry() -> RetrySchedule {
        RetrySchedule::parse("2,5,15").unwrap()
    }

    fn at(seconds: i64) -> Tick {
        Tick { now: UnixMillis::new(seconds * 1000), jitter: u16::MAX / 2 }
    }

    fn admit(backoff: CapacityBackoff, waiting: u32, seconds: i64) -> (Option<CapacityBackoff>, u32) {
        backoff.admit(waiting, &retry(), at(seconds).now)
    }

    fn wait(backoff: CapacityBackoff, seconds: i64) -> i64 {
        (backoff.until.millis() - seconds * 1000 + 500) / 1000
    }

    #[test]
    fn refusals_lengthen_the_backoff_and_retry_after_is_a_minimum() {
        let first = CapacityBackoff::after_refusal(None, NONE, &retry(), at(0));
        assert_eq!((wait(first, 0), admit(first, 9, 1)), (2, (Some(first), 0)));
        let (is_probing, admitted) = admit(first, 9, 3);
        assert_eq!(admitted, 1);
        let second = CapacityBackoff::after_refusal(is_probing, NONE, &retry(), at(3));
        assert_eq!(wait(second, 3), 5);
        assert_eq!(
            wait(CapacityBackoff::after_refusal(Some(second), Millis::from_seconds(60), &retry(), at(0)), 0),
            60
        );
    }

    #[test]
    fn a_successful_probe_is_followed_soon() {
        let first = CapacityBackoff::after_refusal(None, NONE, &retry(), at(0));
        let backoff = CapacityBackoff::after_refusal(Some(first), NONE, &retry(), at(2));
        let (backoff, _) = admit(backoff, 9, 8);
        let (backoff, admitted) = admit(backoff.unwrap(), 8, 10);
        assert_eq!((wait(backoff.unwrap(), 10), admitted), (2, 1));
        assert_eq!(wait(CapacityBackoff::after_refusal(backoff, NONE, &retry(), at(10)), 10), 5);
    }

    #[test]
    fn each_freed_slot_admits_one_job() {
        let backoff = CapacityBackoff::after_refusal(None, NONE, &retry(), at(0))
            .with_freed_slot()
            .with_freed_slot()
            .with_freed_slot();
        let (backoff, admitted) = admit(backoff, 2, 1);
        assert_eq!(admitted, 2);
        let (backoff, admitted) = admit(backoff.unwrap(), 2, 1);
        assert_eq!(admitted, 1);
        assert_eq!(admit(backoff.unwrap(), 2, 1).1, 0);
    }

    #[test]
    fn the_backoff_ends_with_an_empty_queue() {
        let backoff = CapacityBackoff::after_refusal(None, NONE, &retry(), at(0));
        assert_eq!(admit(backoff, 0, 1), (Some(backoff), 0));
        assert_eq!(admit(backoff, 0, 3), (None, 0));
    }
}
