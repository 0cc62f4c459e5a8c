//! Task/Detail, the only reliable status of a job; and Task/Cancel, Task/Kill and Task/InputOutputDelete. Task/List
//! is in `search.rs`.

use serde_json::{Map, Value, json};

use super::envelope::{Envelope, text};
use super::http_response::HttpResponse;
use super::text::failure_reason;

/// The final status of a job; success also needs `pexit` 0 and an output.
const DONE: &str = "task_postprocess_end";
const CANCELLED: &str = "task_cancel";
const QUEUED: &str = "task_queue";
const ERROR_STATUS: &str = "task_error";

/// Longest status that is passed on.
const MAX_STATUS_CHARS: usize = 40;

/// Longest task id or token that is accepted from a callback.
const MAX_NAME_CHARS: usize = 64;

/// Wiro's id and token of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTaskRef {
    pub task_id: String,
    /// The socket access token.
    pub token: Option<String>,
}

impl RemoteTaskRef {
    /// Accepts only plausible ids and tokens.
    #[must_use]
    pub fn plausible(task_id: String, token: Option<String>) -> Option<Self> {
        let is_name = |name: &String| {
            (1..=MAX_NAME_CHARS).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let token = token.filter(is_name);
        is_name(&task_id).then_some(Self { task_id, token })
    }

    /// The body of Task/Cancel and Task/Kill: like Wiro's clients, with the id, and with the token if it is known.
    #[must_use]
    pub fn stop_body(&self) -> String {
        match &self.token {
            Some(token) => json!({ "taskid": self.task_id, "socketaccesstoken": token }),
            None => json!({ "taskid": self.task_id }),
        }
        .to_string()
    }

    /// The body of Task/InputOutputDelete, which needs the token; `None` without one.
    #[must_use]
    pub fn purge_body(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(json!({ "tasktoken": token }).to_string())
    }

    /// The body of Task/Detail.
    #[must_use]
    pub fn detail_body(&self) -> String {
        match &self.token {
            Some(token) => json!({ "tasktoken": token }),
            None => json!({ "taskid": self.task_id }),
        }
        .to_string()
    }
}

/// The two ways to stop a job; which one Wiro accepts depends on its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// For a queued job.
    Cancel,
    /// For a running job.
    Kill,
}

impl Stop {
    /// Both ways, the likelier first. `stage` is Wiro's status.
    #[must_use]
    pub fn ways(stage: &str) -> [Self; 2] {
        if stage == QUEUED { [Self::Cancel, Self::Kill] } else { [Self::Kill, Self::Cancel] }
    }

    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Cancel => "/Task/Cancel",
            Self::Kill => "/Task/Kill",
        }
    }
}

/// Reads a response of Task/Cancel, Task/Kill or Task/InputOutputDelete.
///
/// # Errors
/// A reason for the log if Wiro refused.
pub fn read_done(http: &HttpResponse) -> Result<(), String> {
    done(http).map(|_| ())
}

/// The job's id and token according to Detail, for a callback without a token.
///
/// # Errors
/// A reason for the log if it has none.
pub fn read_remote_ref(http: &HttpResponse) -> Result<RemoteTaskRef, String> {
    remote_ref(&first_task(http)?).ok_or_else(|| "the task has no id".to_owned())
}

/// The id and token of a row.
pub(super) fn remote_ref(row: &Value) -> Option<RemoteTaskRef> {
    RemoteTaskRef::plausible(text(row, "id")?, text(row, "socketaccesstoken"))
}

/// The parameters of a row: an object, or an object as JSON text.
pub(super) fn parameters(row: &Value) -> Option<Map<String, Value>> {
    match row.get("parameters")? {
        Value::Object(parameters) => Some(parameters.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Counts the images among the parameters: non-empty values of image parameters, and links.
pub(super) fn pictures(parameters: &Map<String, Value>) -> usize {
    let is_picture = |name: &String, value: &Value| {
        let is_link = value.as_str().is_some_and(|text| text.starts_with("http"));
        let is_empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        (is_link && !name.eq_ignore_ascii_case("callbackUrl"))
            || (!is_empty && name.to_ascii_lowercase().starts_with("inputimage"))
    };
    parameters.iter().filter(|(name, value)| is_picture(name, value)).count()
}

/// The status of a job at Wiro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteStatus {
    /// Not ended; `status` is Wiro's name for the stage.
    Working {
        status: String,
        /// The run's error output while the status is `task_error`; such a job may never end.
        error_output: Option<String>,
    },
    Succeeded {
        output: TaskOutput,
        total_cost: Option<String>,
    },
    /// Ended without a video.
    Failed {
        /// For the log.
        cause: &'static str,
        /// The cleaned error output of the run; public.
        reason: Option<String>,
        total_cost: Option<String>,
    },
    Cancelled {
        total_cost: Option<String>,
    },
}

/// The video of a finished job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutput {
    pub url: String,
    /// Bytes.
    pub size: Option<u64>,
}

/// Task/Detail's view of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDetail {
    pub state: RemoteStatus,
    /// How many images Wiro shows among the parameters; `None` if it does not show them.
    pub pictures: Option<usize>,
}

