//! The life of a video as a state machine without I/O. Events change a [`Task`]; its alarm returns the [`Effect`]s to
//! perform; the result of each effect is the next event. All transitions are decided here.
//!
//! ```text
//!          slot       alarm         started            ended with a video           verified
//! Waiting ─▶ SlotGranted ─▶ Submitting ──────▶ Running ──────────────────▶ Storing ─────────▶ Ended
//!  ▲ │  ▲ slot    ▲            │ │ │ lost       ▲ │ failed, cancelled,       │ not by its     ▲ ▲
//!  │ ▼  │ granted └────────────┘ │ └▶ Unknown ──┘ │ not ended by its deadline│ deadline       │ │
//!  │ Queued        not started    │     (searched) └──────────────────────────┴────────────────┘ │
//!  └──────────────────────────────┤                                                              │
//!             Wiro is at capacity └──────────────────────────────────────────────────────────────┘
//!                                   refused
//! ```
//!
//! A job with an uploaded image starts as `Receiving`, before `Waiting`, until the image is stored. After its
//! retention a video is `Removing`. `submission.rs` leads to Wiro's job, `generation.rs` from there to the stored video, and
//! `owner_requests.rs` handles cancel, delete and redrive.
//!
//! The caller stores the task after every step and before it performs an effect. After each step [`Task::alarm`] is
//! set, so a crash at any point is retried. A failed video can resume in two ways, always because it may have been
//! charged: after `submission_unknown` when its job sends a callback, and after `submission_unknown`,
//! `storage_failed` or `upstream_timeout` when an operator asks for it.

pub mod event;
mod generation;
mod notifications;
mod owner_requests;
pub mod pending_work;
mod progress_estimate;
pub mod retry_schedule;
mod submission;

use super::lifecycle::event::{Effect, Event};
use super::lifecycle::pending_work::WorkItem;
use super::lifecycle::retry_schedule::RetrySchedule;
use super::record::{Failure, FailureCode, Status};
use super::task::{Intent, Phase, Task};
use super::time::{Millis, Tick, UnixMillis};

/// The alarm during an effect. Alarms of one object never overlap, so it only fires after a crash.
const CRASH_GUARD: Millis = Millis::new(10_000);

/// After this many failures the removal goes on without Wiro, which may not know the job any more.
const MAX_REMOVAL_FAILURES: u32 = 50;

/// Limits and delays, from the settings.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Most jobs at Wiro at the same time; `None` for no limit.
    pub max_active: Option<u32>,
    /// Delays between checks of a running job.
    pub poll: RetrySchedule,
    /// Delays between searches for a job whose response to Run was lost. After as many complete searches without a
    /// result, it releases its slot.
    pub search: RetrySchedule,
    /// Delays between retries.
    pub retry: RetrySchedule,
    /// Delays between deliveries to the operator's webhook, which then stop; `None` without a webhook.
    pub notify: Option<RetrySchedule>,
    /// The same for a `callback_url`.
    pub notify_owner: RetrySchedule,
    /// Whether Wiro is told to delete its files after our copy is verified.
    pub purge_upstream: bool,
    pub task_deadline: Millis,
    pub copy_deadline: Millis,
    pub retention: Millis,
}

impl Task {
    /// Returns the due effects, in order; none if the alarm came too early.
    #[must_use]
    pub fn on_alarm(&mut self, policy: &Policy, tick: Tick) -> Vec<Effect> {
        self.with_follow_ups(tick.now, |task| {
            let guard = tick.now.after(CRASH_GUARD);
            let work = task.pending_work.take_due(tick.now, guard);
            let mut effects: Vec<_> = work.into_iter().map(Effect::Perform).collect();
            if task.wake_at.is_some_and(|due| due <= tick.now) {
                task.wake_at = Some(guard);
                effects.extend(task.next_effect(policy, tick.now));
            }
            // Last, because a receiver may be slow and nothing may wait for it.
            effects.extend(task.take_due_deliveries(policy, tick.now, guard));
            effects
        })
    }

