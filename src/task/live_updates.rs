//! Live updates while a client subscribes to a running job: Wiro's socket and the rising percentage.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{join, select};

use super::effects::log_error;
use super::socket;
use super::store::{TaskError, VideoTaskStore};
use crate::runtime::clock;
use crate::runtime::executor::spawn;
use crate::runtime::promise::Sleep;
use crate::video::id::VideoId;
use crate::video::lifecycle::event::Event;
use crate::video::task::{Phase, Task};

/// How often a rising percentage is published.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

impl VideoTaskStore {
    /// Starts or stops the live updates: they run exactly while Wiro has the job and a client subscribes.
    pub fn update_listening(self: &Rc<Self>, task: &Task) {
        let job = match &task.phase {
            Phase::Running { job, .. } if self.subscribers.any() => job.clone(),
            _ => return drop(self.listening.take()),
        };
        if self.listening.borrow().is_none() {
            let (stop, stopped) = oneshot::channel();
            self.listening.replace(Some(stop));
            let (store, id) = (Rc::clone(self), task.record.id.clone());
            spawn(async move {
                let updates = join(socket::listen(&store, &id, &job), store.publish_progress_forever(&id));
                select(pin!(updates), stopped).await;
            });
        }
    }

    async fn publish_progress_forever(self: &Rc<Self>, id: &VideoId) {
        loop {
            Sleep::new(PROGRESS_INTERVAL).await;
            log_error(self.publish_progress().await, "publishing progress failed", id);
        }
    }

    /// Stores and publishes the current percentage if it has risen. Returns the task with it.
    pub async fn publish_progress(self: &Rc<Self>) -> Result<Option<Rc<Task>>, TaskError> {
        match self.load()? {
            Some(task) if task.record_at(clock::now()) != task.record => {
                self.react(Event::ProgressTick).await
            }
            task => Ok(task),
        }
    }

    pub fn on_unsubscribe(&self) {
        if !self.subscribers.any() {
            self.listening.take();
        }
    }
}
