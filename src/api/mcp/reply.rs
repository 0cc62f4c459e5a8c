//! JSON-RPC responses, notifications and errors, and their form as server-sent events. Pure.

use serde_json::{Map, Value, json};

use super::message::Request;
use super::version::{VERSIONS, Version};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// How long a client may cache the tools and the discovery, in milliseconds.
const TTL_MS: u32 = 3_600_000;

/// For the model that uses the tools.
const INSTRUCTIONS: &str = "Makes short videos with MiniMax Hailuo from a prompt and optional pictures. Each video costs money \
     and takes minutes. Call create_video once for each video that is wanted; while it is not finished, call \
     wait_for_video with its id. Never call create_video again for a video that is still being made. Pass an \
     idempotency_key to create_video, and the same one again if you repeat a call whose answer was lost.";

/// The error codes of JSON-RPC and of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    ParseError,
    InvalidRequest,
    MethodNotFound,
    InvalidParams,
    HeaderMismatch,
    UnsupportedProtocolVersion,
}

impl Code {
    const fn number(self) -> i32 {
        match self {
            Self::ParseError => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams => -32602,
            Self::HeaderMismatch => -32020,
            Self::UnsupportedProtocolVersion => -32022,
        }
    }
}

/// A JSON-RPC error with its HTTP status.
#[derive(Debug, PartialEq)]
pub struct Failure {
    pub status: u16,
    pub code: Code,
    pub message: String,
    id: Option<Value>,
    data: Option<Value>,
}

impl Failure {
    #[must_use]
    pub fn new(status: u16, code: Code, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), id: None, data: None }
    }

    /// As the answer to the request of that id.
    #[must_use]
    pub fn of(self, id: &Value) -> Self {
        Self { id: Some(id.clone()), ..self }
    }

    #[must_use]
    pub fn with(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    #[must_use]
    pub fn body(&self) -> Value {
        let mut error = json!({ "code": self.code.number(), "message": self.message });
        if let (Some(data), Some(error)) = (&self.data, error.as_object_mut()) {
            error.insert("data".to_owned(), data.clone());
        }
        let mut body = json!({ "jsonrpc": "2.0", "error": error });
        if let (Some(id), Some(body)) = (&self.id, body.as_object_mut()) {
            body.insert("id".to_owned(), id.clone());
        }
        body
    }
}

/// The response to a request. In stateless versions each result has its type and the server's name.
#[must_use]
pub fn response(request: &Request, mut result: Map<String, Value>) -> Value {
    if request.version.is_stateless() {
        result.insert("resultType".to_owned(), json!("complete"));
        result.insert("_meta".to_owned(), json!({ SERVER_INFO: server_info() }));
    }
    json!({ "jsonrpc": "2.0", "id": request.id, "result": result })
}

#[must_use]
pub fn initialized(version: Version) -> Map<String, Value> {
    members(json!({
        "protocolVersion": version.to_string(),
        "capabilities": capabilities(),
        "serverInfo": server_info(),
        "instructions": INSTRUCTIONS,
    }))
}

#[must_use]
pub fn discovered() -> Map<String, Value> {
    cacheable(members(json!({
        "supportedVersions": VERSIONS,
        "capabilities": capabilities(),
        "instructions": INSTRUCTIONS,
    })))
}

#[must_use]
pub fn tool_list(version: Version, tools: Value) -> Map<String, Value> {
    let list = Map::from_iter([("tools".to_owned(), tools)]);
    if version.is_stateless() { cacheable(list) } else { list }
}

/// A subscription to list changes. There are none, so it is acknowledged for nothing and ends.
#[must_use]
pub fn empty_subscription(request: &Request) -> String {
    let meta = json!({ SUBSCRIPTION_ID: request.id });
    let acknowledged = json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": { "_meta": meta, "notifications": {} },
    });
    let ended = json!({
        "jsonrpc": "2.0",
        "id": request.id,
        "result": { "resultType": "complete", "_meta": meta },
    });
    event(&acknowledged) + &event(&ended)
}

#[must_use]
pub fn progress_notification(token: &Value, progress: f64, message: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": { "progressToken": token, "progress": progress, "total": 100, "message": message },
    })
}

/// A message as a server-sent event.
#[must_use]
pub fn event(message: &Value) -> String {
    // Some clients treat these characters as line breaks.
    let data = message.to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("event: message\ndata: {data}\n\n")
}

/// A comment, which keeps an idle stream open.
pub const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// Without `listChanged`: the tools do not change while a Worker runs.
fn capabilities() -> Value {
    json!({ "tools": {} })
}

fn server_info() -> Value {
    json!({ "name": "hailuo-worker", "title": "Hailuo videos", "version": env!("CARGO_PKG_VERSION") })
}

fn cacheable(mut result: Map<String, Value>) -> Map<String, Value> {
    result.insert("ttlMs".to_owned(), json!(TTL_MS));
    result.insert("cacheScope".to_owned(), json!("public"));
    result
}

/// The members of an object.
#[must_use]
pub fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
