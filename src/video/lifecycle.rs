//! The life of a video as a state machine without I/O. Events change a [`Task`]; waking it, when its
//! alarm is due, names the [`Effect`]s to perform, each of whose results is an event again. Nothing else
//! decides transitions.
//!
//! ```text
//!          place      wake          started            ended with a video           verified
//! Waiting ─────▶ Placed ─▶ Submitting ───────▶ Running ──────────────────▶ Storing ─────────▶ Ended
//!  ▲ │  ▲called   ▲             │ │ │ lost       ▲ │ failed, cancelled,       │ not by its     ▲ ▲
//!  │ ▼  │         └─────────────┘ │ └▶ Unknown ──┘ │ not ended by its deadline│ deadline       │ │
//!  │ InLine        not started    │      (searched)└──────────────────────────┴────────────────┘ │
//!  └──────────────────────────────┤                                                              │
//!            the upstream is full └──────────────────────────────────────────────────────────────┘
//!                                   refused
//! ```
//!
//! A job with an uploaded image begins as `Receiving`, before `Waiting`, until the image is stored; a
//! video past its time ends as `Removing`. `submission.rs` leads to the upstream, `generation.rs` from
//! there to the stored video.
//!
//! The caller persists the task after every step, before it performs anything, and each step leaves
//! [`Task::alarm`] such that a crash at any point is looked at again. There are three ways out of a
//! failure, all for videos that may have been paid for: `submission_unknown` when its job speaks up
//! after all, and `submission_unknown`, `storage_failed` and `upstream_timeout` when an operator says so.

pub mod event;
mod generation;
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

/// While something is under way, the task is looked at again this much later: only a crash lets
/// that happen, because an object's alarms never overlap.
const CRASH_GUARD: Millis = Millis::new(10_000);

/// After so many, a removal does without the upstream, which may not know the job any more.
const MAX_REMOVAL_FAILURES: u32 = 50;

/// How patient to be; read from the settings.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Jobs at the upstream at once; `None` for as many as it takes.
    pub max_active: Option<u32>,
    /// Waits between checks of a running job.
    pub poll: RetrySchedule,
    /// Waits between searches for a job whose Run was not answered. When as many found no trace of it, it holds no
    /// place any more.
    pub search: RetrySchedule,
    /// Waits between tries of what failed and may be tried again.
    pub retry: RetrySchedule,
    /// Waits between tries to tell the operator's webhook, then it is given up; `None` without a webhook.
    pub notify: Option<RetrySchedule>,
    /// Whether the upstream is to delete its files once our copy is verified.
    pub purge_upstream: bool,
    pub task_deadline: Millis,
    pub copy_deadline: Millis,
    pub retention: Millis,
}

impl Task {
    /// What is due, in order. Nothing, when the alarm came too early.
    #[must_use]
    pub fn on_alarm(&mut self, policy: &Policy, tick: Tick) -> Vec<Effect> {
        self.with_follow_ups(tick.now, |task| {
            let guard = tick.now.after(CRASH_GUARD);
            let work = task.chores.take_due(tick.now, guard);
            let mut effects: Vec<_> = work.into_iter().map(Effect::Perform).collect();
            if task.wake_at.is_some_and(|due| due <= tick.now) {
                task.wake_at = Some(guard);
                effects.extend(task.next_effect(policy, tick.now));
            }
            // Last: a receiver may be slow, and nothing here waits for it.
            if policy.notify.is_none() {
                task.deliveries.stop();
            }
            effects.extend(task.deliveries.take_due(tick.now, guard).map(Effect::Notify));
            effects
        })
    }

