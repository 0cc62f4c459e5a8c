//! A task, a clock, and helpers that apply events.

use hailuo_worker::video::access::keys::SigningKeys;
use hailuo_worker::video::access::owner::Owner;
use hailuo_worker::video::lifecycle::Policy;
use hailuo_worker::video::lifecycle::event::{Effect, Event, Observation};
use hailuo_worker::video::lifecycle::retry_schedule::RetrySchedule;
use hailuo_worker::video::record::metadata::Metadata;
use hailuo_worker::video::record::thousandths::Thousandths;
use hailuo_worker::video::record::{FailureCode, Image, Input, Output, Status};
use hailuo_worker::video::request::Resolution;
use hailuo_worker::video::task::search::SearchProgress;
use hailuo_worker::video::task::{Job, NewTask, Phase, Source, Task};
use hailuo_worker::video::time::{Millis, Tick, UnixMillis};

pub const START: i64 = 1_800_000_000_000;
pub const TASK_DEADLINE_MS: i64 = 600_000;
pub const COPY_DEADLINE_MS: i64 = 900_000;
pub const RETENTION_SECONDS: u64 = 86_400;

pub fn policy() -> Policy {
    Policy {
        max_active: Some(1),
        poll: RetrySchedule::parse("30,60").unwrap(),
        search: RetrySchedule::parse("30,60,90").unwrap(),
        retry: RetrySchedule::parse("2,5").unwrap(),
        notify: None,
        notify_owner: RetrySchedule::parse("5,300").unwrap(),
        purge_upstream: true,
        task_deadline: Millis::new(TASK_DEADLINE_MS.unsigned_abs()),
        copy_deadline: Millis::new(COPY_DEADLINE_MS.unsigned_abs()),
        retention: Millis::from_seconds(RETENTION_SECONDS),
    }
}

pub fn job() -> Job {
    Job { task_id: "1".to_owned(), token: Some("t".to_owned()) }
}

pub fn source() -> Source {
    Source { url: "https://cdn1.wiro.ai/0.mp4".to_owned(), size: Some(7) }
}

pub fn output() -> Output {
    Output {
        content_type: "video/mp4".to_owned(),
        size: 7,
        sha256: "00".to_owned(),
        etag: "\"e\"".to_owned(),
        width: Some(1366),
        height: Some(768),
        duration_seconds: Some(Thousandths(5880)),
        fps: Some(Thousandths(25_000)),
    }
}

pub fn succeeded() -> Observation {
    Observation::Succeeded { source: source(), cost_usd: Some("0.28".to_owned()), ignored: None }
}

pub fn failed() -> Observation {
    Observation::Failed { reason: None, cost_usd: None }
}

pub fn search(hint: Option<Job>) -> Effect {
    Effect::Search { hint, progress: SearchProgress::default() }
}

/// The contents of a task; the id is always the same, as for submits with the same key.
pub fn submitted(input_image_first: Option<Image>, fingerprint: &str, now: i64) -> Task {
    let id = SigningKeys::derive(&[7; 32]).unwrap().mint(&Owner::nobody(), [1; 16]);
    let input = Input {
        prompt: "a cat".to_owned(),
        prompt_optimizer: true,
        resolution: Some(Resolution::new("768P")),
        duration: Some(6),
        input_image_first,
        input_image_first_url: None,
        input_image_last: None,
        input_image_last_url: None,
    };
    let new = NewTask {
        owner: Owner::nobody(),
        id,
        model: "m".to_owned(),
        model_path: "m/m".to_owned(),
        input,
        metadata: Metadata::default(),
        callback_url: "https://w.example/hook".to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    Task::accept(new, UnixMillis::new(now))
}

#[derive(Clone)]
pub struct Life {
    pub task: Task,
    pub now: i64,
    pub policy: Policy,
}

impl Life {
    pub fn begin() -> Self {
        Self::begin_with(None)
    }

    pub fn begin_with(input_image_first: Option<Image>) -> Self {
        Self { task: submitted(input_image_first, "f", START), now: START, policy: policy() }
    }

    fn at(&self) -> Tick {
        Tick { now: UnixMillis::new(self.now), jitter: u16::MAX / 2 }
    }

    pub fn on(&mut self, event: Event) -> &mut Self {
        self.task.apply(event, &self.policy, self.at());
        self
    }

    pub fn observe(&mut self, observation: Observation) -> &mut Self {
        self.on(Event::Observed(observation))
    }

    /// Advances the clock to the alarm, which fires.
    pub fn wake(&mut self) -> Vec<Effect> {
        self.now = self.now.max(self.task.alarm().expect("an alarm").millis());
        self.task.on_alarm(&self.policy, self.at())
    }

    /// Advances the clock to the next effect of the job itself; pending work before it succeeds.
    pub fn next(&mut self) -> Option<Effect> {
        while !self.is_at_rest() {
            let mut asked = None;
            for effect in self.wake() {
                match effect {
                    Effect::Perform(item) => {
                        self.on(Event::WorkDone { item, succeeded: true });
                    }
                    effect => asked = Some(effect),
                }
            }
            if asked.is_some() {
                return asked;
            }
        }
        None
    }

    /// Whether the video has ended, and nothing is due before its removal.
    pub fn is_at_rest(&self) -> bool {
        let removal_at = self.task.record.expires_at.map(|at| UnixMillis::new(at * 1000));
        let has_ended = matches!(self.task.phase, Phase::Ended { .. });
        has_ended && self.task.alarm() == removal_at && removal_at > Some(UnixMillis::new(self.now))
    }

    pub fn status(&self) -> Status {
        self.task.record.status
    }

    pub fn failure(&self) -> Option<FailureCode> {
        self.task.record.error.as_ref().map(|failure| failure.code)
    }

    /// Milliseconds until the phase is due.
    pub fn wakes_in(&self) -> i64 {
        self.task.wake_at.unwrap().millis() - self.now
    }
}
