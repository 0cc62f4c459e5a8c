//! The life of a video as a state machine without I/O: a [`Task`] meets an [`Event`], changes, and
//! names the [`Effect`]s to perform. Nothing else decides transitions.
//!
//! ```text
//!            Run                    started                 ended with a video            verified
//! Waiting ───────▶ Submitting ─────────────────▶ Running ───────────────────▶ Storing ───────────▶ Ended
//!    ▲                 │ │ answer lost              │ failed, cancelled,         │ not by its        ▲ ▲
//!    └─────────────────┘ └───────▶ Unknown          │ not ended by its deadline  │ deadline          │ │
//!     not started          (never sent again) ──────┴────────────────────────────┴───────────────────┘ │
//!                      refused ────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A job with an uploaded image begins as `Receiving`, before `Waiting`, until the image is stored.
//!
//! The caller persists the task after every step and *then* performs the effects, so each step
//! leaves `wake_at` such that a crash in the middle is looked at again.

use super::event::{Effect, Event, Observation, RunOutcome};
use super::progress;
use super::record::{Failure, FailureCode, Output, ProgressSource, Status};
use super::schedule::Ladder;
use super::task::{Job, Phase, Task};
use super::time::{Millis, UnixMillis};

/// While an effect is under way, the task is looked at again this much later: only a crash lets
/// that happen, because an object's alarms never overlap.
const CRASH_GUARD: Millis = Millis::new(10_000);

/// Callbacks cause at most one check of the upstream in this time.
const MIN_CHECK_INTERVAL: Millis = Millis::new(1000);

/// How patient to be; read from the settings.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Waits between checks of a running job.
    pub poll: Ladder,
    /// Waits between tries of what failed and may be tried again.
    pub retry: Ladder,
    pub task_deadline: Millis,
    pub copy_deadline: Millis,
    pub retention: Millis,
}

/// When a step happens, and the randomness it may use.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: UnixMillis,
    pub chance: u16,
}

impl Task {
    /// Applies one event. Events that do not fit the phase (late, repeated, early) change nothing.
    #[must_use]
    pub fn apply(&mut self, event: Event, policy: &Policy, at: Moment) -> Vec<Effect> {
        match event {
            Event::Woken => self.woken(policy, at.now),
            Event::Received => self.received(at.now),
            Event::Nudged(hint) => self.called_back(hint, at.now),
            Event::RunAnswered(outcome) => self.run_answered(outcome, policy, at),
            Event::Observed(observation) => self.observed(observation, policy, at),
            Event::Searched(job) => self.searched(job, policy, at.now),
            Event::Copied(output) => self.copied(output, policy, at),
            Event::Published(done) => self.published(done, policy, at),
        }
    }

    fn woken(&mut self, policy: &Policy, now: UnixMillis) -> Vec<Effect> {
        if self.wake_at.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let guard = Some(now.after(CRASH_GUARD));
        let mut effects = if self.unpublished { vec![Effect::Publish] } else { Vec::new() };
        match &mut self.phase {
            Phase::Receiving => {
                self.wake_at = guard;
                effects.push(Effect::Discard);
            }
            Phase::Waiting { attempts } => {
                let deadline = UnixMillis::new(self.record.created_at * 1000).after(policy.task_deadline);
                if now >= deadline {
                    return self.fail(FailureCode::UpstreamUnavailable, None, policy, now);
                }
                self.phase = Phase::Submitting { attempts: *attempts };
                self.wake_at = guard;
                effects.push(Effect::Run);
            }
            Phase::Submitting { .. } => return self.lose_run_answer(policy, now),
            Phase::Unknown { hint, .. } => {
                self.nudged = false;
                self.wake_at = guard;
                effects.push(Effect::Search(hint.clone()));
            }
            Phase::Running { checked_at, eager, job, .. } => {
                *checked_at = now;
                if std::mem::take(&mut self.nudged) {
                    *eager = Some(0);
                }
                self.wake_at = guard;
                effects.push(Effect::Check(job.clone()));
            }
            Phase::Storing { source, .. } => {
                self.wake_at = guard;
                effects.push(Effect::Copy(source.clone()));
            }
            Phase::Ended { .. } => {
                self.wake_at = if self.unpublished { guard } else { None };
            }
        }
        effects
    }

    fn received(&mut self, now: UnixMillis) -> Vec<Effect> {
        if self.phase == Phase::Receiving {
            self.phase = Phase::Waiting { attempts: 0 };
            self.wake_at = Some(now);
        }
        Vec::new()
    }

