//! One message of a client: a JSON-RPC request or notification, checked against its headers. Pure.
//!
//! A request of a stateless version (2026-07-28) names its version in `params._meta`, and its headers repeat version,
//! method and name: all of them must agree. A request of an earlier version has at most the header
//! `MCP-Protocol-Version`; one that names no version at all is read as one of these.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};

use super::reply::{Code, Failure};
use super::version::{VERSIONS, Version};

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";

/// The maximum length of client text in an error message.
const MAX_ECHO_CHARS: usize = 60;

/// The headers that repeat what a message says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `MCP-Protocol-Version`
    pub version: Option<&'a str>,
    /// `Mcp-Method`
    pub method: Option<&'a str>,
    /// `Mcp-Name`
    pub name: Option<&'a str>,
}

#[derive(Debug, PartialEq)]
pub enum Message {
    Request(Request),
    /// It gets no response.
    Notification,
}

#[derive(Debug, PartialEq)]
pub struct Request {
    /// A string or an integer.
    pub id: Value,
    pub version: Version,
    pub method: Method,
    /// A string or an integer. It asks for progress notifications.
    pub progress_token: Option<Value>,
}

#[derive(Debug, PartialEq)]
pub enum Method {
    /// The version of the request is the negotiated one.
    Initialize,
    Discover,
    Ping,
    ListTools,
    CallTool {
        name: String,
        arguments: Map<String, Value>,
    },
    /// A stream of changes to lists, of which there are none.
    Listen,
}

/// Reads a body.
///
/// # Errors
/// The error response, if the body is not a message or disagrees with the headers.
pub fn read(body: &[u8], headers: Headers<'_>) -> Result<Message, Failure> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Failure::new(400, Code::ParseError, format!("The body is not JSON: {error}.")))?;
    let invalid = |message: &str| Failure::new(400, Code::InvalidRequest, message);
    let mut message = match body {
        Value::Object(message) => message,
        Value::Array(_) => {
            return Err(invalid("Batches are not supported: send one message in each request."));
        }
        _ => return Err(invalid("The body is not a JSON-RPC message: it must be an object.")),
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid("The body is not a JSON-RPC message: jsonrpc must be \"2.0\"."));
    }
    let Some(Value::String(method)) = message.remove("method") else {
        return Err(invalid("The body is neither a request nor a notification: method must be a string."));
    };
    let Some(id) = message.remove("id") else {
        return notification(headers);
    };
    if !is_token(&id) {
        return Err(invalid("id must be a string or an integer."));
    }
    let params = match message.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(Failure::new(400, Code::InvalidParams, "params must be an object.").of(&id)),
    };
    request(&id, &method, params, headers).map(Message::Request).map_err(|failure| failure.of(&id))
}

fn notification(headers: Headers<'_>) -> Result<Message, Failure> {
    match headers.version {
        Some(version) if Version::parse(version).is_none() => Err(unsupported(version)),
        _ => Ok(Message::Notification),
    }
}

fn request(
    id: &Value,
    method: &str,
    mut params: Map<String, Value>,
    headers: Headers<'_>,
) -> Result<Request, Failure> {
    let meta = match params.remove("_meta") {
        None => Map::new(),
        Some(Value::Object(meta)) => meta,
        Some(_) => return Err(Failure::new(400, Code::InvalidParams, "params._meta must be an object.")),
    };
    let version = version(method, &params, &meta, headers)?;
    if version.is_stateless() {
        check_headers(method, &params, headers)?;
    }
    let progress_token = meta.get("progressToken").filter(|token| is_token(token)).cloned();
    Ok(Request { id: id.clone(), version, method: read_method(version, method, params)?, progress_token })
}

