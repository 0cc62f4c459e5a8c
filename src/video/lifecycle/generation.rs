//! From the job that the upstream has to the video in R2: checks, callbacks, cancels, the copy.

use super::Policy;
use super::event::{Observation, SocketUpdate};
use super::pending_work::WorkItem;
use crate::video::money::Usd;
use crate::video::progress;
use crate::video::record::{FailureCode, Output, Status, Warning};
use crate::video::task::{Intent, Job, Phase, Task};
use crate::video::time::{Millis, Tick, UnixMillis};

/// Callbacks cause at most one check of the upstream in this time.
const MIN_CHECK_INTERVAL: Millis = Millis::new(1000);

impl Task {
    pub(super) fn callback_received(&mut self, hint: Option<Job>, now: UnixMillis) {
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
                self.with_follow_ups(now, |task| task.search_again(hint, now));
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
            Phase::Receiving | Phase::Waiting { .. } | Phase::Queued(_) | Phase::SlotGranted(_) => {
                self.end(Status::Cancelled, policy, now);
            }
            Phase::Submitting { .. } | Phase::Unknown { .. } | Phase::Running { .. } => {
                self.stop(Intent::Cancel, now);
            }
            Phase::Storing { .. } | Phase::Ended { .. } | Phase::Removing { .. } => {}
        }
    }

    /// A job that the upstream has is stopped there first; everything else is removed at once.
    pub(super) fn delete_requested(&mut self, now: UnixMillis) {
        if self.is_visible() {
            self.stop(Intent::Delete, now);
        }
    }

    fn stop(&mut self, wish: Intent, now: UnixMillis) {
        if self.wish != Intent::Delete {
            self.wish = wish;
        }
        if let Phase::Running { eager, .. } = &mut self.phase {
            *eager = Some(0);
            self.check_soon(now);
        }
    }

    /// Only what may have been paid for is tried again.
    pub(super) fn redrive_requested(&mut self, policy: &Policy, now: UnixMillis) {
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

    pub(super) fn observed(&mut self, observation: Observation, policy: &Policy, tick: Tick) {
        let Phase::Running { since, checks, checked_at, eager, job } = &mut self.phase else { return };
        match observation {
            Observation::Succeeded { source, cost_usd, ignored } => {
                let job = job.clone();
                self.phase = Phase::Storing { since: tick.now, attempts: 0, source, job };
                self.wake_at = Some(tick.now);
                self.record.cost_usd = cost_usd;
                self.warn(ignored);
                self.progress_to(Status::InProgress, "storing");
            }
            Observation::Failed { reason, cost_usd } => {
                self.record.cost_usd = charged(cost_usd);
                let message = reason.map(|reason| format!("The model ended without a video: {reason}"));
                self.fail(FailureCode::GenerationFailed, message, policy, tick.now);
            }
            Observation::Cancelled { cost_usd } => {
                self.record.cost_usd = charged(cost_usd);
                self.end(Status::Cancelled, policy, tick.now);
            }
            Observation::Working { .. } | Observation::Unreadable => {
                let deadline = since.after(policy.task_deadline);
                if tick.now >= deadline {
                    return self.fail(FailureCode::UpstreamTimeout, None, policy, tick.now);
                }
                *checks = checks.saturating_add(1);
                let mut due = tick.now.after(policy.poll.delay(*checks)).min(deadline);
                if self.nudged {
                    due = due.min(soon(*checked_at, tick.now));
                } else if let Some(tries) = eager {
                    // A callback may run ahead of what a check shows, and the check may fail.
                    due = due.min(tick.now.after(policy.retry.jittered_delay(*tries, tick.jitter)));
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
    pub(super) fn socket_updated(&mut self, update: SocketUpdate, now: UnixMillis) {
        if !matches!(self.phase, Phase::Running { .. }) {
            return;
        }
        match update {
            SocketUpdate::Stage(stage) if progress::is_later(&stage, &self.record.stage) => {
                self.progress_to(Status::InProgress, &stage);
            }
            SocketUpdate::Stage(_) => {}
            SocketUpdate::Progress(percent) => self.upstream_progress(percent, now),
        }
    }

    pub(super) fn copied(&mut self, output: Option<Output>, policy: &Policy, tick: Tick) {
        let Phase::Storing { since, attempts, .. } = &mut self.phase else { return };
        let Some(output) = output else {
            let deadline = since.after(policy.copy_deadline);
            if tick.now >= deadline {
                return self.fail(FailureCode::StorageFailed, None, policy, tick.now);
            }
            let wait = policy.retry.jittered_delay(*attempts, tick.jitter);
            *attempts = attempts.saturating_add(1);
            self.wake_at = Some(tick.now.after(wait).min(deadline));
            return;
        };
        self.record.output = Some(output);
        self.end(Status::Completed, policy, tick.now);
        if policy.purge_upstream {
            self.chores.add(WorkItem::Purge, tick.now);
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
