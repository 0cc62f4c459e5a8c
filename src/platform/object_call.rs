//! Messages to our Durable Objects: a JSON value there, a JSON value back.

use serde::Serialize;
use thiserror::Error;
use worker::{ObjectNamespace, Request, Response};

use super::network::request;
use super::watchers::Manner;
use crate::json::{self, FromJson, Unreadable};

/// Where the public reaches this Worker; on requests to watch only.
const ORIGIN: &str = "x-public-origin";
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Debug, Error)]
pub enum CallError {
    #[error("the object: {0}")]
    Runtime(#[from] worker::Error),
    #[error("the message cannot be written: {0}")]
    Write(#[from] serde_json::Error),
    #[error("the answer cannot be read: {0}")]
    Read(#[from] Unreadable),
    #[error("the object answered: {0}")]
    Failed(String),
}

/// Sends a message to the object of that name.
///
/// # Errors
/// [`CallError`]. The message may have been carried out all the same.
pub async fn call<M: Serialize, R: FromJson>(
    namespace: &ObjectNamespace,
    name: &str,
    message: &M,
) -> Result<R, CallError> {
    let body = serde_json::to_string(message)?.into();
    let request = request("POST", "https://object/", &[], Some(&body))?;
    let mut answer = namespace.get_by_name(name)?.fetch_with_request(request).await?;
    let text = answer.text().await?;
    if answer.status_code() != 200 {
        return Err(CallError::Failed(text));
    }
    Ok(json::read(&text)?)
}

/// Asks the object of that name to let somebody watch; its answer is the watcher's.
///
/// # Errors
/// [`CallError`].
pub async fn watch(namespace: &ObjectNamespace, name: &str, manner: &Manner) -> Result<Response, CallError> {
    let last_event_id = manner.last_event_id.map(|id| id.to_string());
    let mut headers = vec![(ORIGIN, manner.origin.as_str())];
    headers.extend(last_event_id.iter().map(|id| (LAST_EVENT_ID, id.as_str())));
    if manner.is_socket {
        headers.push(("upgrade", "websocket"));
    }
    let request = request("GET", "https://object/", &headers, None)?;
    Ok(namespace.get_by_name(name)?.fetch_with_request(request).await?)
}

/// How a watcher wants to watch, in a request that [`watch`] made.
///
/// # Errors
/// When the headers cannot be read.
pub fn watching(request: &Request) -> worker::Result<Option<Manner>> {
    let headers = request.headers();
    let Some(origin) = headers.get(ORIGIN)? else { return Ok(None) };
    let last_event_id = headers.get(LAST_EVENT_ID)?.and_then(|id| id.parse().ok());
    Ok(Some(Manner { origin, last_event_id, is_socket: headers.get("upgrade")?.is_some() }))
}

/// The message in a request that [`call`] made.
///
/// # Errors
/// When it is none.
pub async fn message<M: FromJson>(mut request: Request) -> worker::Result<M> {
    json::read(&request.text().await?).map_err(|error| error.to_string().into())
}

/// The answer that [`call`] reads.
///
/// # Errors
/// When the runtime cannot even make a response.
pub fn answer<R: Serialize, E: ToString>(result: Result<R, E>) -> worker::Result<Response> {
    match result {
        Ok(reply) => Response::ok(serde_json::to_string(&reply)?),
        Err(error) => Response::error(error.to_string(), 500),
    }
}
