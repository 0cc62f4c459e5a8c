//! Telling the operator's webhook how a video ended. Each ending is an event of its own, tried on a ladder until
//! the receiver took it or wants no more, or the ladder is at its end.

use serde::{Deserialize, Serialize};

use super::id::{ID_PREFIX, VideoId};
use super::lifecycle::schedule::Ladder;
use super::time::{Millis, UnixMillis};

/// So many of the latest tries are kept for the operator.
const MAX_TRIES: usize = 10;

/// So far a receiver may put off the next try.
const MAX_RETRY_AFTER: Millis = Millis::from_seconds(86_400);

/// The receiver wants no more of this.
const GONE: u16 = 410;

/// What the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<Millis>,
}

/// One try, as the operator sees it: with the status of its answer, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Try {
    /// When that was known, in unix seconds.
    pub at: i64,
    pub webhook_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An event that is still to be told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Pending {
    webhook_id: String,
    failures: u32,
    due: UnixMillis,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Deliveries {
    /// How many there were; an event's id counts them.
    events: u32,
    pending: Option<Pending>,
    tries: Vec<Try>,
}

impl Deliveries {
    /// The video has ended: a new event.
    pub fn owe(&mut self, video: &VideoId, now: UnixMillis) {
        self.events = self.events.saturating_add(1);
        let webhook_id = format!("msg_{}_{}", video.as_str().trim_start_matches(ID_PREFIX), self.events);
        self.pending = Some(Pending { webhook_id, failures: 0, due: now });
    }

    /// Nothing is to be told any more.
    pub fn stop(&mut self) {
        self.pending = None;
    }

    /// What is to be told now; it is due again at `guard` if nobody says how it went.
    pub fn take_due(&mut self, now: UnixMillis, guard: UnixMillis) -> Option<String> {
        let pending = self.pending.as_mut().filter(|pending| pending.due <= now)?;
        pending.due = guard;
        Some(pending.webhook_id.clone())
    }

    /// How it went.
    pub fn settle(
        &mut self,
        webhook_id: String,
        answer: Result<Answer, String>,
        ladder: Option<&Ladder>,
        now: UnixMillis,
    ) {
        if let Some(pending) = self.pending.take_if(|pending| pending.webhook_id == webhook_id) {
            let (wait, at_least) = match &answer {
                Ok(Answer { status: 200..=299 | GONE, .. }) => (None, None),
                Ok(Answer { retry_after, .. }) => (Some(pending.failures), *retry_after),
                Err(_) => (Some(pending.failures), None),
            };
            let wait = wait.and_then(|attempt| ladder?.nth(attempt));
            let at_least = at_least.unwrap_or(Millis::new(0)).min(MAX_RETRY_AFTER);
            self.pending = wait.map(|wait| Pending {
                failures: pending.failures.saturating_add(1),
                due: now.after(wait.max(at_least)),
                ..pending
            });
        }
        let (status, error) = match answer {
            Ok(answer) => (Some(answer.status), None),
            Err(error) => (None, Some(error)),
        };
        if self.tries.len() >= MAX_TRIES {
            self.tries.remove(0);
        }
        self.tries.push(Try { at: now.seconds(), webhook_id, status, error });
    }

    /// Whether this event is still to be told.
    #[must_use]
    pub fn is_pending(&self, webhook_id: &str) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.webhook_id == webhook_id)
    }

    /// When the next try is due.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    /// The latest, the very latest last.
    #[must_use]
    pub fn tries(&self) -> &[Try] {
        &self.tries
    }

    /// Whether there never was an event.
    #[must_use]
    pub const fn are_none(&self) -> bool {
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

    fn owed() -> Deliveries {
        let mut deliveries = Deliveries::default();
        deliveries.owe(&video(), NOW);
        deliveries
    }

    fn video() -> VideoId {
        SigningKeys::derive(&[7; 32]).unwrap().mint(&Owner::nobody(), [1; 16])
    }

    /// Tries once, whenever that is due; the waiting time until the next try.
    fn wait_after(deliveries: &mut Deliveries, answer: Result<Answer, String>) -> Option<u64> {
        let webhook_id = deliveries.take_due(UnixMillis::new(i64::MAX), GUARD).expect("something to tell");
        deliveries.settle(webhook_id, answer, Some(&Ladder::parse("5,300,1800").unwrap()), NOW);
        deliveries.next_due().map(|due| due.since(NOW).seconds())
    }

    const fn with(status: u16) -> Answer {
        Answer { status, retry_after: None }
    }

    #[test]
    fn every_ending_has_its_own_id_and_every_try_the_same() {
        let mut deliveries = owed();
        let first = deliveries.take_due(NOW, GUARD).unwrap();
        assert_eq!(deliveries.take_due(NOW, GUARD), None, "it is under way");
        assert_eq!(deliveries.take_due(GUARD, GUARD), Some(first.clone()), "the object died meanwhile");
        wait_after(&mut deliveries, Ok(with(500)));
        assert!(deliveries.is_pending(&first));
        deliveries.owe(&video(), NOW);
        assert!(!deliveries.is_pending(&first));
        assert_eq!(first.strip_suffix('1').map(|stem| format!("{stem}2")), deliveries.take_due(NOW, GUARD));
        assert!(!first.contains(['.', ' ']), "it is a part of what is signed, divided by dots");
    }

    #[test]
    fn only_success_and_gone_end_it_before_the_ladder_does() {
        for end in [200, 204, 299, 410] {
            assert_eq!(wait_after(&mut owed(), Ok(with(end))), None, "{end}");
        }
        for other in [100, 199, 300, 302, 307, 400, 404, 429, 500, 503] {
            assert_eq!(wait_after(&mut owed(), Ok(with(other))), Some(5), "{other}");
        }
        let mut deliveries = owed();
        let waits: Vec<_> =
            (0..4).map(|_| wait_after(&mut deliveries, Err("no answer".to_owned()))).collect();
        assert_eq!(waits, [Some(5), Some(300), Some(1800), None]);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        let later = |seconds| {
            let retry_after = Some(Millis::from_seconds(seconds));
            wait_after(&mut owed(), Ok(Answer { status: 429, retry_after }))
        };
        assert_eq!([later(0), later(120), later(u64::MAX)], [Some(5), Some(120), Some(86_400)]);
    }

    #[test]
    fn an_answer_that_comes_too_late_is_noted_and_nothing_more() {
        let mut deliveries = owed();
        let webhook_id = deliveries.take_due(NOW, GUARD).unwrap();
        deliveries.stop();
        deliveries.settle(webhook_id.clone(), Ok(with(500)), None, NOW);
        assert_eq!(deliveries.next_due(), None);
        let noted = Try { at: 1000, webhook_id, status: Some(500), error: None };
        assert_eq!(deliveries.tries(), [noted]);
    }

    #[test]
    fn the_latest_tries_are_kept() {
        let mut deliveries = Deliveries::default();
        for status in 501..=515 {
            deliveries.owe(&video(), NOW);
            wait_after(&mut deliveries, Ok(with(status)));
        }
        let statuses: Vec<_> = deliveries.tries().iter().filter_map(|one| one.status).collect();
        assert_eq!(statuses, (506..=515).collect::<Vec<_>>());
    }
}
