//! The storage of a `VideoTask` object: its [`Task`], or the [`Tombstone`] of a removed one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use serde_json::Value;
use thiserror::Error;
use worker::Env;
use worker::worker_sys::DurableObjectState;

use super::log_lines::{log_change, log_removal};
use super::queue_position::QueuePosition;
use super::subscribers::Subscribers;
use super::thumbnail::ThumbnailWork;
use super::waiters::Waiters;
use crate::calls::objects::CallError;
use crate::config::{Config, ConfigError};
use crate::runtime::clock;
use crate::storage::media;
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::grants::Grants;
use crate::video::feed::FeedEvent;
use crate::video::lifecycle::Policy;
use crate::video::lifecycle::event::Event;
use crate::video::task::Task;
use crate::video::task::stored::LoadError;
use crate::video::task::tombstone::{Admission, Known, Tombstone};

const TASK_KEY: &str = "task";

const TOMBSTONE_KEY: &str = "tombstone";

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

/// The result of an effect: an event, and what went wrong.
pub struct Outcome {
    pub event: Event,
    pub error: Option<String>,
}

impl From<Event> for Outcome {
    fn from(event: Event) -> Self {
        Self { event, error: None }
    }
}

impl Outcome {
    pub fn apply(self, task: &mut Task, policy: &Policy) {
        if let Some(error) = self.error {
            task.note_error(&error);
        }
        task.apply(self.event, policy, clock::tick());
    }
}

/// What is stored for the video.
#[derive(Default)]
enum Stored {
    #[default]
    NotReadYet,
    Nothing,
    Task(Rc<Task>),
    Tombstone(Tombstone),
}

pub struct VideoTaskStore {
    pub storage: ObjectStorage,
    pub env: Env,
    pub subscribers: Subscribers,
    stored: RefCell<Stored>,
    pub(super) waiters: Waiters,
    pub(super) position: QueuePosition,
    pub(super) thumbnail: ThumbnailWork,
    /// Completes when the record that is being written to KV has arrived there.
    pub publishing: Cell<Option<oneshot::Receiver<()>>>,
    /// Dropping it stops the live updates.
    pub(super) listening: RefCell<Option<oneshot::Sender<()>>>,
}

impl VideoTaskStore {
    pub fn new(state: DurableObjectState, env: Env) -> Rc<Self> {
        Rc::new(Self {
            storage: ObjectStorage::of(&state),
            subscribers: Subscribers::new(state, media::is_bound(&env)),
            env,
            stored: RefCell::default(),
            waiters: Waiters::default(),
            position: QueuePosition::default(),
            thumbnail: ThumbnailWork::default(),
            publishing: Cell::default(),
            listening: RefCell::default(),
        })
    }

    /// Applies an event. `None` if there is no task.
    pub async fn react(self: &Rc<Self>, event: Event) -> Result<Option<Rc<Task>>, TaskError> {
        self.react_to(vec![event.into()]).await
    }

    /// Applies the results of effects. `None` if there is no task.
    pub async fn react_to(self: &Rc<Self>, outcomes: Vec<Outcome>) -> Result<Option<Rc<Task>>, TaskError> {
        let config = Config::of(&self.env)?;
        self.change(|task| outcomes.into_iter().for_each(|outcome| outcome.apply(task, &config.policy)))
            .await
            .map(|changed| changed.map(|(task, ())| task))
    }

