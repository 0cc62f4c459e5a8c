//! From the accepted video to Wiro's job: the queue, Run, and the search for a job whose response to Run was lost.

use super::Policy;
use super::event::{Effect, RunOutcome, SlotReply};
use super::pending_work::WorkItem;
use crate::video::record::{Failure, FailureCode, Status};
use crate::video::task::search::SearchOutcome;
use crate::video::task::{Job, Phase, Task};
use crate::video::time::{Millis, Tick, UnixMillis};

/// A queued job asks for its slot this often, in case a message was lost; less often the further back it is.
const QUEUE_CHECK_INTERVAL: Millis = Millis::from_seconds(60);

const MAX_QUEUE_CHECK_INTERVAL: Millis = Millis::from_seconds(600);

/// Delay before the next search, if the job sent a callback or the list was not read to its end.
const MIN_SEARCH_INTERVAL: Millis = Millis::new(1000);

impl Task {
    pub(super) fn image_stored(&mut self, now: UnixMillis) {
        if self.phase == Phase::Receiving {
            self.phase = Phase::Waiting { attempts: 0, capacity_retry_after: None };
            self.wake_at = Some(now);
        }
    }

    /// The next step of the submission, until its deadline.
    pub(super) fn next_submission_effect(&mut self, policy: &Policy, now: UnixMillis) -> Option<Effect> {
        if now >= self.submission_deadline(policy) {
            self.fail(FailureCode::UpstreamUnavailable, None, policy, now);
            return None;
        }
        match self.phase {
            Phase::Waiting { capacity_retry_after, .. } => {
                Some(Effect::AcquireSlot { retry_after: capacity_retry_after })
            }
            Phase::Queued(_) => Some(Effect::AcquireSlot { retry_after: None }),
            Phase::SlotGranted(attempts) => {
                self.phase = Phase::Submitting { attempts, hint: None };
                self.run_attempts = self.run_attempts.saturating_add(1);
                Some(Effect::Run)
            }
            _ => None,
        }
    }

    /// `created_at` is rounded down to a second, so the whole second is added.
    fn submission_deadline(&self, policy: &Policy) -> UnixMillis {
        UnixMillis::new(self.record.created_at * 1000 + 999).after(policy.task_deadline)
    }

    /// Ignored unless the job is queued.
    pub(super) fn slot_granted(&mut self, now: UnixMillis) {
        if matches!(self.phase, Phase::Queued(_)) {
            self.wake_at = Some(now);
        }
    }

    pub(super) fn slot_replied(&mut self, reply: SlotReply, policy: &Policy, tick: Tick) {
        let (Phase::Waiting { attempts, .. } | Phase::Queued(attempts)) = self.phase else { return };
        match reply {
            SlotReply::Granted(typical) | SlotReply::GrantedWithReport(typical) => {
                self.reports_run = matches!(reply, SlotReply::GrantedWithReport(_));
                self.typical_duration = typical;
                self.phase = Phase::SlotGranted(attempts);
                self.wake_at = Some(tick.now);
            }
            SlotReply::Queued(position) => {
                self.phase = Phase::Queued(attempts);
                self.record.queue_position = Some(position);
                let further_back = Millis::from_seconds(u64::from(position) / 10);
                let check_at = tick.now.after(QUEUE_CHECK_INTERVAL).after(further_back);
                let check_at = check_at.min(tick.now.after(MAX_QUEUE_CHECK_INTERVAL));
                self.wake_at = Some(check_at.min(self.submission_deadline(policy)));
            }
            // The caller has no answer yet, so the video is refused as if it had never existed.
            SlotReply::QueueFull if !self.answerable => {
                let code = FailureCode::UpstreamUnavailable;
                self.record.error = Some(Failure { code, message: super::default_message(code).to_owned() });
                self.remove(tick.now);
            }
            SlotReply::QueueFull => {
                self.phase = Phase::Queued(attempts);
                let check_at = tick.now.after(QUEUE_CHECK_INTERVAL);
                self.wake_at = Some(check_at.min(self.submission_deadline(policy)));
            }
            // Without `MAX_ACTIVE` the queue is not needed, so its failure must not stop the job.
            SlotReply::Unreachable if policy.max_active.is_none() => {
                self.phase = Phase::SlotGranted(attempts);
                self.wake_at = Some(tick.now);
            }
            SlotReply::Unreachable => {
                if let Phase::Waiting { attempts, .. } | Phase::Queued(attempts) = &mut self.phase {
                    *attempts = attempts.saturating_add(1);
                }
                self.retry_later(attempts, None, policy, tick);
            }
        }
    }

    fn retry_later(&mut self, attempts: u32, at_least: Option<Millis>, policy: &Policy, tick: Tick) {
        let wait = policy.retry.jittered_delay(attempts, tick.jitter).max(at_least.unwrap_or(Millis::new(0)));
        self.wake_at = Some(tick.now.after(wait).min(self.submission_deadline(policy)));
    }