    /// Applies one event. Late, repeated and early events change nothing.
    pub fn apply(&mut self, event: Event, policy: &Policy, tick: Tick) {
        if let Event::CallbackReceived(hint) = event {
            // Handled apart: of many callbacks all but the first must change nothing, because every change is stored.
            return self.callback_received(hint, tick.now);
        }
        self.with_follow_ups(tick.now, |task| match event {
            Event::ImageStored => task.image_stored(tick.now),
            Event::SlotReplied(reply) => task.slot_replied(reply, policy, tick),
            Event::RunAnswered(outcome) => task.run_answered(outcome, policy, tick),
            Event::Observed(observation) => task.observed(observation, policy, tick),
            Event::SocketUpdated(update) => task.socket_updated(update, tick.now),
            // `with_follow_ups` stores the progress at every event. Callbacks are handled above.
            Event::ProgressTick | Event::CallbackReceived(_) => {}
            Event::Searched(outcome) => task.searched(outcome, policy, tick.now),
            Event::Copied(output) => task.copied(output, policy, tick),
            Event::WorkDone { item, succeeded } => {
                task.pending_work.complete(item, succeeded, &policy.retry, tick);
            }
            Event::Notified { recipient, webhook_id, response } => {
                task.notified(recipient, webhook_id, response, policy, tick.now);
            }
            Event::CancelRequested => task.cancel_requested(policy, tick.now),
            Event::DeleteRequested => task.delete_requested(tick.now),
            Event::EraseRequested => {
                task.erases = true;
                task.delete_requested(tick.now);
            }
            Event::RedriveRequested => task.redrive_requested(policy, tick.now),
            Event::SlotGranted => task.slot_granted(tick.now),
            Event::Reconciled(as_of) => task.reconciled(as_of, tick.now),
            Event::RemovalFailed => task.removal_failed(policy, tick),
        });
    }

    fn next_effect(&mut self, policy: &Policy, now: UnixMillis) -> Option<Effect> {
        match &mut self.phase {
            Phase::Receiving => {
                self.phase = Phase::Removing { failures: 0, job: None };
                Some(Effect::Remove { purge: None })
            }
            Phase::Waiting { .. } | Phase::Queued(_) | Phase::SlotGranted(_) => {
                self.next_submission_effect(policy, now)
            }
            Phase::Submitting { .. } => {
                self.lose_run_answer(policy, now);
                None
            }
            Phase::Unknown { hint, progress, .. } => {
                self.callback_pending = false;
                Some(Effect::Search { hint: hint.clone(), progress: progress.clone().unwrap_or_default() })
            }
            Phase::Running { checked_at, fast_poll_attempts, job, .. } => {
                *checked_at = now;
                if std::mem::take(&mut self.callback_pending) {
                    *fast_poll_attempts = Some(0);
                }
                let job = job.clone();
                Some(if self.is_stopping() { Effect::Stop(job) } else { Effect::Check(job) })
            }
            Phase::Storing { source, .. } => Some(Effect::Copy(source.clone())),
            Phase::Ended { .. } => {
                self.wake_at = self.removal_at();
                if self.wake_at.is_some_and(|at| at <= now) {
                    self.remove(now);
                    self.wake_at = Some(now.after(CRASH_GUARD));
                    return self.next_effect(policy, now);
                }
                None
            }
            Phase::Removing { failures, job } => {
                let purges = (policy.purge_upstream || self.erases) && *failures < MAX_REMOVAL_FAILURES;
                Some(Effect::Remove { purge: job.clone().filter(|_| purges) })
            }
        }
    }