    fn called_back(&mut self, hint: Option<Job>, now: UnixMillis) -> Vec<Effect> {
        match &mut self.phase {
            // Run's own answer is still under way: it will look.
            Phase::Submitting { .. } => self.nudged = true,
            Phase::Running { checked_at, .. } => {
                self.nudged = true;
                let soon = now.max(checked_at.after(MIN_CHECK_INTERVAL));
                self.wake_at = Some(self.wake_at.map_or(soon, |due| due.min(soon)));
            }
            Phase::Unknown { hint: known, .. } => {
                *known = hint.or_else(|| known.take());
                self.nudged = true;
                self.wake_at = Some(now);
            }
            // The one way out of a failure: the job that nobody could find speaks up.
            Phase::Ended { job: None } if self.record.has_failed_with(FailureCode::SubmissionUnknown) => {
                self.phase = Phase::Unknown { since: now, searches: 0, hint };
                self.wake_at = Some(now);
            }
            Phase::Receiving | Phase::Waiting { .. } | Phase::Storing { .. } | Phase::Ended { .. } => {}
        }
        Vec::new()
    }

    fn run_answered(&mut self, outcome: RunOutcome, policy: &Policy, at: Moment) -> Vec<Effect> {
        match (&self.phase, outcome) {
            // An answer that comes after the crash guard gave it up is still the truth.
            (Phase::Submitting { .. } | Phase::Unknown { .. }, RunOutcome::Started(job)) => {
                self.start(job, policy, at.now)
            }
            (Phase::Submitting { attempts }, RunOutcome::NotStarted { retry_after }) => {
                let attempts = *attempts;
                let wait =
                    policy.retry.jittered(attempts, at.chance).max(retry_after.unwrap_or(Millis::new(0)));
                let deadline = UnixMillis::new(self.record.created_at * 1000).after(policy.task_deadline);
                self.phase = Phase::Waiting { attempts: attempts.saturating_add(1) };
                self.wake_at = Some(at.now.after(wait).min(deadline));
                if attempts == 0 { self.publish() } else { Vec::new() }
            }
            (Phase::Submitting { .. }, RunOutcome::Refused(failure)) => {
                self.fail(failure.code, Some(failure.message), policy, at.now)
            }
            (Phase::Submitting { .. }, RunOutcome::Unknown) => self.lose_run_answer(policy, at.now),
            _ => Vec::new(),
        }
    }

    fn start(&mut self, job: Job, policy: &Policy, now: UnixMillis) -> Vec<Effect> {
        self.phase = Phase::Running { since: now, checks: 0, checked_at: now, eager: None, job };
        self.wake_at = Some(self.first_look(policy, now));
        self.record.started_at = Some(now.seconds());
        self.progress_to(Status::InProgress, "task_queue");
        self.publish()
    }

    /// At once after a callback that came during Run, else on the ladder.
    fn first_look(&self, policy: &Policy, now: UnixMillis) -> UnixMillis {
        let wait = policy.poll.step(0).min(policy.task_deadline);
        if self.nudged { now } else { now.after(wait) }
    }

    fn lose_run_answer(&mut self, policy: &Policy, now: UnixMillis) -> Vec<Effect> {
        self.phase = Phase::Unknown { since: now, searches: 0, hint: None };
        self.wake_at = Some(self.first_look(policy, now));
        self.record.started_at = Some(now.seconds());
        self.record.status = Status::InProgress;
        self.publish()
    }

    fn searched(&mut self, found: Option<Job>, policy: &Policy, now: UnixMillis) -> Vec<Effect> {
        let Phase::Unknown { since, searches, .. } = &mut self.phase else { return Vec::new() };
        let Some(job) = found else {
            let deadline = since.after(policy.task_deadline);
            if now < deadline {
                *searches = searches.saturating_add(1);
                let wait = if self.nudged { MIN_CHECK_INTERVAL } else { policy.poll.step(*searches) };
                self.wake_at = Some(now.after(wait).min(deadline));
            } else if self.record.status.is_final() {
                self.phase = Phase::Ended { job: None };
                self.wake_at = None;
            } else {
                return self.fail(FailureCode::SubmissionUnknown, None, policy, now);
            }
            return Vec::new();
        };
        self.record.error = None;
        self.record.completed_at = None;
        self.record.expires_at = None;
        // It has had all this time to finish: look at once.
        self.nudged = true;
        self.start(job, policy, now)
    }

