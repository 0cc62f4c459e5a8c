//! What a `VideoTask` object works on: its stored [`Task`], and whoever waits for it to change.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use serde_json::json;
use thiserror::Error;
use worker::{Delay, Env, State};

use super::clock;
use super::config::{Config, ConfigError};
use super::log::{self, Level};
use super::object_storage::ObjectStorage;
use crate::video::event::Event;
use crate::video::task::{LoadError, Task};

const TASK_KEY: &str = "task";

#[derive(Debug, Error)]
pub enum TaskError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the task cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

pub struct TaskState {
    pub storage: ObjectStorage,
    pub env: Env,
    /// Who waits for the next change.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl TaskState {
    pub fn new(state: State, env: Env) -> Self {
        Self { storage: ObjectStorage::of(state), env, waiting: RefCell::new(Vec::new()) }
    }

    pub async fn react(&self, event: Event) -> Result<Option<Task>, TaskError> {
        let config = Config::of(&self.env)?;
        self.change(|task| task.apply(event, &config.policy, clock::moment()))
            .await
            .map(|changed| changed.map(|(task, ())| task))
    }

    /// The task once `is_so`, or as it is when patience ends.
    pub async fn wait_until(
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

    /// Loads, changes, persists, tells who waits. Nothing else runs in the object in between, because
    /// only storage is awaited.
    pub async fn change<T>(
        &self,
        change: impl FnOnce(&mut Task) -> T,
    ) -> Result<Option<(Task, T)>, TaskError> {
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

    pub async fn load(&self) -> Result<Option<Task>, TaskError> {
        let text = self.storage.get(TASK_KEY).await?;
        Ok(text.map(|text| Task::load(&text)).transpose()?)
    }

    /// Task and alarm are written as one.
    pub async fn persist(&self, task: &Task) -> Result<(), TaskError> {
        let alarm = task.alarm().map(|at| at.max(clock::now()));
        Ok(self.storage.put(TASK_KEY, &serde_json::to_string(task)?, alarm).await?)
    }
}