    /// Changes the task, then adds what follows for its readers and for the queue.
    fn with_follow_ups<T>(&mut self, now: UnixMillis, change: impl FnOnce(&mut Self) -> T) -> T {
        let reported = (self.needs_slot(), self.record.status.is_final());
        let published = (self.answerable, self.record.status.is_final());
        self.keep_progress(now);
        let result = change(self);
        self.keep_progress(now);
        if self.intent == Intent::Delete && !self.is_upstream() {
            self.remove(now);
        }
        if matches!(self.phase, Phase::Removing { .. }) {
            return result;
        }
        self.answerable |= self.is_answerable();
        if self.intent == Intent::Delete || !self.record.status.is_final() {
            self.stop_deliveries();
        }
        if !matches!(self.phase, Phase::Queued(_)) {
            self.record.queue_position = None;
        }
        if reported != (self.needs_slot(), self.record.status.is_final()) {
            self.pending_work.add(WorkItem::Report, now);
        }
        let is_published = self.intent != Intent::Delete;
        if is_published && published != (self.answerable, self.record.status.is_final()) {
            self.pending_work.add(WorkItem::Publish, now);
        }
        result
    }

    fn reconciled(&mut self, as_of: UnixMillis, now: UnixMillis) {
        let Phase::Ended { .. } = self.phase else { return };
        let removal_at = self.removal_at();
        if removal_at.is_some_and(|at| at <= as_of) {
            return self.remove(now);
        }
        // Earlier versions set no alarm for the removal.
        self.wake_at = removal_at;
    }

    /// When a video that has ended is removed.
    pub(super) fn removal_at(&self) -> Option<UnixMillis> {
        self.record.expires_at.map(|at| UnixMillis::new(at.saturating_mul(1000)))
    }

    /// Whether Wiro has the job, or may have it.
    const fn is_upstream(&self) -> bool {
        matches!(self.phase, Phase::Submitting { .. } | Phase::Unknown { .. } | Phase::Running { .. })
    }

    fn remove(&mut self, now: UnixMillis) {
        if !matches!(self.phase, Phase::Removing { .. }) {
            self.phase = Phase::Removing { failures: 0, job: self.job().cloned() };
            self.wake_at = Some(now);
            self.pending_work.clear();
            self.stop_deliveries();
        }
    }

    fn removal_failed(&mut self, policy: &Policy, tick: Tick) {
        let Phase::Removing { failures, .. } = &mut self.phase else { return };
        self.wake_at = Some(tick.now.after(policy.retry.jittered_delay(*failures, tick.jitter)));
        *failures = failures.saturating_add(1);
    }

    fn fail(&mut self, code: FailureCode, message: Option<String>, policy: &Policy, now: UnixMillis) {
        let message = message.unwrap_or_else(|| default_message(code).to_owned());
        self.record.error = Some(Failure { code, message });
        self.end(Status::Failed, policy, now);
    }

    fn end(&mut self, status: Status, policy: &Policy, now: UnixMillis) {
        self.phase = Phase::Ended { job: self.job().cloned() };
        self.record.completed_at = Some(now.seconds());
        self.record.expires_at = Some(now.after(policy.retention).seconds());
        self.progress_to(status, "done");
        if status == Status::Completed {
            self.record.progress = 100;
        }
        self.add_deliveries(policy, now);
        self.wake_at = self.removal_at();
    }

    fn progress_to(&mut self, status: Status, stage: &str) {
        self.record.status = status;
        stage.clone_into(&mut self.record.stage);
    }
}

const fn default_message(code: FailureCode) -> &'static str {
    match code {
        FailureCode::GenerationFailed => "The model ended without a video. Try another prompt or image.",
        FailureCode::UpstreamRejected => "The upstream refused the parameters.",
        FailureCode::UpstreamUnavailable => "The upstream did not accept the job. Try again later.",
        FailureCode::UpstreamTimeout => "The upstream did not finish the job in time.",
        FailureCode::SubmissionUnknown => "The upstream's answer was lost and no job was found.",
        FailureCode::StorageFailed => "The finished video could not be stored.",
    }
}
