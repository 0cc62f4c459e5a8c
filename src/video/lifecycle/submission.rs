//! From the accepted job to the one that the upstream has: the waiting line, Run, and the search for a
//! job whose Run was never answered.

use super::Policy;
use super::chores::Chore;
use super::event::{Effect, Entry, RunOutcome};
use crate::video::record::{Failure, FailureCode, Status};
use crate::video::task::search::SearchOutcome;
use crate::video::task::{Job, Phase, Task};
use crate::video::time::{Millis, Moment, UnixMillis};

/// Who waits in line asks for its place again this often, in case a call was lost.
const LINE_CHECK_INTERVAL: Millis = Millis::from_seconds(60);

/// A search for a job that called back, or one that did not come to the end of the list, goes on after this.
const MIN_SEARCH_INTERVAL: Millis = Millis::new(1000);

impl Task {
    pub(super) fn received(&mut self, now: UnixMillis) {
        if self.phase == Phase::Receiving {
            self.phase = Phase::Waiting { attempts: 0, turned_away: None };
            self.wake_at = Some(now);
        }
    }

    /// The next step towards the upstream, as long as there is time.
    pub(super) fn approach(&mut self, policy: &Policy, now: UnixMillis) -> Option<Effect> {
        if now >= self.submission_deadline(policy) {
            self.fail(FailureCode::UpstreamUnavailable, None, policy, now);
            return None;
        }
        match self.phase {
            Phase::Waiting { turned_away, .. } => Some(Effect::Enter { turned_away }),
            Phase::InLine(_) => Some(Effect::Enter { turned_away: None }),
            Phase::Placed(attempts) => {
                self.phase = Phase::Submitting { attempts, hint: None };
                Some(Effect::Run)
            }
            _ => None,
        }
    }

    /// The second of its creation counts as a whole: it may have begun at its end.
    fn submission_deadline(&self, policy: &Policy) -> UnixMillis {
        UnixMillis::new(self.record.created_at * 1000 + 999).after(policy.task_deadline)
    }

    /// A call; who is not in line any more does not heed it.
    pub(super) fn called(&mut self, now: UnixMillis) {
        if matches!(self.phase, Phase::InLine(_)) {
            self.wake_at = Some(now);
        }
    }

    pub(super) fn entered(&mut self, entry: Entry, policy: &Policy, at: Moment) {
        let (Phase::Waiting { attempts, .. } | Phase::InLine(attempts)) = self.phase else { return };
        match entry {
            Entry::Placed(pace) | Entry::PlacedToReport(pace) => {
                self.reports_run = matches!(entry, Entry::PlacedToReport(_));
                self.pace = pace;
                self.phase = Phase::Placed(attempts);
                self.wake_at = Some(at.now);
            }
            Entry::Behind(position) => {
                self.phase = Phase::InLine(attempts);
                self.record.queue_position = Some(position);
                let check_at = at.now.after(LINE_CHECK_INTERVAL);
                self.wake_at = Some(check_at.min(self.submission_deadline(policy)));
            }
            // Nobody was told of it yet: it is as if it had never been.
            Entry::LineFull if !self.answerable => {
                let code = FailureCode::UpstreamUnavailable;
                self.record.error = Some(Failure { code, message: super::default_message(code).to_owned() });
                self.remove(at.now);
            }
            Entry::LineFull => {
                self.phase = Phase::InLine(attempts);
                let check_at = at.now.after(LINE_CHECK_INTERVAL);
                self.wake_at = Some(check_at.min(self.submission_deadline(policy)));
            }
            // Without a cap the line is a courtesy: it must not keep anybody waiting.
            Entry::Unreachable if policy.max_active.is_none() => {
                self.phase = Phase::Placed(attempts);
                self.wake_at = Some(at.now);
            }
            Entry::Unreachable => {
                if let Phase::Waiting { attempts, .. } | Phase::InLine(attempts) = &mut self.phase {
                    *attempts = attempts.saturating_add(1);
                }
                self.retry_later(attempts, None, policy, at);
            }
        }
    }

    fn retry_later(&mut self, attempts: u32, at_least: Option<Millis>, policy: &Policy, at: Moment) {
        let wait = policy.retry.jittered(attempts, at.chance).max(at_least.unwrap_or(Millis::new(0)));
        self.wake_at = Some(at.now.after(wait).min(self.submission_deadline(policy)));
    }

