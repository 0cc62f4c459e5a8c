//! The callers' side of [`VideoTask`](super::task_object::VideoTask).

use worker::Env;
use worker::web_sys::Response;

use super::object_call::{CallError, Objects};
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

    /// Lets somebody watch a video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch(&self, id: &VideoId, manner: &Manner) -> Result<Response, CallError> {
        self.objects.watch(id.as_str(), manner).await
    }
}
