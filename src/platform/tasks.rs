//! The callers' side of [`VideoTask`](super::task_object::VideoTask).

use worker::{Env, ObjectNamespace, Response};

use super::object_call::{CallError, call, watch};
use super::task_object::{BINDING, Message, Reply};
use super::watchers::Manner;
use crate::video::id::VideoId;

pub struct Tasks {
    namespace: ObjectNamespace,
}

impl Tasks {
    /// # Errors
    /// When the binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { namespace: env.durable_object(BINDING)? })
    }

    /// Sends a message to a video's object.
    ///
    /// # Errors
    /// [`CallError`]. The message may have been carried out all the same.
    pub async fn send(&self, id: &VideoId, message: &Message) -> Result<Reply, CallError> {
        call(&self.namespace, id.as_str(), message).await
    }

    /// Lets somebody watch a video.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch(&self, id: &VideoId, manner: &Manner) -> Result<Response, CallError> {
        watch(&self.namespace, id.as_str(), manner).await
    }
}
