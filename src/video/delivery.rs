//! Deliveries to a webhook: the operator's, or the `callback_url` of a submit. Each ending is an event of its own,
//! retried on a schedule until the receiver accepts it or answers 410, or the schedule ends.

use serde::{Deserialize, Serialize};

use super::id::{ID_PREFIX, VideoId};
use super::lifecycle::retry_schedule::RetrySchedule;
use super::time::{Millis, UnixMillis};

/// How many attempts are kept for the API.
const MAX_ATTEMPTS: usize = 10;

/// Longest `Retry-After` that is respected.
const MAX_RETRY_AFTER: Millis = Millis::from_seconds(86_400);

/// The receiver refuses further deliveries.
const GONE: u16 = 410;

/// Who gets an event. Deliveries to one do not depend on those to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// `NOTIFY_URL`.
    Operator,
    /// The `callback_url` of the submit.
    Owner,
}

/// The `callback_url` of a submit. Secret, because a URL may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct OwnerWebhook {
    pub url: String,
    #[serde(default, skip_serializing_if = "Deliveries::is_empty")]
    pub deliveries: Deliveries,
}

impl OwnerWebhook {
    #[must_use]
    pub fn new(url: String) -> Self {
        Self { url, deliveries: Deliveries::default() }
    }
}

/// The receiver's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryResponse {
    pub status: u16,
    pub retry_after: Option<Millis>,
}

/// One attempt in the API: with the status of the response, or the reason why there was none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DeliveryAttempt {
    /// When it ended, in unix seconds.
    pub at: i64,
    pub webhook_id: String,
    /// Counted from 1 for each event. Earlier versions did not store it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An attempt as the owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct OwnerAttempt {
    #[serde(flatten)]
    pub attempt: DeliveryAttempt,
    /// When the same event is sent again, in unix seconds; only in the latest attempt of an event.
    pub next_attempt_at: Option<i64>,
}

/// An event that is not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct PendingDelivery {
    webhook_id: String,
    failures: u32,
    due: UnixMillis,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Deliveries {
    /// The number of the latest event; part of an event's id.
    events: u32,
    pending: Option<PendingDelivery>,
    /// The latest ones, oldest first.
    #[serde(rename = "tries")]
    attempts: Vec<DeliveryAttempt>,
}

impl Deliveries {
    /// Adds the event with this number, because the video has ended.
    pub fn add(&mut self, video: &VideoId, number: u32, now: UnixMillis) {
        self.events = number;
        let webhook_id = format!("msg_{}_{}", video.as_str().trim_start_matches(ID_PREFIX), self.events);
        self.pending = Some(PendingDelivery { webhook_id, failures: 0, due: now });
    }

    /// Drops the pending event.
    pub fn stop(&mut self) {
        self.pending = None;
    }

    /// Returns the id of the due event. If no result is reported, it is due again at `guard`.
    pub fn take_due(&mut self, now: UnixMillis, guard: UnixMillis) -> Option<String> {
        let pending = self.pending.as_mut().filter(|pending| pending.due <= now)?;
        pending.due = guard;
        Some(pending.webhook_id.clone())
    }

    /// Records the result of an attempt.
    pub fn complete(
        &mut self,
        webhook_id: String,
        response: Result<DeliveryResponse, String>,
        schedule: Option<&RetrySchedule>,
        now: UnixMillis,
    ) {
        if let Some(pending) = self.pending.take_if(|pending| pending.webhook_id == webhook_id) {
            let (wait, at_least) = match &response {
                Ok(DeliveryResponse { status: 200..=299 | GONE, .. }) => (None, None),
                Ok(DeliveryResponse { retry_after, .. }) => (Some(pending.failures), *retry_after),
                Err(_) => (Some(pending.failures), None),
            };
            let wait = wait.and_then(|attempt| schedule?.checked_delay(attempt));
            let at_least = at_least.unwrap_or(Millis::new(0)).min(MAX_RETRY_AFTER);
            self.pending = wait.map(|wait| PendingDelivery {
                failures: pending.failures.saturating_add(1),
                due: now.after(wait.max(at_least)),
                ..pending
            });
        }
        let (status, error) = match response {
            Ok(response) => (Some(response.status), None),
            Err(error) => (None, Some(error)),
        };
        let earlier = self.attempts.iter().rev().find(|attempt| attempt.webhook_id == webhook_id);
        let attempt = earlier.map_or(Some(1), |earlier| Some(earlier.attempt?.saturating_add(1)));
        if self.attempts.len() >= MAX_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(DeliveryAttempt { at: now.seconds(), webhook_id, attempt, status, error });
    }

