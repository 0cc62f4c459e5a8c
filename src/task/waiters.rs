//! Requests that wait until the task changes.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use super::store::{TaskError, VideoTaskStore};
use crate::runtime::promise::Sleep;
use crate::video::task::Task;

/// Everyone who waits for the next change.
#[derive(Default)]
pub struct Waiters(RefCell<Vec<oneshot::Sender<()>>>);

impl Waiters {
    fn next_change(&self) -> oneshot::Receiver<()> {
        let (sender, changed) = oneshot::channel();
        self.0.borrow_mut().push(sender);
        changed
    }

    /// A dropped sender ends its receiver.
    pub fn wake_all(&self) {
        self.0.borrow_mut().clear();
    }
}

impl VideoTaskStore {
    /// Returns the task as soon as `condition` holds, or as it is after `timeout`.
    pub async fn wait_until(
        &self,
        condition: impl Fn(&Task) -> bool,
        timeout: Duration,
    ) -> Result<Option<Rc<Task>>, TaskError> {
        let mut timeout = pin!(Sleep::new(timeout));
        loop {
            let task = self.load()?;
            if task.as_deref().is_none_or(&condition) {
                return Ok(task);
            }
            let changed = self.waiters.next_change();
            if let Either::Right(_) = select(changed, timeout.as_mut()).await {
                return self.load();
            }
        }
    }
}
