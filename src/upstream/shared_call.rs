//! A call to the upstream whose answer is good for all: of several who want it at the same time one makes it.

use std::cell::RefCell;

use futures_channel::oneshot;
use worker::Result;

use super::client::WiroClient;
use crate::config::Config;
use crate::wiro::files::Refusal;
use crate::wiro::http_response::HttpResponse;

/// What the call was made for, as text.
pub type SharedResult = std::result::Result<String, Refusal>;

/// Who waits for the answer.
#[derive(Default)]
pub struct SharedCall {
    waiting: RefCell<Option<Vec<oneshot::Sender<SharedResult>>>>,
}

impl SharedCall {
    /// Makes the call and keeps what it result, or waits for whoever does. After a failure the next one tries again.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn get(
        &self,
        config: &Config,
        (path, body): (&str, &str),
        read: &dyn Fn(&HttpResponse) -> SharedResult,
        store: &dyn Fn(&SharedResult) -> Result<()>,
    ) -> Result<SharedResult> {
        let (sender, result) = oneshot::channel();
        if self.join(sender) {
            let result = match WiroClient::of(config).call(path, body).await {
                Ok(answer) => read(&answer),
                Err(error) => Err(Refusal::Unreachable(error.to_string())),
            };
            let stored = store(&result);
            for sender in self.waiting.take().into_iter().flatten() {
                // Whoever waited may be gone.
                let _ = sender.send(result.clone());
            }
            stored?;
        }
        result.await.map_err(|_| "the shared call was cancelled".into())
    }

    /// Whether nobody waited before.
    fn join(&self, sender: oneshot::Sender<SharedResult>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.is_none();
        waiting.get_or_insert_default().push(sender);
        is_first
    }
}
