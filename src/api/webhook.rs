//! `POST /hooks/wiro/{id}/{proof}`: Wiro's callback. The proof in the URL authenticates it. The body decides nothing; it
//! only helps to find a job whose response to Run was lost.

use std::time::Duration;

use super::error::ApiError;
use super::{NO_SUCH_VIDEO, RequestContext, respond};
use crate::calls::task::Message;
use crate::runtime::http::{Request, Response};
use crate::video::task::Job;
use crate::wiro::callback::{MAX_CALLBACK_BYTES, hint};

const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

pub async fn wiro_callback(
    context: &RequestContext<'_>,
    request: &Request,
    id: &str,
    proof: &str,
) -> Result<Response, ApiError> {
    let id = context.config.signing_keys.verify_callback(id, proof).ok_or(NO_SUCH_VIDEO)?;
    let hint = named_job(request).await;
    context.ask(&id, &Message::CallbackReceived(hint)).await?;
    respond::json(200, &serde_json::json!({ "received": true }))
}

/// The job that the body names; `None` for a body that cannot be read, which is not an error.
async fn named_job(request: &Request) -> Option<Job> {
    let bytes = request.read_body(MAX_CALLBACK_BYTES, IDLE_TIMEOUT).await.ok()?;
    hint(&bytes).map(|name| Job { task_id: name.task_id, token: name.token })
}
