//! A call to Wiro that concurrent callers share: one makes it, all get the result.

use std::cell::RefCell;

use futures_channel::oneshot;
use worker::Result;

use super::client::WiroClient;
use crate::config::Config;
use crate::wiro::files::Refusal;
use crate::wiro::http_response::HttpResponse;

/// The result of the call, as text.
pub type SharedResult = std::result::Result<String, Refusal>;

/// The callers that wait for the result.
#[derive(Default)]
pub struct SharedCall {
    waiting: RefCell<Option<Vec<oneshot::Sender<SharedResult>>>>,
}

impl SharedCall {
    /// Makes the call and stores its result, or waits for the caller that does. After a failure the next caller tries
    /// again.
    ///
    /// # Errors
    /// If storing fails.
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
                // A caller that waited may be gone.
                let _ = sender.send(result.clone());
            }
            stored?;
        }
        result.await.map_err(|_| "the shared call was cancelled".into())
    }

    /// Adds a caller. Returns whether it is the first one, which makes the call.
    fn join(&self, sender: oneshot::Sender<SharedResult>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.is_none();
        waiting.get_or_insert_default().push(sender);
        is_first
    }
}
