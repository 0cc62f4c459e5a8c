//! The callers' side of [`VideoTask`](super::task_object::VideoTask).

use worker::Env;
use worker::web_sys::Response;

use super::object_call::{CallError, Objects, read};
use super::task_object::{BINDING, Message, Reply};
use super::watchers::Manner;
use crate::video::id::VideoId;

pub struct Tasks {
    objects: Objects,
}

impl Tasks {
    /// # Errors
    /// When the binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { objects: Objects::bound(env, BINDING)? })
    }

    /// Sends a message to a video's object.
    ///
    /// # Errors
    /// [`CallError`]. The message may have been carried out all the same.
    pub async fn send(&self, id: &VideoId, message: &Message) -> Result<Reply, CallError> {
        self.objects.call(id.as_str(), message).await
    }

    /// How a video stands: its record's JSON, as it would be stored; `None` when there is no such video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn record(&self, id: &VideoId, question: &Message) -> Result<Option<String>, CallError> {
        let answer = self.objects.call_for_text(id.as_str(), question).await?;
        match answer.strip_prefix(r#"{"Ok":{"video":"#).and_then(|rest| rest.strip_suffix("}}")) {
            Some(record) => Ok(Some(record.to_owned())),
            None => read::<Reply>(&answer).map(|_| None),
        }
    }

    /// Lets somebody watch a video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch(&self, id: &VideoId, manner: &Manner) -> Result<Response, CallError> {
        self.objects.watch(id.as_str(), manner).await
    }
}