    /// Whether this event is not delivered yet.
    #[must_use]
    pub fn is_pending(&self, webhook_id: &str) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.webhook_id == webhook_id)
    }

    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    /// Oldest first.
    #[must_use]
    pub fn attempts(&self) -> &[DeliveryAttempt] {
        &self.attempts
    }

    /// The attempts for the owner, oldest first.
    #[must_use]
    pub fn for_owner(&self) -> Vec<OwnerAttempt> {
        let latest = self.attempts.len().saturating_sub(1);
        let next_attempt_at = |index: usize, attempt: &DeliveryAttempt| {
            let pending = self
                .pending
                .as_ref()
                .filter(|pending| index == latest && pending.webhook_id == attempt.webhook_id);
            pending.map(|pending| pending.due.seconds())
        };
        let attempts = self.attempts.iter().enumerate();
        attempts
            .map(|(index, attempt)| OwnerAttempt {
                attempt: attempt.clone(),
                next_attempt_at: next_attempt_at(index, attempt),
            })
            .collect()
    }

    /// The number of events so far.
    #[must_use]
    pub const fn events(&self) -> u32 {
        self.events
    }

    /// Whether there never was an event.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::access::keys::SigningKeys;
    use crate::video::access::owner::Owner;

    const NOW: UnixMillis = UnixMillis::new(1_000_000);
    const GUARD: UnixMillis = UnixMillis::new(1_010_000);

    fn ended() -> Deliveries {
        let mut deliveries = Deliveries::default();
        deliveries.add(&video(), 1, NOW);
        deliveries
    }

    fn video() -> VideoId {
        SigningKeys::derive(&[7; 32]).unwrap().mint(&Owner::nobody(), [1; 16])
    }

    /// Delivers the due event; returns the delay until the next attempt.
    fn wait_after(deliveries: &mut Deliveries, response: Result<DeliveryResponse, String>) -> Option<u64> {
        let webhook_id = deliveries.take_due(UnixMillis::new(i64::MAX), GUARD).expect("a due delivery");
        deliveries.complete(webhook_id, response, Some(&RetrySchedule::parse("5,300,1800").unwrap()), NOW);
        deliveries.next_due().map(|due| due.since(NOW).seconds())
    }

    const fn with(status: u16) -> DeliveryResponse {
        DeliveryResponse { status, retry_after: None }
    }

    #[test]
    fn each_ending_has_one_id_for_all_attempts() {
        let mut deliveries = ended();
        let first = deliveries.take_due(NOW, GUARD).unwrap();
        assert_eq!(deliveries.take_due(NOW, GUARD), None, "the attempt has not ended");
        assert_eq!(deliveries.take_due(GUARD, GUARD), Some(first.clone()), "the object died meanwhile");
        wait_after(&mut deliveries, Ok(with(500)));
        assert!(deliveries.is_pending(&first));
        deliveries.add(&video(), 2, NOW);
        assert!(!deliveries.is_pending(&first));
        assert_eq!(first.strip_suffix('1').map(|stem| format!("{stem}2")), deliveries.take_due(NOW, GUARD));
        assert!(!first.contains(['.', ' ']), "the signed text separates its parts by dots");
    }

    #[test]
    fn only_success_and_410_end_the_attempts_early() {
        for end in [200, 204, 299, 410] {
            assert_eq!(wait_after(&mut ended(), Ok(with(end))), None, "{end}");
        }
        for other in [100, 199, 300, 302, 307, 400, 404, 429, 500, 503] {
            assert_eq!(wait_after(&mut ended(), Ok(with(other))), Some(5), "{other}");
        }
        let mut deliveries = ended();
        let waits: Vec<_> =
            (0..4).map(|_| wait_after(&mut deliveries, Err("no answer".to_owned()))).collect();
        assert_eq!(waits, [Some(5), Some(300), Some(1800), None]);
    }

    #[test]
    fn retry_after_is_respected_up_to_a_day() {
        let later = |seconds| {
            let retry_after = Some(Millis::from_seconds(seconds));
            wait_after(&mut ended(), Ok(DeliveryResponse { status: 429, retry_after }))
        };
        assert_eq!([later(0), later(120), later(u64::MAX)], [Some(5), Some(120), Some(86_400)]);
    }

    #[test]
    fn a_late_response_is_only_recorded() {
        let mut deliveries = ended();
        let webhook_id = deliveries.take_due(NOW, GUARD).unwrap();
        deliveries.stop();
        deliveries.complete(webhook_id.clone(), Ok(with(500)), None, NOW);
        assert_eq!(deliveries.next_due(), None);
        let noted =
            DeliveryAttempt { at: 1000, webhook_id, attempt: Some(1), status: Some(500), error: None };
        assert_eq!(deliveries.attempts(), [noted]);
    }

    #[test]
    fn attempts_are_counted_for_each_event_and_the_latest_says_when_the_next_is_due() {
        let mut deliveries = ended();
        wait_after(&mut deliveries, Ok(with(500)));
        wait_after(&mut deliveries, Ok(with(500)));
        deliveries.add(&video(), 2, NOW);
        wait_after(&mut deliveries, Ok(with(500)));
        let known = |attempt: &OwnerAttempt| (attempt.attempt.attempt, attempt.next_attempt_at);
        let shown: Vec<_> = deliveries.for_owner().iter().map(known).collect();
        assert_eq!(shown, [(Some(1), None), (Some(2), None), (Some(1), Some(1005))]);
        wait_after(&mut deliveries, Ok(with(204)));
        assert_eq!(deliveries.for_owner().last().map(known), Some((Some(2), None)));
    }

    #[test]
    fn the_latest_attempts_are_kept() {
        let mut deliveries = Deliveries::default();
        for status in 501..=515_u16 {
            deliveries.add(&video(), status.into(), NOW);
            wait_after(&mut deliveries, Ok(with(status)));
        }
        let statuses: Vec<_> = deliveries.attempts().iter().filter_map(|attempt| attempt.status).collect();
        assert_eq!(statuses, (506..=515).collect::<Vec<_>>());
    }
}