    /// Applies one event. Events that do not fit the phase (late, repeated, early) change nothing.
    pub fn apply(&mut self, event: Event, policy: &Policy, tick: Tick) {
        if let Event::CallbackReceived(hint) = event {
            // Of a flood of them, all but the first must change nothing: what changes is stored.
            return self.callback_received(hint, tick.now);
        }
        self.with_follow_ups(tick.now, |task| match event {
            Event::ImageStored => task.image_stored(tick.now),
            Event::SlotReplied(reply) => task.slot_replied(reply, policy, tick),
            Event::RunAnswered(outcome) => task.run_answered(outcome, policy, tick),
            Event::Observed(observation) => task.observed(observation, policy, tick),
            Event::SocketUpdated(update) => task.socket_updated(update, tick.now),
            // What can be seen is kept with every event; the other is above.
            Event::ProgressTick | Event::CallbackReceived(_) => {}
            Event::Searched(outcome) => task.searched(outcome, policy, tick.now),
            Event::Copied(output) => task.copied(output, policy, tick),
            Event::WorkDone { item, succeeded } => task.chores.complete(item, succeeded, &policy.retry, tick),
            Event::Notified { webhook_id, response } => {
                task.deliveries.complete(webhook_id, response, policy.notify.as_ref(), tick.now);
            }
            Event::CancelRequested => task.cancel_requested(policy, tick.now),
            Event::DeleteRequested => task.delete_requested(tick.now),
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
                self.nudged = false;
                Some(Effect::Search { hint: hint.clone(), progress: progress.clone().unwrap_or_default() })
            }
            Phase::Running { checked_at, eager, job, .. } => {
                *checked_at = now;
                if std::mem::take(&mut self.nudged) {
                    *eager = Some(0);
                }
                let job = job.clone();
                Some(if self.is_stopping() { Effect::Stop(job) } else { Effect::Check(job) })
            }
            Phase::Storing { source, .. } => Some(Effect::Copy(source.clone())),
            Phase::Ended { .. } => {
                self.wake_at = None;
                None
            }
            Phase::Removing { failures, job } => {
                let purges = policy.purge_upstream && *failures < MAX_REMOVAL_FAILURES;
                Some(Effect::Remove { purge: job.clone().filter(|_| purges) })
            }
        }
    }

    /// Whatever changes a task: what follows for those who read its record and for those who wait in
    /// line.
    fn with_follow_ups<T>(&mut self, now: UnixMillis, change: impl FnOnce(&mut Self) -> T) -> T {
        let needed_place = self.needs_slot();
        let published = (self.answerable, self.record.status.is_final());
        self.keep_progress(now);
        let result = change(self);
        self.keep_progress(now);
        if self.wish == Intent::Delete && !self.is_upstream() {
            self.remove(now);
        }
        if matches!(self.phase, Phase::Removing { .. }) {
            return result;
        }
        self.answerable |= self.is_answerable();
        if self.wish == Intent::Delete || !self.record.status.is_final() {
            self.deliveries.stop();
        }
        if !matches!(self.phase, Phase::Queued(_)) {
            self.record.queue_position = None;
        }
        if needed_place != self.needs_slot() {
            self.chores.add(WorkItem::SyncSlot, now);
        }
        let is_told = self.wish != Intent::Delete;
        if is_told && published != (self.answerable, self.record.status.is_final()) {
            self.chores.add(WorkItem::Publish, now);
        }
        result
    }

    fn reconciled(&mut self, as_of: UnixMillis, now: UnixMillis) {
        let is_past = self.record.expires_at.is_some_and(|at| at <= as_of.seconds());
        if is_past && matches!(self.phase, Phase::Ended { .. }) {
            self.remove(now);
        }
    }

    /// Whether the upstream has the job, or may have it.
    const fn is_upstream(&self) -> bool {
        matches!(self.phase, Phase::Submitting { .. } | Phase::Unknown { .. } | Phase::Running { .. })
    }

    fn remove(&mut self, now: UnixMillis) {
        if !matches!(self.phase, Phase::Removing { .. }) {
            self.phase = Phase::Removing { failures: 0, job: self.job().cloned() };
            self.wake_at = Some(now);
            self.chores.clear();
            self.deliveries.stop();
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
        if policy.notify.is_some() {
            self.deliveries.add(&self.record.id, now);
        }
        self.wake_at = None;
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