/// The version that a request is answered in.
fn version(
    method: &str,
    params: &Map<String, Value>,
    meta: &Map<String, Value>,
    headers: Headers<'_>,
) -> Result<Version, Failure> {
    let invalid = |message: String| Failure::new(400, Code::InvalidParams, message);
    let named = match meta.get(PROTOCOL_VERSION) {
        None => None,
        Some(Value::String(version)) => Some(version.as_str()),
        Some(_) => return Err(invalid(format!("_meta.{PROTOCOL_VERSION} must be a string."))),
    };
    if let (Some(named), Some(header)) = (named, headers.version)
        && named != header
    {
        return Err(mismatch("MCP-Protocol-Version", header, named));
    }
    // `initialize` negotiates the version, so an earlier version in its header does not count yet.
    if method == "initialize" && named.is_none() {
        return match headers.version.and_then(Version::parse) {
            Some(version) if version.is_stateless() => {
                let message =
                    format!("Version {version} has no initialize: ask with server/discover, or call a tool.");
                Err(Failure::new(400, Code::HeaderMismatch, message))
            }
            _ => {
                let asked = params.get("protocolVersion").and_then(Value::as_str).and_then(Version::parse);
                Ok(asked.filter(|version| !version.is_stateless()).unwrap_or(Version::NEWEST_WITH_INITIALIZE))
            }
        };
    }
    let Some(text) = named.or(headers.version) else { return Ok(Version::V2025_06_18) };
    let version = Version::parse(text).ok_or_else(|| unsupported(text))?;
    if version.is_stateless() {
        if named.is_none() {
            return Err(invalid(format!("_meta.{PROTOCOL_VERSION} is missing.")));
        }
        if !meta.get(CLIENT_CAPABILITIES).is_some_and(Value::is_object) {
            return Err(invalid(format!("_meta.{CLIENT_CAPABILITIES} must be an object.")));
        }
        let is_text = |info: &Value, member| info.get(member).is_some_and(Value::is_string);
        if meta.get(CLIENT_INFO).is_some_and(|info| !is_text(info, "name") || !is_text(info, "version")) {
            return Err(invalid(format!("_meta.{CLIENT_INFO} must have a name and a version.")));
        }
    }
    Ok(version)
}

/// Rejects headers that disagree with the body: proxies route by the headers, and the Worker acts on the body.
fn check_headers(method: &str, params: &Map<String, Value>, headers: Headers<'_>) -> Result<(), Failure> {
    let missing =
        |header: &str| Failure::new(400, Code::HeaderMismatch, format!("The header {header} is missing."));
    if headers.version.is_none() {
        return Err(missing("MCP-Protocol-Version"));
    }
    let header = headers.method.ok_or_else(|| missing("Mcp-Method"))?;
    if header != method {
        return Err(mismatch("Mcp-Method", header, method));
    }
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    let Some(name) = params.get(member).and_then(Value::as_str) else { return Ok(()) };
    let header = headers.name.ok_or_else(|| missing("Mcp-Name"))?;
    match decoded(header) {
        Some(decoded) if decoded == name => Ok(()),
        _ => Err(mismatch("Mcp-Name", header, name)),
    }
}

/// Decodes a header value, which is in Base64 if it is not ASCII. `None` if the Base64 is invalid.
fn decoded(header: &str) -> Option<String> {
    match header.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        None => Some(header.to_owned()),
        Some(encoded) => String::from_utf8(Base64::decode_vec(encoded).ok()?).ok(),
    }
}

fn read_method(version: Version, method: &str, mut params: Map<String, Value>) -> Result<Method, Failure> {
    let invalid = |message: &str| Failure::new(200, Code::InvalidParams, message);
    match (method, version.is_stateless()) {
        ("initialize", false) => Ok(Method::Initialize),
        ("ping", false) => Ok(Method::Ping),
        ("server/discover", true) => Ok(Method::Discover),
        ("subscriptions/listen", true) => Ok(Method::Listen),
        ("tools/list", _) => match params.get("cursor") {
            None => Ok(Method::ListTools),
            Some(_) => Err(invalid("There is no such cursor: the list of tools has one page.")),
        },
        ("tools/call", _) => {
            let Some(Value::String(name)) = params.remove("name") else {
                return Err(invalid("name must be the name of a tool."));
            };
            match params.remove("arguments") {
                None | Some(Value::Null) => Ok(Method::CallTool { name, arguments: Map::new() }),
                Some(Value::Object(arguments)) => Ok(Method::CallTool { name, arguments }),
                Some(_) => Err(invalid("arguments must be an object.")),
            }
        }
        _ => {
            // Clients of earlier versions read a JSON-RPC error only from a response with status 200.
            let status = if version.is_stateless() { 404 } else { 200 };
            let message = format!("There is no method {} in version {version}.", echo(method));
            Err(Failure::new(status, Code::MethodNotFound, message))
        }
    }
}

fn unsupported(requested: &str) -> Failure {
    let data = json!({ "supported": VERSIONS, "requested": echo(requested) });
    Failure::new(400, Code::UnsupportedProtocolVersion, "Unsupported protocol version").with(data)
}

fn mismatch(header: &str, value: &str, body: &str) -> Failure {
    let message = format!("The header {header} says {:?}, the body {:?}.", echo(value), echo(body));
    Failure::new(400, Code::HeaderMismatch, message)
}

pub fn echo(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_ECHO_CHARS).collect()
}

/// Whether a value can be an id or a progress token.
fn is_token(value: &Value) -> bool {
    value.is_string() || value.is_i64() || value.is_u64()
}

#[cfg(test)]
mod tests;
