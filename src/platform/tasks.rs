//! The callers' side of [`VideoTask`](super::task_object::VideoTask).

use worker::{Env, ObjectNamespace};

use super::object_call::{CallError, call};
use super::task_object::{BINDING, Message, Reply};
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
}