    fn observed(&mut self, observation: Observation, policy: &Policy, at: Moment) -> Vec<Effect> {
        let Phase::Running { since, checks, eager, job, .. } = &mut self.phase else { return Vec::new() };
        let job = job.clone();
        match observation {
            Observation::Succeeded { source, cost_usd } => {
                self.phase = Phase::Storing { since: at.now, attempts: 0, source: source.clone(), job };
                self.wake_at = Some(at.now.after(CRASH_GUARD));
                self.record.cost_usd = cost_usd;
                self.progress_to(Status::InProgress, "storing");
                vec![Effect::Copy(source)]
            }
            Observation::Failed => self.fail(FailureCode::GenerationFailed, None, policy, at.now),
            Observation::Cancelled => self.end(Status::Cancelled, policy, at.now),
            Observation::Working { .. } | Observation::Unreadable => {
                let deadline = since.after(policy.task_deadline);
                if at.now >= deadline {
                    return self.fail(FailureCode::UpstreamTimeout, None, policy, at.now);
                }
                *checks = checks.saturating_add(1);
                let mut wait = policy.poll.step(*checks);
                if self.nudged {
                    wait = wait.min(MIN_CHECK_INTERVAL);
                } else if let Some(tries) = eager {
                    // A callback may run ahead of what a check shows, and the check may fail.
                    wait = wait.min(policy.retry.jittered(*tries, at.chance));
                    *tries = tries.saturating_add(1);
                }
                self.wake_at = Some(at.now.after(wait).min(deadline));
                if let Observation::Working { status } = observation {
                    self.progress_to(Status::InProgress, &status);
                }
                Vec::new()
            }
        }
    }

    fn copied(&mut self, output: Option<Output>, policy: &Policy, at: Moment) -> Vec<Effect> {
        let Phase::Storing { since, attempts, .. } = &mut self.phase else { return Vec::new() };
        let Some(output) = output else {
            let deadline = since.after(policy.copy_deadline);
            if at.now >= deadline {
                return self.fail(FailureCode::StorageFailed, None, policy, at.now);
            }
            let wait = policy.retry.jittered(*attempts, at.chance);
            *attempts = attempts.saturating_add(1);
            self.wake_at = Some(at.now.after(wait).min(deadline));
            return Vec::new();
        };
        self.record.output = Some(output);
        self.end(Status::Completed, policy, at.now)
    }

    fn published(&mut self, done: bool, policy: &Policy, at: Moment) -> Vec<Effect> {
        if done {
            self.unpublished = false;
            self.publish_failures = 0;
            if matches!(self.phase, Phase::Ended { .. }) {
                self.wake_at = None;
            }
        } else {
            let retry = at.now.after(policy.retry.jittered(self.publish_failures, at.chance));
            self.publish_failures = self.publish_failures.saturating_add(1);
            // A job in flight publishes again when it is next looked at; nothing else wakes an ended one.
            if matches!(self.phase, Phase::Ended { .. }) {
                self.wake_at = Some(retry);
            }
        }
        Vec::new()
    }

    fn fail(
        &mut self,
        code: FailureCode,
        message: Option<String>,
        policy: &Policy,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let message = message.unwrap_or_else(|| default_message(code).to_owned());
        self.record.error = Some(Failure { code, message });
        self.end(Status::Failed, policy, now)
    }

    fn end(&mut self, status: Status, policy: &Policy, now: UnixMillis) -> Vec<Effect> {
        self.phase = Phase::Ended { job: self.job().cloned() };
        self.record.completed_at = Some(now.seconds());
        self.record.expires_at = Some(now.after(policy.retention).seconds());
        self.progress_to(status, "done");
        if status == Status::Completed {
            self.record.progress = 100;
        }
        self.wake_at = Some(now.after(CRASH_GUARD));
        self.publish()
    }

    fn progress_to(&mut self, status: Status, stage: &str) {
        self.record.status = status;
        stage.clone_into(&mut self.record.stage);
        if let Some(percent) = progress::estimate(stage) {
            self.record.progress = self.record.progress.max(percent);
            self.record.progress_source = ProgressSource::Estimate;
        }
    }

    fn publish(&mut self) -> Vec<Effect> {
        self.unpublished = true;
        vec![Effect::Publish]
    }
}

const fn default_message(code: FailureCode) -> &'static str {
    match code {
        FailureCode::GenerationFailed => {
            "The model ended without a video. Nothing was charged; try another prompt or image."
        }
        FailureCode::UpstreamRejected => "The upstream refused the parameters.",
        FailureCode::UpstreamUnavailable => "The upstream did not accept the job. Try again later.",
        FailureCode::UpstreamTimeout => "The upstream did not finish the job in time.",
        FailureCode::SubmissionUnknown => "The upstream's answer was lost and no job was found.",
        FailureCode::StorageFailed => "The finished video could not be stored.",
    }
}
