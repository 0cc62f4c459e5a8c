//! The `VideoTask` Durable Object: one for each video, named by the video's id, and the only writer of
//! that video's state.
//!
//! - Stored: `task`, the [`Task`] as JSON text. Its alarm is always `task.wake_at`.
//! - Messages: [`Message`], answered with a [`Reply`].
//!
//! Requests only record and wait; all work is done by the alarm. Alarms of one object never overlap,
//! survive its caller's disconnection and a restart of the machine, and so are the retry engine: each
//! step is persisted together with the next alarm before its effects are performed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select, try_join};
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use worker::{Delay, DurableObject, Env, Request, Response, State, durable_object};

use super::clock;
use super::config::{Config, ConfigError};
use super::copy;
use super::log::{self, Level};
use super::records::Records;
use super::upstream::Upstream;
use super::videos::Videos;
use crate::video::event::{Effect, Event};
use crate::video::lifecycle::Policy;
use crate::video::record::Record;
use crate::video::task::{Job, NewTask, Phase, Task};
use crate::video::time::{Millis, UnixMillis};

pub const BINDING: &str = "VIDEO_TASK";

const TASK_KEY: &str = "task";

/// How long a submit waits for the answer to its first Run before it answers without.
const SUBMIT_PATIENCE: Duration = Duration::from_secs(25);

/// When work fails for a reason of our own, it is tried again after this.
const FAULT_PAUSE: Millis = Millis::new(30_000);

/// What an object is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Take the job, and answer when its first Run was answered. Asked again, the object answers for
    /// the job that it has.
    Accept(NewTask),
    /// The image that [`Reply::SendImage`] asked for is stored.
    ImageStored,
    /// Tell the record.
    Read,
    /// The upstream called back, perhaps naming a job: look now.
    Nudge { hint: Option<Job> },
}

/// What an object answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// No such job was ever accepted.
    Nothing,
    Video(Record),
    /// The job existed already.
    Replayed(Record),
    /// Store the image, then say [`Message::ImageStored`].
    SendImage,
    /// The job exists, and was asked for in other words.
    OtherRequest,
}

#[derive(Debug, Error)]
enum TaskError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error("the stored task cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// What one event led to.
struct Step {
    task: Task,
    effects: Vec<Effect>,
}

#[durable_object]
pub struct VideoTask {
    state: State,
    env: Env,
    /// Who waits for the next step.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl DurableObject for VideoTask {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, waiting: RefCell::new(Vec::new()) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let message = request.json().await?;
        match self.answer(message).await {
            Ok(reply) => Response::from_json(&reply),
            Err(error) => Response::error(error.to_string(), 500),
        }
    }

    /// Never fails: the runtime gives a failing alarm up after six tries.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.work().await {
            log::write(Level::Error, "a task's work failed", [("error", error.to_string().into())]);
            self.set_alarm(clock::now().after(FAULT_PAUSE)).await?;
        }
        Response::empty()
    }
}

impl VideoTask {
    async fn answer(&self, message: Message) -> Result<Reply, TaskError> {
        let task = match message {
            Message::Accept(new) => return self.accept(new).await,
            Message::ImageStored => {
                self.react(Event::Received).await?;
                self.settled().await?
            }
            Message::Read => self.load().await?,
            Message::Nudge { hint } => self.react(Event::Nudged(hint)).await?,
        };
        Ok(task.map_or(Reply::Nothing, |task| Reply::Video(task.record)))
    }

    /// Here, and nowhere else, it is decided which of several equal requests makes the video.
    async fn accept(&self, new: NewTask) -> Result<Reply, TaskError> {
        let known = self.load().await?;
        let is_new = known.is_none();
        let task = match known {
            Some(task) if task.fingerprint != new.fingerprint => return Ok(Reply::OtherRequest),
            Some(task) => task,
            None => {
                let task = Task::accept(new, clock::now());
                self.persist(&task).await?;
                task
            }
        };
        if task.phase == Phase::Receiving {
            return Ok(Reply::SendImage);
        }
        let task = self.settled().await?;
        let reply = if is_new { Reply::Video } else { Reply::Replayed };
        Ok(task.map_or(Reply::Nothing, |task| reply(task.record)))
    }

    async fn react(&self, event: Event) -> Result<Option<Task>, TaskError> {
        let config = Config::of(&self.env)?;
        Ok(self.step(event, &config.policy).await?.map(|step| step.task))
    }

    /// The task once its first Run was answered, or as it is when patience ends.
    async fn settled(&self) -> Result<Option<Task>, TaskError> {
        let mut patience = pin!(Delay::from(SUBMIT_PATIENCE));
        loop {
            let task = self.load().await?;
            if task.as_ref().is_none_or(Task::is_settled) {
                return Ok(task);
            }
            let (sender, changed) = oneshot::channel();
            self.waiting.borrow_mut().push(sender);
            if let Either::Right(_) = select(changed, patience.as_mut()).await {
                return self.load().await;
            }
        }
    }