    pub(super) fn run_answered(&mut self, outcome: RunOutcome, policy: &Policy, at: Moment) {
        let is_first_answer = matches!(self.phase, Phase::Submitting { .. });
        if is_first_answer && (outcome == RunOutcome::Unknown || std::mem::take(&mut self.reports_run)) {
            self.chores.owe(Chore::ReportRun, at.now);
        }
        match (&self.phase, outcome) {
            // An answer that comes after the crash guard gave it up is still the truth.
            (Phase::Submitting { .. } | Phase::Unknown { .. }, RunOutcome::Started(job)) => {
                self.start(job, policy, at.now);
                self.begun_at = Some(at.now);
            }
            (Phase::Submitting { .. }, RunOutcome::NotStarted { .. } | RunOutcome::Full { .. })
                if self.is_stopping() =>
            {
                self.end(Status::Cancelled, policy, at.now);
            }
            (Phase::Submitting { attempts, .. }, RunOutcome::NotStarted { retry_after }) => {
                let attempts = *attempts;
                // By way of the line: it may have closed meanwhile.
                self.phase = Phase::Waiting { attempts: attempts.saturating_add(1), turned_away: None };
                self.retry_later(attempts, retry_after, policy, at);
            }
            (Phase::Submitting { attempts, .. }, RunOutcome::Full { retry_after }) => {
                let turned_away = Some(retry_after.unwrap_or(Millis::new(0)));
                self.phase = Phase::Waiting { attempts: attempts.saturating_add(1), turned_away };
                self.wake_at = Some(at.now);
            }
            (Phase::Submitting { .. }, RunOutcome::Refused(failure)) => {
                self.fail(failure.code, Some(failure.message), policy, at.now);
            }
            (Phase::Submitting { .. }, RunOutcome::Unknown) => self.lose_run_answer(policy, at.now),
            _ => {}
        }
    }

    pub(super) fn start(&mut self, job: Job, policy: &Policy, now: UnixMillis) {
        let eager = self.is_stopping().then_some(0);
        self.phase = Phase::Running { since: now, checks: 0, checked_at: now, eager, job };
        self.presumed_lost = false;
        self.wake_at = Some(self.first_look(policy.poll.step(0).min(policy.task_deadline), now));
        (self.begun_at, self.ends_at, self.heard_at) = (None, None, None);
        self.record.started_at = Some(now.seconds());
        self.record.completed_at = None;
        self.record.expires_at = None;
        self.record.error = None;
        self.progress_to(Status::InProgress, "task_queue");
    }

    /// At once after a callback or a cancel that came during Run, else on the ladder.
    fn first_look(&self, wait: Millis, now: UnixMillis) -> UnixMillis {
        if self.nudged || self.is_stopping() { now } else { now.after(wait) }
    }

    pub(super) fn lose_run_answer(&mut self, policy: &Policy, now: UnixMillis) {
        let hint = match &mut self.phase {
            Phase::Submitting { hint, .. } => hint.take(),
            _ => None,
        };
        self.phase = Phase::Unknown { since: now, searches: 0, hint, progress: None };
        self.wake_at = Some(self.first_look(policy.search.step(0).min(policy.task_deadline), now));
        self.record.started_at = Some(now.seconds());
        self.record.status = Status::InProgress;
    }

    /// A failure for want of a job is looked into again; it stays a failure until the job is found.
    pub(super) fn search_again(&mut self, hint: Option<Job>, now: UnixMillis) {
        self.phase = Phase::Unknown { since: now, searches: 0, hint, progress: None };
        self.wake_at = Some(now);
    }

    pub(super) fn searched(&mut self, outcome: SearchOutcome, policy: &Policy, now: UnixMillis) {
        let Phase::Unknown { since, searches, progress, .. } = &mut self.phase else { return };
        let mut goes_on_soon = self.nudged;
        let mut is_complete = false;
        match outcome {
            SearchOutcome::Found(job) => {
                // It has had all this time to finish: look at once.
                self.nudged = true;
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
                let is_lost = policy.search.nth(*searches).is_none();
                if is_lost && !self.presumed_lost && self.record.status.is_final() {
                    // It gave its place back when it failed, and kept its reservation.
                    self.chores.owe(Chore::Leave, now);
                }
                self.presumed_lost |= is_lost;
            }
            let wait = if goes_on_soon { MIN_SEARCH_INTERVAL } else { policy.search.step(*searches) };
            self.wake_at = Some(now.after(wait).min(deadline));
        } else if self.record.status.is_final() {
            self.phase = Phase::Ended { job: None };
            self.wake_at = None;
        } else {
            self.fail(FailureCode::SubmissionUnknown, None, policy, now);
        }
    }
}
