//! What a `VideoTask` object works on: its stored [`Task`], or the [`Tombstone`] of one, and whoever waits for it to
//! change.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, join, select};
use serde_json::json;
use thiserror::Error;
use worker::Env;
use worker::worker_sys::DurableObjectState;

use super::socket;
use super::subscribers::Watchers;
use crate::calls::objects::CallError;
use crate::config::{Config, ConfigError};
use crate::runtime::clock;
use crate::runtime::executor::spawn;
use crate::runtime::log::{self, Level};
use crate::runtime::promise::Sleep;
use crate::storage::object_storage::ObjectStorage;
use crate::video::feed::Sight;
use crate::video::lifecycle::event::Event;
use crate::video::task::tombstone::{Admission, Known, Tombstone};
use crate::video::task::{LoadError, Phase, Task};

const TASK_KEY: &str = "task";

const TOMBSTONE_KEY: &str = "tombstone";

/// Between looks whether the percentage has risen.
const RISE_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub enum TaskError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the dispatcher: {0}")]
    Dispatcher(#[from] CallError),
    #[error("the task cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// What is stored of the video, once that is known.
#[derive(Default)]
enum Stored {
    #[default]
    Unknown,
    Nothing,
    Task(Rc<Task>),
    Tombstone(Tombstone),
}

pub struct TaskState {
    pub storage: ObjectStorage,
    pub env: Env,
    pub watchers: Watchers,
    task: RefCell<Stored>,
    /// Ends with the record that is on its way to KV.
    pub publishing: Cell<Option<oneshot::Receiver<()>>>,
    /// Who waits for the next change.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    /// Ends the listening to the upstream's socket, and the show, when it is dropped.
    listening: RefCell<Option<oneshot::Sender<()>>>,
}

impl TaskState {
    pub fn new(state: DurableObjectState, env: Env) -> Rc<Self> {
        Rc::new(Self {
            storage: ObjectStorage::of(&state),
            env,
            watchers: Watchers::new(state),
            task: RefCell::default(),
            publishing: Cell::default(),
            waiting: RefCell::default(),
            listening: RefCell::default(),
        })
    }

    pub async fn react(self: &Rc<Self>, event: Event) -> Result<Option<Rc<Task>>, TaskError> {
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
    ) -> Result<Option<Rc<Task>>, TaskError> {
        let mut patience = pin!(Sleep::new(patience));
        loop {
            let task = self.load()?;
            if task.as_deref().is_none_or(&is_so) {
                return Ok(task);
            }
            let (sender, changed) = oneshot::channel();
            self.waiting.borrow_mut().push(sender);
            if let Either::Right(_) = select(changed, patience.as_mut()).await {
                return self.load();
            }
        }
    }

    /// Listens to the upstream's socket, and lets the percentage rise, exactly while somebody watches a job that it
    /// has.
    pub fn mind_show(self: &Rc<Self>, task: &Task) {
        let job = match &task.phase {
            Phase::Running { job, .. } if self.watchers.are_there() => job.clone(),
            _ => return drop(self.listening.take()),
        };
        if self.listening.borrow().is_none() {
            let (stop, stopped) = oneshot::channel();
            self.listening.replace(Some(stop));
            let state = Rc::clone(self);
            spawn(async move {
                let show = join(socket::listen(&state, &job), state.show_rising());
                select(pin!(show), stopped).await;
            });
        }
    }

    /// Shows the percentage whenever it has risen, without end.
    async fn show_rising(self: &Rc<Self>) {
        loop {
            Sleep::new(RISE_INTERVAL).await;
            if let Err(error) = self.show_risen().await {
                log::write(Level::Warn, "the progress is not shown", [("error", error.to_string().into())]);
            }
        }
    }

    /// The task, its record with the percentage of this moment.
    pub async fn show_risen(self: &Rc<Self>) -> Result<Option<Rc<Task>>, TaskError> {
        match self.load()? {
            Some(task) if task.record_at(clock::now()) != task.record => self.react(Event::Seen).await,
            task => Ok(task),
        }
    }

    /// A watcher is gone.
    pub fn on_leave(&self) {
        if !self.watchers.are_there() {
            self.listening.take();
        }
    }

    /// Loads, changes, persists, tells who waits. Nothing else runs in the object in between, because
    /// only storage is awaited.
    pub async fn change<T>(
        self: &Rc<Self>,
        change: impl FnOnce(&mut Task) -> T,
    ) -> Result<Option<(Rc<Task>, T)>, TaskError> {
        let Some(known) = self.load()? else { return Ok(None) };
        let mut task = (*known).clone();
        let result = change(&mut task);
        let task = self.persist(task).await?;
        if Rc::ptr_eq(&known, &task) {
            return Ok(Some((task, result)));
        }
        let (before, record) = (&known.record, &task.record);
        if before.status != record.status || before.stage != record.stage {
            let fields = [
                ("video.id", json!(record.id)),
                ("status", json!(record.status)),
                ("stage", json!(record.stage)),
            ];
            log::write(Level::Info, "a video moved", fields);
        }
        if !task.is_shown() {
            self.watchers.let_go();
        } else if before != record {
            let sight = Sight::Video(Box::new(record.clone()));
            self.watchers.show(&sight, self.grant(&task).as_deref(), record.status.is_final());
        }
        self.waiting.borrow_mut().clear();
        self.mind_show(&task);
        Ok(Some((task, result)))
    }

    /// What lets whoever sees the Video play it.
    pub fn grant(&self, task: &Task) -> Option<String> {
        let keys = &Config::of(&self.env).ok()?.signing_keys;
        keys.grant(&task.owner, &task.record.id, clock::now())
    }

    /// Read once: nobody else writes it.
    pub fn load(&self) -> Result<Option<Rc<Task>>, TaskError> {
        self.read_stored()?;
        Ok(match &*self.task.borrow() {
            Stored::Task(task) => Some(Rc::clone(task)),
            Stored::Unknown | Stored::Nothing | Stored::Tombstone(_) => None,
        })
    }

    fn read_stored(&self) -> Result<(), TaskError> {
        if !matches!(*self.task.borrow(), Stored::Unknown) {
            return Ok(());
        }
        self.task.replace(match (self.storage.get(TASK_KEY)?, self.storage.get(TOMBSTONE_KEY)?) {
            (Some(text), _) => Stored::Task(Rc::new(Task::load(&text)?)),
            (None, Some(text)) => Stored::Tombstone(serde_json::from_str(&text).map_err(LoadError::from)?),
            (None, None) => Stored::Nothing,
        });
        Ok(())
    }

    /// What a submit meets here that asks for this.
    pub fn admit(&self, fingerprint: &str) -> Result<Admission, TaskError> {
        self.read_stored()?;
        let stored = self.task.borrow();
        let known = match &*stored {
            Stored::Task(task) => Known::Task(task),
            Stored::Tombstone(tombstone) => Known::Tombstone(*tombstone),
            Stored::Unknown | Stored::Nothing => Known::Nothing,
        };
        Ok(known.admit(fingerprint, clock::now()))
    }

    /// There is no task any more; a tombstone takes its place in one write, if it leaves one.
    pub async fn bury(&self, task: &Task) -> Result<(), TaskError> {
        let Some(tombstone) = Tombstone::of(task, clock::now()) else {
            self.storage.clear().await?;
            self.task.replace(Stored::Nothing);
            self.waiting.borrow_mut().clear();
            return Ok(());
        };
        self.storage.put(TOMBSTONE_KEY, &serde_json::to_string(&tombstone)?)?;
        self.storage.delete(TASK_KEY)?;
        self.task.replace(Stored::Tombstone(tombstone));
        self.waiting.borrow_mut().clear();
        Ok(self.storage.set_alarm(Some(tombstone.ends_at())).await?)
    }

    /// Removes a tombstone whose time is over; an alarm that comes too early is set again.
    pub async fn clear_tombstone(&self) -> Result<(), TaskError> {
        self.read_stored()?;
        let Stored::Tombstone(tombstone) = *self.task.borrow() else { return Ok(()) };
        if clock::now() < tombstone.ends_at() {
            return Ok(self.storage.set_alarm(Some(tombstone.ends_at())).await?);
        }
        self.storage.clear().await?;
        self.task.replace(Stored::Nothing);
        Ok(())
    }

    /// Task and alarm are written as one. What has not changed is not written, and stays the same in memory.
    pub async fn persist(&self, task: Task) -> Result<Rc<Task>, TaskError> {
        let known = match &*self.task.borrow() {
            Stored::Task(known) if **known == task => Some(Rc::clone(known)),
            _ => None,
        };
        let task = known.map_or_else(|| self.store(task), Ok)?;
        self.storage.set_alarm(task.alarm()).await?;
        Ok(task)
    }

    fn store(&self, task: Task) -> Result<Rc<Task>, TaskError> {
        self.storage.put(TASK_KEY, &serde_json::to_string(&task)?)?;
        let task = Rc::new(task);
        self.task.replace(Stored::Task(Rc::clone(&task)));
        Ok(task)
    }
}
