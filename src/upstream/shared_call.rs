//! A call to the upstream whose answer is good for all: of several who want it at the same time one makes it.

use std::cell::RefCell;

use futures_channel::oneshot;
use worker::Result;

use super::client::WiroClient;
use crate::config::Config;
use crate::wiro::answer::HttpAnswer;
use crate::wiro::files::Refusal;

/// What the call was made for, as text.
pub type Got = std::result::Result<String, Refusal>;

/// Who waits for the answer.
#[derive(Default)]
pub struct SharedCall {
    waiting: RefCell<Option<Vec<oneshot::Sender<Got>>>>,
}

impl SharedCall {
    /// Makes the call and keeps what it got, or waits for whoever does. After a failure the next one tries again.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn get(
        &self,
        config: &Config,
        (path, body): (&str, &str),
        read: &dyn Fn(&HttpAnswer) -> Got,
        keep: &dyn Fn(&Got) -> Result<()>,
    ) -> Result<Got> {
        let (sender, got) = oneshot::channel();
        if self.wait(sender) {
            let got = match WiroClient::of(config).call(path, body).await {
                Ok(answer) => read(&answer),
                Err(error) => Err(Refusal::Unreachable(error.to_string())),
            };
            let kept = keep(&got);
            for sender in self.waiting.take().into_iter().flatten() {
                // Whoever waited may be gone.
                let _ = sender.send(got.clone());
            }
            kept?;
        }
        got.await.map_err(|_| "nobody makes the call any more".into())
    }

    /// Whether nobody waited before.
    fn wait(&self, sender: oneshot::Sender<Got>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.is_none();
        waiting.get_or_insert_default().push(sender);
        is_first
    }
}
