//! The callers' side of [`VideoTask`](super::task_object::VideoTask).

use thiserror::Error;
use worker::{Env, ObjectNamespace};

use super::network::request;
use super::task_object::{BINDING, Message, Reply};
use crate::video::id::VideoId;

pub struct Tasks {
    namespace: ObjectNamespace,
}

#[derive(Debug, Error)]
pub enum TasksError {
    #[error("the task object: {0}")]
    Runtime(#[from] worker::Error),
    #[error("the task object's messages: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the task object answered {0}")]
    Failed(String),
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
    /// [`TasksError`]. The message may have been carried out all the same.
    pub async fn send(&self, id: &VideoId, message: &Message) -> Result<Reply, TasksError> {
        let body = serde_json::to_string(message)?.into();
        let request = request("POST", "https://video-task/", &[], Some(&body))?;
        let mut answer = self.namespace.get_by_name(id.as_str())?.fetch_with_request(request).await?;
        let text = answer.text().await?;
        if answer.status_code() != 200 {
            return Err(TasksError::Failed(text));
        }
        Ok(serde_json::from_str(&text)?)
    }
}