/// Reads a response of Task/Detail.
///
/// # Errors
/// A reason for the log if the response does not describe the job.
pub fn read_detail(http: &HttpResponse) -> Result<TaskDetail, String> {
    let task = first_task(http)?;
    let pictures = parameters(&task).map(|parameters| pictures(&parameters));
    Ok(TaskDetail { state: read_task(&task)?, pictures })
}

fn first_task(http: &HttpResponse) -> Result<Value, String> {
    let mut value = done(http)?;
    let task = value.get_mut("tasklist").and_then(|list| list.get_mut(0)).map(Value::take);
    task.ok_or_else(|| "no task in the list".to_owned())
}

/// The body of a response with `result: true`.
pub(super) fn done(http: &HttpResponse) -> Result<Value, String> {
    if http.status != 200 {
        return Err(format!("HTTP {}", http.status));
    }
    match Envelope::read(http) {
        Envelope::Success(value) => Ok(value),
        Envelope::Error(error) => Err(error.to_string()),
        Envelope::Unreadable => Err("not a Wiro response".to_owned()),
    }
}

fn read_task(task: &Value) -> Result<RemoteStatus, String> {
    let status = text(task, "status").ok_or_else(|| "no status".to_owned())?;
    Ok(match status.as_str() {
        DONE => read_end(task),
        CANCELLED => RemoteStatus::Cancelled { total_cost: total_cost(task) },
        _ => RemoteStatus::Working {
            status: printable(&status),
            error_output: text(task, "debugerror").filter(|_| status == ERROR_STATUS),
        },
    })
}

fn read_end(task: &Value) -> RemoteStatus {
    let total_cost = total_cost(task);
    let failed = |cause, total_cost| {
        let reason = text(task, "debugerror").and_then(|written| failure_reason(&written));
        RemoteStatus::Failed { cause, reason, total_cost }
    };
    if !text(task, "pexit").is_some_and(|pexit| is_zero(&pexit)) {
        return failed("pexit is not 0", total_cost);
    }
    match video(task.get("outputs").unwrap_or(&Value::Null)) {
        Some(output) => RemoteStatus::Succeeded { output, total_cost },
        None => failed("no output", total_cost),
    }
}

/// The first output that is a video by its type or name, else the first with a URL: a preview or an entry without a
/// file may come first.
fn video(outputs: &Value) -> Option<TaskOutput> {
    let outputs = outputs.as_array()?;
    let is_video = |output: &&Value| {
        let ends = |field| text(output, field).is_some_and(|name| has_video_ending(&name));
        let is_typed = text(output, "contenttype").is_some_and(|kind| kind.starts_with("video/"));
        text(output, "url").is_some() && (is_typed || ends("name") || ends("url"))
    };
    let chosen = outputs.iter().find(is_video);
    let chosen = chosen.or_else(|| outputs.iter().find(|output| text(output, "url").is_some()))?;
    let size = text(chosen, "size").and_then(|size| size.parse().ok());
    Some(TaskOutput { url: text(chosen, "url")?, size })
}

fn has_video_ending(name: &str) -> bool {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    path.to_ascii_lowercase().ends_with(".mp4")
}

fn total_cost(task: &Value) -> Option<String> {
    text(task, "totalcost").and_then(|cost| decimal(&cost))
}

/// Zero, with any number of digits.
fn is_zero(number: &str) -> bool {
    number.starts_with('0') && number.bytes().all(|byte| byte == b'0' || byte == b'.')
}

/// A decimal amount without Wiro's trailing zeros: `0.280000000000` → `0.28`.
fn decimal(amount: &str) -> Option<String> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |part: &str| part.len() <= 18 && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.len() < 2 { format!("{whole}.{fraction:0<2}") } else { format!("{whole}.{fraction}") })
}

/// Keeps only the characters that Wiro's status names are made of.
pub(super) fn printable(status: &str) -> String {
    let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = status.chars().filter(is_name).take(MAX_STATUS_CHARS).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