    /// One alarm: everything that is due, each effect's result being the next event.
    async fn work(&self) -> Result<(), TaskError> {
        let config = Config::of(&self.env)?;
        let Some(mut step) = self.step(Event::Woken, &config.policy).await? else { return Ok(()) };
        let mut effects = VecDeque::from(step.effects);
        while let Some(effect) = effects.pop_front() {
            let Some(event) = self.perform(effect, &step.task, &config).await? else { return Ok(()) };
            let Some(next) = self.step(event, &config.policy).await? else { return Ok(()) };
            step = next;
            effects.extend(std::mem::take(&mut step.effects));
        }
        Ok(())
    }

    /// The submit broke off before its image was stored: it was told of no video.
    async fn discard(&self, task: &Task, videos: &Videos) -> Result<(), TaskError> {
        videos.delete_input(&task.record.id).await?;
        let storage = self.state.storage();
        try_join(storage.delete_alarm(), storage.delete_all()).await?;
        Ok(())
    }

    /// The event that an effect leads to; `None` when there is no task any more.
    async fn perform(
        &self,
        effect: Effect,
        task: &Task,
        config: &Config,
    ) -> Result<Option<Event>, TaskError> {
        let id = &task.record.id;
        let videos = Videos::new(&self.env)?;
        let upstream = Upstream::new(config, &videos);
        Ok(Some(match effect {
            Effect::Run => Event::RunAnswered(upstream.run(task).await),
            Effect::Check(job) => Event::Observed(upstream.check(task, &job).await),
            Effect::Search(hint) => Event::Searched(upstream.search(task, hint).await),
            Effect::Copy(source) => {
                let started = clock::now();
                let copied = copy::copy(&videos, &config.output_hosts, id, &source).await;
                let video_id = ("video.id", json!(id));
                let duration = ("duration_ms", json!(clock::now().millis() - started.millis()));
                match &copied {
                    Ok(output) => {
                        let size = ("size_bytes", json!(output.size));
                        let memory = ("wasm_memory_bytes", json!(log::wasm_memory_bytes()));
                        log::write(Level::Info, "the video was copied", [video_id, duration, size, memory]);
                    }
                    Err(error) => {
                        let error = ("error", json!(error.to_string()));
                        log::write(Level::Warn, "the copy failed", [video_id, duration, error]);
                    }
                }
                Event::Copied(copied.ok())
            }
            Effect::Discard => {
                self.discard(task, &videos).await?;
                return Ok(None);
            }
            Effect::Publish => {
                let records = Records::new(&self.env)?;
                let published = records.put(&task.record, config.policy.retention).await;
                if let Err(error) = &published {
                    let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
                    log::write(Level::Warn, "the record was not published", fields);
                }
                Event::Published(published.is_ok())
            }
        }))
    }

    /// Loads, applies, persists, tells who waits. Nothing else runs in the object between loading and
    /// persisting, because only storage is awaited.
    async fn step(&self, event: Event, policy: &Policy) -> Result<Option<Step>, TaskError> {
        let Some(mut task) = self.load().await? else { return Ok(None) };
        let (status, stage) = (task.record.status, task.record.stage.clone());
        let effects = task.apply(event, policy, clock::moment());
        self.persist(&task).await?;
        if status != task.record.status || stage != task.record.stage {
            let fields = [
                ("video.id", json!(task.record.id)),
                ("status", json!(task.record.status)),
                ("stage", json!(task.record.stage)),
            ];
            log::write(Level::Info, "a video moved", fields);
        }
        self.waiting.borrow_mut().clear();
        Ok(Some(Step { task, effects }))
    }

    async fn load(&self) -> Result<Option<Task>, TaskError> {
        match self.state.storage().get::<String>(TASK_KEY).await? {
            Some(text) => Ok(Some(serde_json::from_str(&text)?)),
            None => Ok(None),
        }
    }

    /// Task and alarm are written as one: no await lies between the two calls.
    async fn persist(&self, task: &Task) -> Result<(), TaskError> {
        let text = serde_json::to_string(task)?;
        let storage = self.state.storage();
        let put = storage.put(TASK_KEY, text);
        match task.wake_at {
            Some(at) => try_join(put, self.set_alarm(at)).await?,
            None => try_join(put, storage.delete_alarm()).await?,
        };
        Ok(())
    }

    async fn set_alarm(&self, at: UnixMillis) -> worker::Result<()> {
        let wait_ms = at.millis().saturating_sub(clock::now().millis());
        self.state.storage().set_alarm(wait_ms).await
    }
}
