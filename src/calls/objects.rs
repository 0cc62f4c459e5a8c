//! Messages to our Durable Objects: each is a POST of JSON, answered with JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys;

use crate::runtime::binding::bound;
use crate::runtime::fetch::request;
use crate::runtime::promise::settled;
use crate::video::access::grants::Grants;

/// The Worker's public origin, sent with subscriptions.
const ORIGIN: &str = "x-public-origin";
const CONTENT_GRANT: &str = "x-content-grant";
const EVENTS_GRANT: &str = "x-events-grant";
const LAST_EVENT_ID: &str = "last-event-id";

#[wasm_bindgen(module = "/src/calls/objects.js")]
extern "C" {
    /// A promise of the answer's text.
    #[wasm_bindgen(js_name = sendMessage)]
    fn send_message(namespace: &Namespace, name: &str, message: &str) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    type Namespace;
    type Stub;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &Namespace, name: &str) -> Result<Stub, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, request: &web_sys::Request) -> Result<Promise, JsValue>;
}

#[derive(Debug, Error)]
pub enum CallError {
    #[error("the object: {0}")]
    Runtime(#[from] worker::Error),
    #[error("the message cannot be written: {0}")]
    Write(#[from] serde_json::Error),
    #[error("the message or answer of an object cannot be read at column {}", .0.column())]
    Read(serde_json::Error),
    #[error("the object answered: {0}")]
    Failed(String),
}

impl From<JsValue> for CallError {
    fn from(error: JsValue) -> Self {
        Self::Runtime(error.into())
    }
}

/// How a client subscribes.
pub struct SubscribeOptions {
    /// The Worker's public origin, for links in the Video.
    pub origin: String,
    /// Those in the Videos of a client that came by a grant: they end with it.
    pub grants: Option<Grants>,
    pub last_event_id: Option<u64>,
    pub is_socket: bool,
}

/// The objects of one class.
pub struct Objects(Namespace);

impl Objects {
    /// # Errors
    /// If the binding is missing.
    pub fn bound(env: &Env, name: &str) -> worker::Result<Self> {
        Ok(Self(bound(env, name)?))
    }

    /// Sends a message to the object with this name.
    ///
    /// # Errors
    /// [`CallError`]. The object may have handled the message all the same.
    pub async fn call<M: Serialize, R: DeserializeOwned>(
        &self,
        name: &str,
        message: &M,
    ) -> Result<R, CallError> {
        read(&self.call_for_text(name, message).await?)
    }

    /// Like [`call`](Self::call), but returns the answer as text for [`read`].
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_for_text<M: Serialize>(&self, name: &str, message: &M) -> Result<String, CallError> {
        let message = serde_json::to_string(message)?;
        let answer = settled(&send_message(&self.0, name, &message)).await?;
        Ok(answer.as_string().unwrap_or_default())
    }

    /// Subscribes to the object with this name and returns its streaming response.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch(
        &self,
        name: &str,
        options: &SubscribeOptions,
    ) -> Result<web_sys::Response, CallError> {
        let last_event_id = options.last_event_id.map(|id| id.to_string());
        let mut headers = vec![(ORIGIN, options.origin.as_str())];
        headers.extend(last_event_id.iter().map(|id| (LAST_EVENT_ID, id.as_str())));
        if let Some(Grants { content, events }) = &options.grants {
            headers.extend([(CONTENT_GRANT, content.as_str()), (EVENTS_GRANT, events.as_str())]);
        }
        if options.is_socket {
            headers.push(("upgrade", "websocket"));
        }
        let request = request("GET", "https://object/", &headers, None)?;
        let answer = self.0.get_by_name(name)?.fetch(&request)?;
        Ok(settled(&answer).await?.unchecked_into())
    }
}

/// Parses an object's answer.
///
/// # Errors
/// [`CallError::Failed`] if the object reported an error.
pub fn read<R: DeserializeOwned>(answer: &str) -> Result<R, CallError> {
    let answer: Result<R, String> = serde_json::from_str(answer).map_err(CallError::Read)?;
    answer.map_err(CallError::Failed)
}

/// Reads the options of a request that [`Objects::watch`] sent.
///
/// # Errors
/// If the headers cannot be read.
pub fn subscribe_options(request: &web_sys::Request) -> Result<SubscribeOptions, JsValue> {
    let headers = request.headers();
    Ok(SubscribeOptions {
        origin: headers.get(ORIGIN)?.unwrap_or_default(),
        grants: headers
            .get(CONTENT_GRANT)?
            .zip(headers.get(EVENTS_GRANT)?)
            .map(|(content, events)| Grants { content, events }),
        last_event_id: headers.get(LAST_EVENT_ID)?.and_then(|id| id.parse().ok()),
        is_socket: headers.get("upgrade")?.is_some(),
    })
}

/// Whether the request carries a message. Otherwise [`Objects::watch`] sent it.
#[must_use]
pub fn has_message(request: &web_sys::Request) -> bool {
    request.method() == "POST"
}

/// Reads a message that [`Objects::call`] sent.
///
/// # Errors
/// If it is malformed.
pub async fn message<M: DeserializeOwned>(request: &web_sys::Request) -> Result<M, JsValue> {
    let text = settled(&request.text()?).await?.as_string().unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| JsValue::from_str(&CallError::Read(error).to_string()))
}

/// Writes the response that [`Objects::call`] reads.
///
/// # Errors
/// If it cannot be written.
pub fn answer<R: Serialize, E: ToString>(result: Result<R, E>) -> Result<JsValue, JsValue> {
    let answer = result.map_err(|error| error.to_string());
    let text = serde_json::to_string(&answer).map_err(|error| JsValue::from_str(&error.to_string()))?;
    web_sys::Response::new_with_opt_str(Some(&text)).map(JsValue::from)
}
