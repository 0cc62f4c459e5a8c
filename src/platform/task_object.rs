//! The `VideoTask` Durable Object: one for each video, named by the video's id, and the only writer of
//! that video's state.
//!
//! - Stored: `task`, the [`Task`] as JSON text. Its alarm is always [`Task::alarm`].
//! - Messages: [`Message`], answered with a [`Reply`].
//!
//! Requests only record and wait; all work is done by the alarm. Alarms of one object never overlap,
//! survive its caller's disconnection and a restart of the machine, and so are the retry engine: each
//! step is persisted together with the next alarm before its effects are performed.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use worker::{Delay, DurableObject, Env, Request, Response, State, durable_object};

use super::clock;
use super::config::{Config, ConfigError};
use super::copy;
use super::dispatcher::Dispatch;
use super::log::{self, Level};
use super::object_call::{self, CallError};
use super::object_storage::ObjectStorage;
use super::patience::within;
use super::records::{RecordError, Records};
use super::upstream::Upstream;
use super::videos::Videos;
use crate::video::chores::Chore;
use crate::video::event::{Effect, Entry, Event};
use crate::video::id::VideoId;
use crate::video::record::{Record, Status};
use crate::video::task::{Job, LoadError, NewTask, Phase, Report, Task, Wish};
use crate::video::time::{Millis, UnixMillis};

pub const BINDING: &str = "VIDEO_TASK";

const TASK_KEY: &str = "task";

/// How long a submit waits for the answer to its first Run before it answers without.
const SUBMIT_PATIENCE: Duration = Duration::from_secs(25);

/// How long a cancel waits for its effect.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// How long KV or the dispatcher may take.
const CHORE_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// Tell the record when its status or stage has changed, or after so many seconds.
    Wait(u32),
    /// The upstream called back, perhaps naming a job: look now.
    Nudge(Option<Job>),
    /// Stop, and answer when it stopped.
    Cancel,
    /// Stop, and forget everything.
    Delete,
    /// Try a failed video again that may have been paid for.
    Redrive,
    /// There is a place at the upstream now.
    Called,
    /// See that the task goes on: it may have lost its alarm, or as of then be past its time.
    LookAfter(UnixMillis),
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
    /// Too late: it ended, and not by a cancel.
    AlreadyFinished,
    Report(Report),
}

#[derive(Debug, Error)]
enum TaskError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the task cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

