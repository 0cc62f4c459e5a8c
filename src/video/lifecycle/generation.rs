//! From the job that the upstream has to the video in R2: checks, callbacks, cancels, the copy.

use super::Policy;
use super::chores::Chore;
use super::event::{Heard, Observation};
use crate::video::money::Usd;
use crate::video::progress;
use crate::video::record::{FailureCode, Output, Status, Warning};
use crate::video::task::{Job, Phase, Task, Wish};
use crate::video::time::{Millis, Moment, UnixMillis};

/// Callbacks cause at most one check of the upstream in this time.
const MIN_CHECK_INTERVAL: Millis = Millis::new(1000);

impl Task {
    pub(super) fn called_back(&mut self, hint: Option<Job>, now: UnixMillis) {
        match &mut self.phase {
            // Run's own answer is still under way: it will look, or what it lost is searched for.
            Phase::Submitting { hint: known, .. } => {
                *known = hint.or_else(|| known.take());
                self.nudged = true;
            }
            Phase::Running { .. } => {
                self.nudged = true;
                self.check_soon(now);
            }
            Phase::Unknown { hint: known, .. } => {
                *known = hint.or_else(|| known.take());
                self.nudged = true;
                self.look_by(now);
            }
            // The job that nobody could find speaks up.
            Phase::Ended { job: None } if self.record.has_failed_with(FailureCode::SubmissionUnknown) => {
                self.noting_what_follows(now, |task| task.search_again(hint, now));
            }
            _ => {}
        }
    }

    fn check_soon(&mut self, now: UnixMillis) {
        let Phase::Running { checked_at, .. } = &self.phase else { return };
        self.look_by(soon(*checked_at, now));
    }

    fn look_by(&mut self, at: UnixMillis) {
        self.wake_at = Some(self.wake_at.map_or(at, |due| due.min(at)));
    }

    /// A job that the upstream does not have ends at once; one that it has is stopped there, and ends as
    /// whatever the upstream then says. A finished video is kept.
    pub(super) fn cancel_requested(&mut self, policy: &Policy, now: UnixMillis) {
        match &mut self.phase {
            Phase::Receiving | Phase::Waiting { .. } | Phase::InLine(_) | Phase::Placed(_) => {
                self.end(Status::Cancelled, policy, now);
            }
            Phase::Submitting { .. } | Phase::Unknown { .. } | Phase::Running { .. } => {
                self.stop(Wish::Cancel, now);
            }
            Phase::Storing { .. } | Phase::Ended { .. } | Phase::Removing { .. } => {}
        }
    }

    /// A job that the upstream has is stopped there first; everything else is removed at once.
    pub(super) fn delete_requested(&mut self, now: UnixMillis) {
        if self.is_shown() {
            self.stop(Wish::Delete, now);
        }
    }

    fn stop(&mut self, wish: Wish, now: UnixMillis) {
        if self.wish != Wish::Delete {
            self.wish = wish;
        }
        if let Phase::Running { eager, .. } = &mut self.phase {
            *eager = Some(0);
            self.check_soon(now);
        }
    }

    /// Only what may have been paid for is tried again.
    pub(super) fn redriven(&mut self, policy: &Policy, now: UnixMillis) {
        let Phase::Ended { job } = &self.phase else { return };
        match (self.record.error.as_ref().map(|failure| failure.code), job.clone()) {
            (Some(FailureCode::SubmissionUnknown), None) => self.search_again(None, now),
            (Some(FailureCode::StorageFailed | FailureCode::UpstreamTimeout), Some(job)) => {
                self.nudged = true;
                self.start(job, policy, now);
            }
            _ => {}
        }
    }

    pub(super) fn observed(&mut self, observation: Observation, policy: &Policy, at: Moment) {
        let Phase::Running { since, checks, checked_at, eager, job } = &mut self.phase else { return };
        match observation {
            Observation::Succeeded { source, cost_usd, ignored } => {
                let job = job.clone();
                self.phase = Phase::Storing { since: at.now, attempts: 0, source, job };
                self.wake_at = Some(at.now);
                self.record.cost_usd = cost_usd;
                self.warn(ignored);
                self.progress_to(Status::InProgress, "storing");
            }
            Observation::Failed { reason, cost_usd } => {
                self.record.cost_usd = charged(cost_usd);
                let message = reason.map(|reason| format!("The model ended without a video: {reason}"));
                self.fail(FailureCode::GenerationFailed, message, policy, at.now);
            }
            Observation::Cancelled { cost_usd } => {
                self.record.cost_usd = charged(cost_usd);
                self.end(Status::Cancelled, policy, at.now);
            }
            Observation::Working { .. } | Observation::Unreadable => {
                let deadline = since.after(policy.task_deadline);
                if at.now >= deadline {
                    return self.fail(FailureCode::UpstreamTimeout, None, policy, at.now);
                }
                *checks = checks.saturating_add(1);
                let mut due = at.now.after(policy.poll.step(*checks)).min(deadline);
                if self.nudged {
                    due = due.min(soon(*checked_at, at.now));
                } else if let Some(tries) = eager {
                    // A callback may run ahead of what a check shows, and the check may fail.
                    due = due.min(at.now.after(policy.retry.jittered(*tries, at.chance)));
                    *tries = tries.saturating_add(1);
                }
                self.wake_at = Some(due);
                if let Observation::Working { status, ignored } = observation {
                    self.warn(ignored);
                    self.progress_to(Status::InProgress, &status);
                }
            }
        }
    }

    fn warn(&mut self, warning: Option<Warning>) {
        if let Some(warning) = warning
            && !self.record.warnings.contains(&warning)
        {
            self.record.warnings.push(warning);
        }
    }

    /// Stages only go forward: the socket and the checks may overtake each other.
    pub(super) fn heard(&mut self, heard: Heard, now: UnixMillis) {
        if !matches!(self.phase, Phase::Running { .. }) {
            return;
        }
        match heard {
            Heard::Stage(stage) if progress::is_later(&stage, &self.record.stage) => {
                self.progress_to(Status::InProgress, &stage);
            }
            Heard::Stage(_) => {}
            Heard::Progress(percent) => self.heard_progress(percent, now),
        }
    }

    pub(super) fn copied(&mut self, output: Option<Output>, policy: &Policy, at: Moment) {
        let Phase::Storing { since, attempts, .. } = &mut self.phase else { return };
        let Some(output) = output else {
            let deadline = since.after(policy.copy_deadline);
            if at.now >= deadline {
                return self.fail(FailureCode::StorageFailed, None, policy, at.now);
            }
            let wait = policy.retry.jittered(*attempts, at.chance);
            *attempts = attempts.saturating_add(1);
            self.wake_at = Some(at.now.after(wait).min(deadline));
            return;
        };
        self.record.output = Some(output);
        self.end(Status::Completed, policy, at.now);
        if policy.purge_upstream {
            self.chores.owe(Chore::Purge, at.now);
        }
    }
}

/// As soon as callbacks may cause another check.
fn soon(checked_at: UnixMillis, now: UnixMillis) -> UnixMillis {
    now.max(checked_at.after(MIN_CHECK_INTERVAL))
}

/// Without a video there should be no cost; the upstream tells it as zero.
fn charged(cost_usd: Option<String>) -> Option<String> {
    cost_usd.filter(|cost| Usd::parse(cost) != Some(Usd::default()))
}
