//! The tools: what clients are told of them, and what a call with its arguments asks of the API. Pure.

use serde_json::{Map, Value, json};

use crate::video::request::FieldError;

/// The tools as clients see them. An output schema that is a name stands in [`OUTPUTS`].
const TOOLS: &str = include_str!("tools.json");
const OUTPUTS: &str = include_str!("outputs.json");

/// The maximum wait of a call, in seconds. Most clients time out after 60.
pub const MAX_WAIT_SECONDS: u32 = 45;

const MAX_KEY_CHARS: usize = 255;

/// The arguments of `list_videos`: the parameters of the API's list.
const LIST_ARGUMENTS: [&str; 6] = ["limit", "after", "order", "status", "model", "created_after"];

/// What a call asks for.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// The members are the body of a submit.
    Create {
        submit: Map<String, Value>,
        key: Option<String>,
        wait_seconds: u32,
    },
    Wait {
        id: String,
        wait_seconds: u32,
    },
    Get {
        id: String,
    },
    /// With the query of the list.
    List {
        query: String,
    },
    Cancel {
        id: String,
    },
    Models,
    Usage,
}

/// Why a call is invalid.
#[derive(Debug, PartialEq)]
pub enum CallError {
    UnknownTool,
    Arguments(Vec<FieldError>),
}

/// The list of tools; `models` are the names that are offered, the default first.
#[must_use]
pub fn list(models: &[&str]) -> Value {
    let mut tools: Vec<Value> = serde_json::from_str(TOOLS).unwrap_or_default();
    let outputs: Value = serde_json::from_str(OUTPUTS).unwrap_or_default();
    for tool in &mut tools {
        if let Some(schema) =
            tool.get("outputSchema").and_then(Value::as_str).and_then(|name| outputs.get(name))
            && let Some(tool) = tool.as_object_mut()
        {
            tool.insert("outputSchema".to_owned(), schema.clone());
        }
        let is_submit = tool.get("name").and_then(Value::as_str) == Some("create_video");
        let model = tool.pointer_mut("/inputSchema/properties/model").and_then(Value::as_object_mut);
        if let (Some(model), Some(default)) = (model, models.first()) {
            model.insert("enum".to_owned(), json!(models));
            // A list without a model has the videos of all.
            if is_submit {
                model.insert("default".to_owned(), json!(default));
            }
        }
    }
    Value::Array(tools)
}

/// # Errors
/// [`CallError`].
pub fn action(tool: &str, arguments: Map<String, Value>) -> Result<Action, CallError> {
    let mut arguments = Arguments::new(arguments);
    let action = match tool {
        "create_video" => {
            let key = arguments.key();
            let wait_seconds = arguments.wait_seconds();
            // The API itself knows all other fields.
            Action::Create { submit: std::mem::take(&mut arguments.given), key, wait_seconds }
        }
        "wait_for_video" => Action::Wait { id: arguments.id(), wait_seconds: arguments.wait_seconds() },
        "get_video" => Action::Get { id: arguments.id() },
        "list_videos" => Action::List { query: arguments.query(&LIST_ARGUMENTS) },
        "cancel_video" => Action::Cancel { id: arguments.id() },
        "list_models" => Action::Models,
        "get_usage" => Action::Usage,
        _ => return Err(CallError::UnknownTool),
    };
    let errors = arguments.finish(tool);
    if errors.is_empty() { Ok(action) } else { Err(CallError::Arguments(errors)) }
}

/// The names of all tools.
#[must_use]
pub fn names() -> String {
    let tools: Vec<Value> = serde_json::from_str(TOOLS).unwrap_or_default();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool.get("name")?.as_str()).collect();
    names.join(", ")
}

/// The arguments of a call, until they are read, and what is wrong with them.
struct Arguments {
    given: Map<String, Value>,
    /// The names of the arguments that the tool takes.
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Arguments {
    /// `null` is the same as nothing.
    fn new(mut given: Map<String, Value>) -> Self {
        given.retain(|_, value| !value.is_null());
        Self { given, known: Vec::new(), errors: Vec::new() }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.given.remove(name)
    }

    fn wrong(&mut self, field: &str, message: &str) {
        self.errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    }

    fn id(&mut self) -> String {
        match self.take("id") {
            Some(Value::String(id)) => return id,
            Some(_) => self.wrong("id", "must be a string"),
            None => self.wrong("id", "is required: the id of a video, vid_…"),
        }
        String::new()
    }

    /// Header values are visible ASCII; the API has the same rule.
    fn key(&mut self) -> Option<String> {
        let is_key = |key: &str| {
            (1..=MAX_KEY_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match self.take("idempotency_key") {
            None => None,
            Some(Value::String(key)) if is_key(&key) => Some(key),
            Some(_) => {
                let message = format!("must be 1 to {MAX_KEY_CHARS} visible ASCII characters");
                self.wrong("idempotency_key", &message);
                None
            }
        }
    }

    fn wait_seconds(&mut self) -> u32 {
        let Some(value) = self.take("wait_seconds") else { return MAX_WAIT_SECONDS };
        let seconds = match &value {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_u64(),
        };
        match seconds.and_then(|seconds| u32::try_from(seconds).ok()) {
            Some(seconds) if seconds <= MAX_WAIT_SECONDS => seconds,
            _ => {
                self.wrong("wait_seconds", &format!("must be a whole number from 0 to {MAX_WAIT_SECONDS}"));
                MAX_WAIT_SECONDS
            }
        }
    }

    /// Strings and numbers as a query; the API knows what they may be.
    fn query(&mut self, names: &[&'static str]) -> String {
        let mut pairs = Vec::new();
        for name in names {
            match self.take(name) {
                None => {}
                Some(Value::String(text)) => pairs.push(format!("{name}={}", encoded(&text))),
                Some(Value::Number(number)) => pairs.push(format!("{name}={}", encoded(&number.to_string()))),
                Some(_) => self.wrong(name, "must be a string or a number"),
            }
        }
        pairs.join("&")
    }

    /// All errors, including arguments that the tool does not take.
    fn finish(mut self, tool: &str) -> Vec<FieldError> {
        let takes = if self.known.is_empty() { "nothing".to_owned() } else { self.known.join(", ") };
        for name in std::mem::take(&mut self.given).keys() {
            let message = format!("is not an argument; {tool} takes {takes}");
            self.wrong(&super::message::echo(name), &message);
        }
        self.errors
    }
}

/// Percent-encodes a value of a query.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests;