    /// Loads, changes and stores the task, then informs everyone who waits for it. Only storage is awaited, so nothing
    /// else runs in the object meanwhile.
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
        log_change(&self.env, &known, &task);
        let (before, record) = (&known.record, &task.record);
        if !task.is_visible() {
            self.subscribers.close_all();
        } else if before != record {
            let event = FeedEvent::Video(Box::new(record.clone()));
            self.subscribers.publish(&event, self.grants(&task).as_ref(), record.status.is_final());
        }
        self.waiters.wake_all();
        self.update_listening(&task);
        Ok(Some((task, result)))
    }

    /// The grants in the URLs of content and events.
    pub fn grants(&self, task: &Task) -> Option<Grants> {
        let keys = &Config::of(&self.env).ok()?.signing_keys;
        keys.grants(&task.owner, &task.record.id, task.record.created_at, clock::now())
    }

    /// Reads storage only once: no other object writes it.
    pub fn load(&self) -> Result<Option<Rc<Task>>, TaskError> {
        self.read_stored()?;
        Ok(match &*self.stored.borrow() {
            Stored::Task(task) => Some(Rc::clone(task)),
            Stored::NotReadYet | Stored::Nothing | Stored::Tombstone(_) => None,
        })
    }

    fn read_stored(&self) -> Result<(), TaskError> {
        if !matches!(*self.stored.borrow(), Stored::NotReadYet) {
            return Ok(());
        }
        let stored = if let Some(text) = self.storage.get(TASK_KEY)? {
            Stored::Task(Rc::new(Task::load(&text)?))
        } else if let Some(text) = self.storage.get(TOMBSTONE_KEY)? {
            Stored::Tombstone(serde_json::from_str(&text).map_err(LoadError::from)?)
        } else {
            Stored::Nothing
        };
        self.stored.replace(stored);
        Ok(())
    }

    /// Decides what a submit with this fingerprint gets.
    pub fn admit(&self, fingerprint: &str) -> Result<Admission, TaskError> {
        self.read_stored()?;
        let stored = self.stored.borrow();
        let known = match &*stored {
            Stored::Task(task) => Known::Task(task),
            Stored::Tombstone(tombstone) => Known::Tombstone(tombstone),
            Stored::NotReadYet | Stored::Nothing => Known::Nothing,
        };
        Ok(known.admit(fingerprint, clock::now()))
    }

    /// Replaces the task by its tombstone, if it leaves one, in one write.
    pub async fn replace_by_tombstone(&self, task: &Task) -> Result<(), TaskError> {
        let Some(tombstone) = Tombstone::of(task, clock::now()) else {
            self.storage.clear().await?;
            self.stored.replace(Stored::Nothing);
            self.waiters.wake_all();
            return Ok(());
        };
        log_removal(&task.record, &tombstone);
        self.storage.put(TOMBSTONE_KEY, &serde_json::to_string(&tombstone)?)?;
        self.storage.delete(TASK_KEY)?;
        let ends_at = tombstone.ends_at();
        self.stored.replace(Stored::Tombstone(tombstone));
        self.waiters.wake_all();
        Ok(self.storage.set_alarm(Some(ends_at)).await?)
    }

    /// What is left of the video, if it was removed or is being removed.
    pub fn tombstone(&self) -> Result<Option<Tombstone>, TaskError> {
        self.read_stored()?;
        Ok(match &*self.stored.borrow() {
            Stored::Task(task) if !task.is_visible() => Tombstone::of(task, clock::now()),
            Stored::Tombstone(tombstone) => Some(tombstone.clone()),
            _ => None,
        })
    }

    /// The id of the stored video, for log lines; also if this version cannot read the task.
    pub fn stored_id(&self) -> Option<String> {
        let task: Value = serde_json::from_str(&self.storage.get(TASK_KEY).ok()??).ok()?;
        task.pointer("/record/id")?.as_str().map(str::to_owned)
    }

    /// Removes an expired tombstone. If the alarm came too early, it is set again.
    pub async fn clear_tombstone(&self) -> Result<(), TaskError> {
        self.read_stored()?;
        let ends_at = match &*self.stored.borrow() {
            Stored::Tombstone(tombstone) => tombstone.ends_at(),
            _ => return Ok(()),
        };
        if clock::now() < ends_at {
            return Ok(self.storage.set_alarm(Some(ends_at)).await?);
        }
        self.storage.clear().await?;
        self.stored.replace(Stored::Nothing);
        Ok(())
    }

    /// Writes task and alarm together. An unchanged task is not written, and the `Rc` in memory stays the same.
    pub async fn persist(&self, task: Task) -> Result<Rc<Task>, TaskError> {
        let known = match &*self.stored.borrow() {
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
        self.stored.replace(Stored::Task(Rc::clone(&task)));
        Ok(task)
    }
}
