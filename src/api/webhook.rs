//! `POST /hooks/wiro/{id}/{proof}`: Wiro's callback. The URL carries the proof; the body decides
//! nothing, so it is not even read.

use worker::{Request, Response};

use super::{Call, NO_SUCH_VIDEO, respond};
use crate::error::ApiError;
use crate::platform::task_object::Message;

pub async fn wiro_callback(
    call: &Call<'_>,
    request: Request,
    id: &str,
    proof: &str,
) -> Result<Response, ApiError> {
    let id = call.video_id(id)?;
    if !call.config.signing_keys.verify_callback_proof(&id, proof) {
        return Err(NO_SUCH_VIDEO);
    }
    if let Some(body) = request.inner().body() {
        // Whoever still sends is told that nobody listens; the answer below is what counts.
        let _ = body.cancel();
    }
    call.ask(&id, &Message::Nudge).await?;
    respond::json(200, &[], &serde_json::json!({ "received": true }))
}