    pub(super) fn run_answered(&mut self, outcome: RunOutcome, policy: &Policy, tick: Tick) {
        let is_first_answer = matches!(self.phase, Phase::Submitting { .. });
        if is_first_answer && (outcome == RunOutcome::Unknown || std::mem::take(&mut self.reports_run)) {
            self.pending_work.add(WorkItem::ReportRun, tick.now);
        }
        match (&self.phase, outcome) {
            // The response is valid even if it arrives after the crash guard gave up on it.
            (Phase::Submitting { .. } | Phase::Unknown { .. }, RunOutcome::Started(job)) => {
                self.start(job, policy, tick.now);
                self.run_answered_at = Some(tick.now);
            }
            (Phase::Submitting { .. }, RunOutcome::NotStarted { .. } | RunOutcome::AtCapacity { .. })
                if self.is_stopping() =>
            {
                self.end(Status::Cancelled, policy, tick.now);
            }
            (Phase::Submitting { attempts, .. }, RunOutcome::NotStarted { retry_after }) => {
                let attempts = *attempts;
                // It goes back through the queue, because the circuit breaker may have opened meanwhile.
                self.phase =
                    Phase::Waiting { attempts: attempts.saturating_add(1), capacity_retry_after: None };
                self.retry_later(attempts, retry_after, policy, tick);
            }
            (Phase::Submitting { attempts, .. }, RunOutcome::AtCapacity { retry_after }) => {
                let capacity_retry_after = Some(retry_after.unwrap_or(Millis::new(0)));
                self.phase = Phase::Waiting { attempts: attempts.saturating_add(1), capacity_retry_after };
                self.wake_at = Some(tick.now);
            }
            (Phase::Submitting { .. }, RunOutcome::Refused(failure)) => {
                self.fail(failure.code, Some(failure.message), policy, tick.now);
            }
            (Phase::Submitting { .. }, RunOutcome::Unknown) => self.lose_run_answer(policy, tick.now),
            _ => {}
        }
    }

    pub(super) fn start(&mut self, job: Job, policy: &Policy, now: UnixMillis) {
        let fast_poll_attempts = self.is_stopping().then_some(0);
        self.phase = Phase::Running { since: now, checks: 0, checked_at: now, fast_poll_attempts, job };
        self.presumed_lost = false;
        self.wake_at = Some(self.first_check_at(policy.poll.delay(0).min(policy.task_deadline), now));
        (self.run_answered_at, self.expected_end_at, self.percentage_received_at) = (None, None, None);
        self.record.started_at = Some(now.seconds());
        self.record.completed_at = None;
        self.record.expires_at = None;
        self.record.error = None;
        self.progress_to(Status::InProgress, "task_queue");
    }

    /// Checks at once after a callback or cancel that arrived during Run, else after the delay.
    fn first_check_at(&self, wait: Millis, now: UnixMillis) -> UnixMillis {
        if self.callback_pending || self.is_stopping() { now } else { now.after(wait) }
    }

    pub(super) fn lose_run_answer(&mut self, policy: &Policy, now: UnixMillis) {
        let hint = match &mut self.phase {
            Phase::Submitting { hint, .. } => hint.take(),
            _ => None,
        };
        self.phase = Phase::Unknown { since: now, searches: 0, hint, progress: None };
        self.wake_at = Some(self.first_check_at(policy.search.delay(0).min(policy.task_deadline), now));
        self.record.started_at = Some(now.seconds());
        self.record.status = Status::InProgress;
    }

    /// Searches again for the job of a failed video. The status stays `failed` until the job is found.
    pub(super) fn search_again(&mut self, hint: Option<Job>, now: UnixMillis) {
        self.phase = Phase::Unknown { since: now, searches: 0, hint, progress: None };
        self.wake_at = Some(now);
    }

    pub(super) fn searched(&mut self, outcome: SearchOutcome, policy: &Policy, now: UnixMillis) {
        let Phase::Unknown { since, searches, progress, .. } = &mut self.phase else { return };
        let mut goes_on_soon = self.callback_pending;
        let mut is_complete = false;
        match outcome {
            SearchOutcome::Found(job) => {
                // The job may have finished long ago, so check at once.
                self.callback_pending = true;
                self.start(job, policy, now);
                return;
            }
            SearchOutcome::NotFound => {
                *progress = None;
                is_complete = true;
            }
            SearchOutcome::Unfinished(reached) => {
                *progress = Some(reached);
                goes_on_soon = true;
            }
            SearchOutcome::Failed => {}
        }
        let deadline = since.after(policy.task_deadline);
        if now < deadline {
            if is_complete {
                *searches = searches.saturating_add(1);
                let is_lost = policy.search.checked_delay(*searches).is_none();
                if is_lost && !self.presumed_lost && self.record.status.is_final() {
                    // The slot was released when the video failed; now the reservation is released too.
                    self.pending_work.add(WorkItem::Report, now);
                }
                self.presumed_lost |= is_lost;
            }
            let wait = if goes_on_soon { MIN_SEARCH_INTERVAL } else { policy.search.delay(*searches) };
            self.wake_at = Some(now.after(wait).min(deadline));
        } else if self.record.status.is_final() {
            self.phase = Phase::Ended { job: None };
            self.wake_at = self.removal_at();
        } else {
            self.fail(FailureCode::SubmissionUnknown, None, policy, now);
        }
    }
}
