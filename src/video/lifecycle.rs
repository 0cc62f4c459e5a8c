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
//! The caller persists the task after every step and *then* performs the effects, so each step
//! leaves `wake_at` such that a crash in the middle is looked at again.

use serde::{Deserialize, Serialize};

use super::id::VideoId;
use super::progress;
use super::record::{
    Failure, FailureCode, Input, Object, Output, ProgressSource, RECORD_VERSION, Record, Status,
};
use super::schedule::Ladder;
use super::time::{Millis, UnixMillis};

/// Version of the stored form of [`Task`].
pub const TASK_VERSION: u32 = 1;

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

/// Everything known of one video while it is in flight. Private to its object: it holds what must
/// never be public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub version: u32,
    pub record: Record,
    /// Where the upstream calls back.
    pub callback_url: String,
    pub phase: Phase,
    /// When to look again; `None` when nothing is left to do.
    pub wake_at: Option<UnixMillis>,
    /// A callback came that no check has answered yet.
    pub nudged: bool,
    /// The record has changed in a way that KV must show.
    pub unpublished: bool,
    publish_failures: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Run was never sent, or is known not to have started.
    Waiting { attempts: u32 },
    /// The intent to send Run is stored; its answer is not.
    Submitting { attempts: u32 },
    /// Run was sent and its answer lost: it may have started, so it is never sent again.
    Unknown { since: UnixMillis },
    /// The upstream has the job.
    Running { since: UnixMillis, checks: u32, checked_at: UnixMillis, job: Job },
    /// The job ended with a video; the copy is not verified yet.
    Storing { since: UnixMillis, attempts: u32, source: Source, job: Job },
    /// Final. What the upstream calls the job is kept for cleaning up there.
    Ended { job: Option<Job> },
}

/// The upstream's names for a started job. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub task_id: String,
    pub token: Option<String>,
}

/// Where the finished video can be fetched from. Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub url: String,
    /// Bytes, as the upstream says.
    pub size: Option<u64>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The alarm fired.
    Woken,
    /// The upstream called back; a nudge that decides nothing.
    Nudged,
    RunAnswered(RunOutcome),
    Observed(Observation),
    /// The copy was verified, or failed and may be tried again.
    Copied(Option<Output>),
    /// Whether KV took the record.
    Published(bool),
}

/// What became of one Run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    Started(Job),
    /// Known not to have started; may be sent again, not sooner than `retry_after`.
    NotStarted {
        retry_after: Option<Millis>,
    },
    /// Refused for good.
    Refused(Failure),
    /// Nobody knows.
    Unknown,
}

/// What a check of the job saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Working {
        status: String,
    },
    Succeeded {
        source: Source,
        cost_usd: Option<String>,
    },
    Failed,
    Cancelled,
    /// No usable answer.
    Unreadable,
}

/// What is to be done, in order; each one's result comes back as an [`Event`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send Run → [`Event::RunAnswered`].
    Run,
    /// Ask the upstream about the job → [`Event::Observed`].
    Check(Job),
    /// Copy and verify the video → [`Event::Copied`].
    Copy(Source),
    /// Write the record to KV → [`Event::Published`].
    Publish,
}

impl Task {
    /// A job that was accepted and is due at once.
    #[must_use]
    pub fn accept(id: VideoId, model: String, input: Input, callback_url: String, now: UnixMillis) -> Self {
        Self {
            version: TASK_VERSION,
            record: Record {
                version: Some(RECORD_VERSION),
                id,
                object: Object::Video,
                model,
                status: Status::Queued,
                stage: "waiting".to_owned(),
                queue_position: None,
                progress: 0,
                progress_source: ProgressSource::None,
                created_at: now.seconds(),
                started_at: None,
                completed_at: None,
                expires_at: None,
                input,
                output: None,
                cost_usd: None,
                error: None,
                urls: None,
            },
            callback_url,
            phase: Phase::Waiting { attempts: 0 },
            wake_at: Some(now),
            nudged: false,
            unpublished: false,
            publish_failures: 0,
        }
    }

    /// Whether the first Run has been answered, one way or another, or will not be.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        !matches!(self.phase, Phase::Waiting { attempts: 0 } | Phase::Submitting { attempts: 0 })
    }

    /// Applies one event. Events that do not fit the phase (late, repeated, early) change nothing.
    #[must_use]
    pub fn apply(&mut self, event: Event, policy: &Policy, at: Moment) -> Vec<Effect> {
        match event {
            Event::Woken => self.woken(policy, at.now),
            Event::Nudged => self.called_back(at.now),
            Event::RunAnswered(outcome) => self.run_answered(outcome, policy, at),
            Event::Observed(observation) => self.observed(observation, policy, at),
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
            Phase::Unknown { since } => {
                let deadline = since.after(policy.task_deadline);
                if now >= deadline {
                    return self.fail(FailureCode::SubmissionUnknown, None, policy, now);
                }
                self.wake_at = Some(deadline);
            }
            Phase::Running { checked_at, job, .. } => {
                *checked_at = now;
                self.nudged = false;
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

    fn called_back(&mut self, now: UnixMillis) -> Vec<Effect> {
        match &self.phase {
            // Run's own answer is still under way: it will look.
            Phase::Submitting { .. } => self.nudged = true,
            Phase::Running { checked_at, .. } => {
                self.nudged = true;
                self.wake_at = Some(now.max(checked_at.after(MIN_CHECK_INTERVAL)));
            }
            Phase::Waiting { .. } | Phase::Unknown { .. } | Phase::Storing { .. } | Phase::Ended { .. } => {}
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
        let first_check = if self.nudged { now } else { now.after(policy.poll.step(0)) };
        self.phase = Phase::Running { since: now, checks: 0, checked_at: now, job };
        self.wake_at = Some(first_check);
        self.record.started_at = Some(now.seconds());
        self.progress_to(Status::InProgress, "task_queue");
        self.publish()
    }

    fn lose_run_answer(&mut self, policy: &Policy, now: UnixMillis) -> Vec<Effect> {
        self.phase = Phase::Unknown { since: now };
        self.wake_at = Some(now.after(policy.task_deadline));
        self.record.started_at = Some(now.seconds());
        self.record.status = Status::InProgress;
        self.publish()
    }

    fn observed(&mut self, observation: Observation, policy: &Policy, at: Moment) -> Vec<Effect> {
        let Phase::Running { since, checks, job, .. } = &mut self.phase else { return Vec::new() };
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
                let wait = policy.poll.step(checks.saturating_add(1));
                // The callback may run ahead of what a check shows: look often again.
                *checks = if self.nudged { 0 } else { checks.saturating_add(1) };
                let next = at.now.after(if self.nudged { MIN_CHECK_INTERVAL } else { wait });
                self.wake_at = Some(next.min(deadline));
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
            if self.record.status.is_final() {
                self.wake_at = None;
            }
        } else {
            let retry = at.now.after(policy.retry.jittered(self.publish_failures, at.chance));
            self.publish_failures = self.publish_failures.saturating_add(1);
            // A job in flight publishes again when it is next looked at; nothing else wakes a final one.
            if self.record.status.is_final() {
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

    /// The upstream's names for the job, once it is known to have started.
    #[must_use]
    pub const fn job(&self) -> Option<&Job> {
        match &self.phase {
            Phase::Running { job, .. } | Phase::Storing { job, .. } => Some(job),
            Phase::Ended { job } => job.as_ref(),
            Phase::Waiting { .. } | Phase::Submitting { .. } | Phase::Unknown { .. } => None,
        }
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