#[derive(Debug, Error)]
enum RemoveError {
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Dispatcher(#[from] CallError),
    #[error("the upstream: {0}")]
    Upstream(String),
}

#[durable_object(alarm)]
pub struct VideoTask {
    storage: ObjectStorage,
    env: Env,
    /// Who waits for the next step.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl DurableObject for VideoTask {
    fn new(state: State, env: Env) -> Self {
        Self { storage: ObjectStorage::of(state), env, waiting: RefCell::new(Vec::new()) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let message = object_call::message(request).await?;
        object_call::answer(self.answer(message).await)
    }

    /// Never fails: the runtime gives a failing alarm up after six tries.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.work().await {
            log::write(Level::Error, "a task's work failed", [("error", error.to_string().into())]);
            self.storage.set_alarm(Some(clock::now().after(FAULT_PAUSE))).await?;
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
                self.wait_until(|task| task.answerable, SUBMIT_PATIENCE).await?
            }
            Message::Read => return self.read().await,
            Message::Wait(seconds) => {
                self.wait_for_change(Duration::from_secs(seconds.into())).await?;
                return self.read().await;
            }
            Message::Nudge(hint) => self.react(Event::Nudged(hint)).await?,
            Message::Cancel => return self.cancel().await,
            Message::Delete => return self.delete().await,
            Message::Redrive => match self.react(Event::Redriven).await? {
                Some(task) if matches!(task.phase, Phase::Ended { .. }) => return Ok(Reply::AlreadyFinished),
                task => task,
            },
            Message::Called => return self.report(Event::Called).await,
            Message::LookAfter(as_of) => return self.report(Event::LookedAt(as_of)).await,
        };
        Ok(shown(task))
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
        match shown(self.wait_until(|task| task.answerable, SUBMIT_PATIENCE).await?) {
            Reply::Video(record) if !is_new => Ok(Reply::Replayed(record)),
            reply => Ok(reply),
        }
    }

    /// The record; in line, with the position as it is now.
    async fn read(&self) -> Result<Reply, TaskError> {
        let Some(mut task) = self.load().await? else { return Ok(Reply::Nothing) };
        if matches!(task.phase, Phase::InLine(_)) {
            let id = &task.record.id;
            let position = Dispatch::new(&self.env)?.position(id).await;
            if let Some(position) = told(position, "the position in line is not known", id) {
                task.record.queue_position = position;
                if position.is_none() {
                    // It was called, or its place in line got lost: either way it asks again.
                    self.react(Event::Called).await?;
                }
            }
        }
        Ok(shown(Some(task)))
    }

    async fn wait_for_change(&self, patience: Duration) -> Result<(), TaskError> {
        let Some(Task { record: before, .. }) = self.load().await? else { return Ok(()) };
        let has_changed = |task: &Task| {
            let Record { status, stage, .. } = &task.record;
            status.is_final() || *status != before.status || *stage != before.stage || !is_shown(task)
        };
        self.wait_until(has_changed, patience).await.map(|_| ())
    }

    async fn cancel(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.load().await?.filter(is_shown) else { return Ok(Reply::Nothing) };
        if matches!(task.record.status, Status::Completed | Status::Failed) {
            return Ok(Reply::AlreadyFinished);
        }
        self.react(Event::CancelRequested).await?;
        Ok(shown(self.wait_until(|task| !task.is_stopping(), CANCEL_PATIENCE).await?))
    }

    /// The last that anybody is told of it.
    async fn delete(&self) -> Result<Reply, TaskError> {
        let last = shown(self.load().await?);
        self.react(Event::DeleteRequested).await?;
        Ok(last)
    }

    async fn report(&self, event: Event) -> Result<Reply, TaskError> {
        let task = self.react(event).await?;
        Ok(task.map_or(Reply::Nothing, |task| Reply::Report(task.report(clock::now()))))
    }

    async fn react(&self, event: Event) -> Result<Option<Task>, TaskError> {
        let config = Config::of(&self.env)?;
        self.change(|task| task.apply(event, &config.policy, clock::moment()))
            .await
            .map(|changed| changed.map(|(task, ())| task))
    }

    /// The task once `is_so`, or as it is when patience ends.
    async fn wait_until(
        &self,
        is_so: impl Fn(&Task) -> bool,
        patience: Duration,
    ) -> Result<Option<Task>, TaskError> {
        let mut patience = pin!(Delay::from(patience));
        loop {
            let task = self.load().await?;
            if task.as_ref().is_none_or(&is_so) {
                return Ok(task);
            }
            let (sender, changed) = oneshot::channel();
            self.waiting.borrow_mut().push(sender);
            if let Either::Right(_) = select(changed, patience.as_mut()).await {
                return self.load().await;
            }
        }
    }

    /// One alarm: everything that is due, until nothing is.
    async fn work(&self) -> Result<(), TaskError> {
        let config = Config::of(&self.env)?;
        let wake = |task: &mut Task| task.wake(&config.policy, clock::moment());
        while let Some((task, effects)) = self.change(wake).await? {
            if effects.is_empty() && task.alarm().is_none_or(|due| clock::now() < due) {
                break;
            }
            for effect in effects {
                let Some(task) = self.load().await? else { return Ok(()) };
                match self.perform(effect, &task, &config).await? {
                    Some(event) => self.react(event).await?,
                    None => return Ok(()),
                };
            }
        }
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
            Effect::Enter { turned_away } => {
                let entry = Dispatch::new(&self.env)?.enter(id, turned_away).await;
                Event::Entered(
                    told(entry, "the waiting line cannot be reached", id).unwrap_or(Entry::Unreachable),
                )
            }
            Effect::Run => Event::RunAnswered(upstream.run(task).await),
            Effect::Check(job) => Event::Observed(upstream.check(task, &job).await),
            Effect::Stop(job) => Event::Observed(upstream.stop(task, &job).await),
            Effect::Search(hint) => Event::Searched(upstream.search(task, hint).await),
            Effect::Copy(source) => {
                Event::Copied(copy::copy(&videos, &config.output_hosts, id, &source).await)
            }
            Effect::Do(chore) => {
                let done = within(CHORE_TIMEOUT, self.do_chore(chore, task, config)).await;
                let done = told(done, "a chore took too long", id).transpose()?;
                Event::Done { chore, succeeded: done == Some(true) }
            }
            Effect::Remove { purge } => {
                let removed = self.remove(id, purge, &videos, &upstream).await;
                match told(removed, "the video was not removed", id) {
                    Some(()) => return Ok(None),
                    None => Event::RemovalFailed,
                }
            }
        }))
    }

    async fn do_chore(&self, chore: Chore, task: &Task, config: &Config) -> Result<bool, TaskError> {
        let Record { id, .. } = &task.record;
        let done = match chore {
            Chore::Publish => {
                let published = Records::new(&self.env)?.put(&task.record, config.policy.retention).await;
                told(published, "the record was not published", id)
            }
            Chore::Purge => match task.job() {
                Some(job) => {
                    let videos = Videos::new(&self.env)?;
                    let purged = Upstream::new(config, &videos).purge(job).await;
                    told(purged, "the upstream's files were not deleted", id)
                }
                None => Some(()),
            },
            Chore::Leave => {
                let left = Dispatch::new(&self.env)?.leave(id).await;
                told(left, "the place was not given back", id)
            }
        };
        Ok(done.is_some())
    }

    /// Everything that is stored for the video, the task last.
    async fn remove(
        &self,
        id: &VideoId,
        purge: Option<Job>,
        videos: &Videos,
        upstream: &Upstream<'_>,
    ) -> Result<(), RemoveError> {
        if let Some(job) = purge {
            upstream.purge(&job).await.map_err(RemoveError::Upstream)?;
        }
        videos.delete(id).await?;
        Records::new(&self.env)?.delete(id).await?;
        Dispatch::new(&self.env)?.forget(id).await?;
        Ok(self.storage.clear().await?)
    }

    /// Loads, changes, persists, tells who waits. Nothing else runs in the object in between, because
    /// only storage is awaited.
    async fn change<T>(&self, change: impl FnOnce(&mut Task) -> T) -> Result<Option<(Task, T)>, TaskError> {
        let Some(mut task) = self.load().await? else { return Ok(None) };
        let (status, stage) = (task.record.status, task.record.stage.clone());
        let result = change(&mut task);
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
        Ok(Some((task, result)))
    }

    async fn load(&self) -> Result<Option<Task>, TaskError> {
        let text = self.storage.get(TASK_KEY).await?;
        Ok(text.map(|text| Task::load(&text)).transpose()?)
    }

    async fn persist(&self, task: &Task) -> Result<(), TaskError> {
        let alarm = task.alarm().map(|at| at.max(clock::now()));
        Ok(self.storage.put(TASK_KEY, &serde_json::to_string(task)?, alarm).await?)
    }
}

/// A video that was deleted or is being removed is none any more.
fn is_shown(task: &Task) -> bool {
    task.wish != Wish::Delete && !matches!(task.phase, Phase::Removing { .. })
}

fn shown(task: Option<Task>) -> Reply {
    task.filter(is_shown).map_or(Reply::Nothing, |task| Reply::Video(task.record))
}

/// What went well; what did not is for the log, and is tried again.
fn told<T, E: ToString>(result: Result<T, E>, problem: &str, id: &VideoId) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
            log::write(Level::Warn, problem, fields);
            None
        }
    }
}
