//! From Wiro's job to the stored video: checks, callbacks and the copy.

use super::Policy;
use super::event::{Observation, SocketUpdate};
use super::pending_work::WorkItem;
use crate::video::money::Usd;
use crate::video::progress;
use crate::video::record::{FailureCode, Output, Status, Warning};
use crate::video::task::{Job, Phase, Task};
use crate::video::time::{Millis, Tick, UnixMillis};

/// Callbacks cause at most one check in this time.
const MIN_CHECK_INTERVAL: Millis = Millis::new(1000);

impl Task {
    pub(super) fn callback_received(&mut self, hint: Option<Job>, now: UnixMillis) {
        match &mut self.phase {
            // The response to Run is still expected: then the job is checked or searched for.
            Phase::Submitting { hint: known, .. } => {
                *known = hint.or_else(|| known.take());
                self.callback_pending = true;
            }
            Phase::Running { .. } => {
                self.callback_pending = true;
                self.check_soon(now);
            }
            Phase::Unknown { hint: known, .. } => {
                *known = hint.or_else(|| known.take());
                self.callback_pending = true;
                self.wake_by(now);
            }
            // A job that was given up as lost exists after all.
            Phase::Ended { job: None } if self.record.has_failed_with(FailureCode::SubmissionUnknown) => {
                self.with_follow_ups(now, |task| task.search_again(hint, now));
            }
            _ => {}
        }
    }

    pub(super) fn check_soon(&mut self, now: UnixMillis) {
        let Phase::Running { checked_at, .. } = &self.phase else { return };
        self.wake_by(earliest_check(*checked_at, now));
    }

    fn wake_by(&mut self, at: UnixMillis) {
        self.wake_at = Some(self.wake_at.map_or(at, |due| due.min(at)));
    }

    pub(super) fn observed(&mut self, observation: Observation, policy: &Policy, tick: Tick) {
        let Phase::Running { since, checks, checked_at, fast_poll_attempts, job } = &mut self.phase else {
            return;
        };
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
                self.record.cost_usd = without_zero(cost_usd);
                let message = reason.map(|reason| format!("The model ended without a video: {reason}"));
                self.fail(FailureCode::GenerationFailed, message, policy, tick.now);
            }
            Observation::Cancelled { cost_usd } => {
                self.record.cost_usd = without_zero(cost_usd);
                self.end(Status::Cancelled, policy, tick.now);
            }
            Observation::Working { .. } | Observation::Unreadable => {
                let deadline = since.after(policy.task_deadline);
                if tick.now >= deadline {
                    return self.fail(FailureCode::UpstreamTimeout, None, policy, tick.now);
                }
                *checks = checks.saturating_add(1);
                let mut due = tick.now.after(policy.poll.delay(*checks)).min(deadline);
                if self.callback_pending {
                    due = due.min(earliest_check(*checked_at, tick.now));
                } else if let Some(tries) = fast_poll_attempts {
                    // A callback may arrive before a check shows the same, and the check may fail.
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

    /// Stages only go forward, because socket messages and checks may arrive out of order.
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
            self.pending_work.add(WorkItem::Purge, tick.now);
        }
    }
}

/// The earliest time of the next check.
fn earliest_check(checked_at: UnixMillis, now: UnixMillis) -> UnixMillis {
    now.max(checked_at.after(MIN_CHECK_INTERVAL))
}

/// Without a video there should be no charge; Wiro reports it as zero.
fn without_zero(cost_usd: Option<String>) -> Option<String> {
    cost_usd.filter(|cost| Usd::parse(cost) != Some(Usd::default()))
}
