//! What several ask for at the same time and one gets for all.

use std::cell::RefCell;

use futures_channel::oneshot;
use worker::Result;

/// Who waits for what somebody is getting.
pub struct Once<T> {
    waiting: RefCell<Option<Vec<oneshot::Sender<T>>>>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { waiting: RefCell::default() }
    }
}

impl<T: Clone> Once<T> {
    /// Gets it, or waits for whoever is getting it already.
    ///
    /// # Errors
    /// When whoever was getting it is gone.
    pub async fn get(&self, get: impl AsyncFnOnce() -> T) -> Result<T> {
        let (sender, got) = oneshot::channel();
        if self.wait(sender) {
            let value = get().await;
            for sender in self.waiting.take().into_iter().flatten() {
                // Whoever waited may be gone.
                let _ = sender.send(value.clone());
            }
        }
        got.await.map_err(|_| "nobody gets it any more".into())
    }

    /// Whether nobody waited before.
    fn wait(&self, sender: oneshot::Sender<T>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.is_none();
        waiting.get_or_insert_default().push(sender);
        is_first
    }
}
