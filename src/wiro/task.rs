//! Task/Detail, the only thing that says how a job stands, and Task/Cancel, Task/Kill and Task/InputOutputDelete,
//! which end one. Task/List is in `search.rs`.

use serde_json::{Map, Value, json};

use super::answer::{Answer, HttpAnswer, text};
use super::text::failure_reason;

/// Wiro's last word on a job; success needs `pexit` 0 and an output as well.
const DONE: &str = "task_postprocess_end";
const CANCELLED: &str = "task_cancel";
const QUEUED: &str = "task_queue";
const COMPLAINING: &str = "task_error";

/// Longest status that is passed on.
const MAX_STATUS_CHARS: usize = 40;

/// Longest task id or token that is taken from strangers.
const MAX_NAME_CHARS: usize = 64;

/// What Wiro calls a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskName {
    pub task_id: String,
    /// The socket access token.
    pub token: Option<String>,
}

impl TaskName {
    /// A name that looks like one of Wiro's.
    #[must_use]
    pub fn plausible(task_id: String, token: Option<String>) -> Option<Self> {
        let is_name = |name: &String| {
            (1..=MAX_NAME_CHARS).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let token = token.filter(is_name);
        is_name(&task_id).then_some(Self { task_id, token })
    }

    /// The request body of Task/Cancel and Task/Kill. Wiro's clients name a job by its id, or by the token under this
    /// name.
    #[must_use]
    pub fn stop_body(&self) -> String {
        match &self.token {
            Some(token) => json!({ "taskid": self.task_id, "socketaccesstoken": token }),
            None => json!({ "taskid": self.task_id }),
        }
        .to_string()
    }

    /// The request body of Task/InputOutputDelete, which goes by the token alone; `None` without one.
    #[must_use]
    pub fn purge_body(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(json!({ "tasktoken": token }).to_string())
    }

    /// The request body of Task/Detail.
    #[must_use]
    pub fn detail_body(&self) -> String {
        match &self.token {
            Some(token) => json!({ "tasktoken": token }),
            None => json!({ "taskid": self.task_id }),
        }
        .to_string()
    }
}

/// The two ways to stop a job, each refused where the other is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Out of the queue.
    Cancel,
    /// Off its worker.
    Kill,
}

impl Stop {
    /// Both ways, the likelier first; `stage` is Wiro's own status.
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

/// Whether an answer of Task/Cancel, Task/Kill or Task/InputOutputDelete says that it was done.
///
/// # Errors
/// A reason for the log when it was not.
pub fn read_done(http: &HttpAnswer) -> Result<(), String> {
    done(http).map(|_| ())
}

/// What Detail says that a job is called: with the token, which a callback may not have told.
///
/// # Errors
/// A reason for the log when it names none.
pub fn read_name(http: &HttpAnswer) -> Result<TaskName, String> {
    task_name(&first_task(http)?).ok_or_else(|| "no name of a task".to_owned())
}

/// What a row calls its job.
pub(super) fn task_name(row: &Value) -> Option<TaskName> {
    TaskName::plausible(text(row, "id")?, text(row, "socketaccesstoken"))
}

/// The parameters that a row shows: an object, or a text of one.
pub(super) fn parameters(row: &Value) -> Option<Map<String, Value>> {
    match row.get("parameters")? {
        Value::Object(parameters) => Some(parameters.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// The pictures among the parameters: what is not empty under a name of a picture, or is a link.
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

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Not ended; Wiro's own name for the stage.
    Working {
        status: String,
        /// What it wrote to stderr when that is all it does: the status `task_error` stays when a job will never end.
        complaint: Option<String>,
    },
    Succeeded {
        output: TaskOutput,
        total_cost: Option<String>,
    },
    /// Ended without a video.
    Failed {
        /// For the log.
        cause: &'static str,
        /// What the run wrote of it, cleaned; for everybody.
        reason: Option<String>,
        total_cost: Option<String>,
    },
    Cancelled {
        total_cost: Option<String>,
    },
}

/// The video that a job made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutput {
    pub url: String,
    /// Bytes.
    pub size: Option<u64>,
}

/// What Task/Detail says of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDetail {
    pub state: TaskState,
    /// How many pictures Wiro has among the parameters; `None` when it does not show them.
    pub pictures: Option<usize>,
}

/// Reads an answer of Task/Detail.
///
/// # Errors
/// A reason for the log when the answer says nothing about the job.
pub fn read_detail(http: &HttpAnswer) -> Result<TaskDetail, String> {
    let task = first_task(http)?;
    let pictures = parameters(&task).map(|parameters| pictures(&parameters));
    Ok(TaskDetail { state: read_task(&task)?, pictures })
}

fn first_task(http: &HttpAnswer) -> Result<Value, String> {
    let mut value = done(http)?;
    let task = value.get_mut("tasklist").and_then(|list| list.get_mut(0)).map(Value::take);
    task.ok_or_else(|| "no task in the list".to_owned())
}

/// The body of an answer that says `result: true`.
pub(super) fn done(http: &HttpAnswer) -> Result<Value, String> {
    if http.status != 200 {
        return Err(format!("HTTP {}", http.status));
    }
    match Answer::read(http) {
        Answer::Done(value) => Ok(value),
        Answer::Failed(error) => Err(error.to_string()),
        Answer::Unreadable => Err("not Wiro's envelope".to_owned()),
    }
}

fn read_task(task: &Value) -> Result<TaskState, String> {
    let status = text(task, "status").ok_or_else(|| "no status".to_owned())?;
    Ok(match status.as_str() {
        DONE => read_end(task),
        CANCELLED => TaskState::Cancelled { total_cost: total_cost(task) },
        _ => TaskState::Working {
            status: printable(&status),
            complaint: text(task, "debugerror").filter(|_| status == COMPLAINING),
        },
    })
}

fn read_end(task: &Value) -> TaskState {
    let total_cost = total_cost(task);
    let failed = |cause, total_cost| {
        let reason = text(task, "debugerror").and_then(|written| failure_reason(&written));
        TaskState::Failed { cause, reason, total_cost }
    };
    if !text(task, "pexit").is_some_and(|pexit| is_zero(&pexit)) {
        return failed("pexit is not 0", total_cost);
    }
    match video(task.get("outputs").unwrap_or(&Value::Null)) {
        Some(output) => TaskState::Succeeded { output, total_cost },
        None => failed("no output", total_cost),
    }
}

/// The first output that is a video by its type or name, else the first that has a URL: a preview or an entry without a
/// file may stand in front of it.
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

/// Zero, however many digits it is written with.
fn is_zero(number: &str) -> bool {
    number.starts_with('0') && number.bytes().all(|byte| byte == b'0' || byte == b'.')
}

/// A decimal amount without the zeros that Wiro appends: `0.280000000000` → `0.28`.
fn decimal(amount: &str) -> Option<String> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |part: &str| part.len() <= 18 && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.len() < 2 { format!("{whole}.{fraction:0<2}") } else { format!("{whole}.{fraction}") })
}

/// Unknown statuses are kept as text, but only the characters that Wiro's own names are made of.
pub(super) fn printable(status: &str) -> String {
    let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = status.chars().filter(is_name).take(MAX_STATUS_CHARS).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detail(task: &Value) -> Result<TaskDetail, String> {
        let body = json!({ "total": "1", "errors": [], "tasklist": [task], "result": true });
        read_detail(&HttpAnswer { status: 200, retry_after_seconds: None, body: Some(body.to_string()) })
    }

    fn read(task: &Value) -> Result<TaskState, String> {
        detail(task).map(|detail| detail.state)
    }

    fn failed(cause: &'static str) -> TaskState {
        TaskState::Failed { cause, reason: None, total_cost: None }
    }

    #[test]
    fn a_finished_job_in_strings_and_in_numbers() {
        let url = "https://cdn1.wiro.ai/a/0.mp4";
        for (pexit, size, cost) in
            [(json!("0"), json!("202472"), json!("0.280000000000")), (json!(0), json!(202_472), json!(0.28))]
        {
            let task = json!({
                "status": "task_postprocess_end", "pexit": pexit, "totalcost": cost, "guestid": null,
                "outputs": [{ "url": url, "size": size, "ispublic": 0 }],
            });
            let output = TaskOutput { url: url.to_owned(), size: Some(202_472) };
            let total_cost = Some("0.28".to_owned());
            assert_eq!(read(&task), Ok(TaskState::Succeeded { output, total_cost }));
        }
    }

    #[test]
    fn an_end_without_a_video_is_a_failure() {
        let end = |pexit: Value, outputs: Value| json!({ "status": "task_postprocess_end", "pexit": pexit, "outputs": outputs });
        let outputs = json!([{ "url": "https://cdn1.wiro.ai/0.mp4" }]);
        assert_eq!(read(&end(json!("1"), outputs.clone())), Ok(failed("pexit is not 0")));
        assert_eq!(read(&end(json!(null), outputs)), Ok(failed("pexit is not 0")));
        for none in [json!([]), json!(null), json!("x"), json!([null]), json!([{ "url": null }])] {
            assert_eq!(read(&end(json!("0"), none)), Ok(failed("no output")));
        }
    }

    #[test]
    fn other_statuses_are_work_in_progress() {
        let working = |status: &str| Ok(TaskState::Working { status: status.to_owned(), complaint: None });
        assert_eq!(read(&json!({ "status": "task_end", "pexit": "0" })), working("task_end"));
        assert_eq!(read(&json!({ "status": "task_new_thing" })), working("task_new_thing"));
        assert_eq!(read(&json!({ "status": "<b>hi</b>\n" })), working("bhib"));
        assert_eq!(read(&json!({ "status": "☃" })), working("unknown"));
        assert_eq!(read(&json!({ "status": 7 })), working("7"));
        assert_eq!(read(&json!({ "status": "task_cancel" })), Ok(TaskState::Cancelled { total_cost: None }));
        let charged = json!({ "status": "task_cancel", "totalcost": "0.140000000000" });
        assert_eq!(read(&charged), Ok(TaskState::Cancelled { total_cost: Some("0.14".to_owned()) }));
    }

    #[test]
    fn answers_that_say_nothing_are_errors() {
        assert!(read(&json!({ "status": null })).is_err());
        assert!(read(&json!("x")).is_err());
        for (status, body) in [
            (500, r#"{"result":true,"tasklist":[{"status":"task_cancel"}]}"#),
            (200, r#"{"result":true,"tasklist":[]}"#),
            (200, r#"{"result":false,"errors":[{"code":1,"message":"gone"}]}"#),
            (200, "<html>"),
        ] {
            let http = HttpAnswer { status, retry_after_seconds: None, body: Some(body.to_owned()) };
            assert!(read_detail(&http).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn costs_are_decimal_strings() {
        for (given, shown) in
            [("0.003510000000", "0.00351"), ("1", "1.00"), ("0.3", "0.30"), ("12.50", "12.50")]
        {
            assert_eq!(decimal(given).as_deref(), Some(shown));
        }
        for bad in ["", "x", "-1", "1e5", ".5", "1.2.3", "NaN"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn detail_asks_by_token_and_without_one_by_id() {
        let name =
            |token: Option<&str>| TaskName { task_id: "1".to_owned(), token: token.map(str::to_owned) };
        assert_eq!(name(Some("t")).detail_body(), r#"{"tasktoken":"t"}"#);
        assert_eq!(name(None).detail_body(), r#"{"taskid":"1"}"#);
        assert_eq!(name(Some("t")).stop_body(), r#"{"socketaccesstoken":"t","taskid":"1"}"#);
        assert_eq!(name(Some("t")).purge_body().as_deref(), Some(r#"{"tasktoken":"t"}"#));
        assert_eq!(name(None).stop_body(), r#"{"taskid":"1"}"#);
        assert_eq!(name(None).purge_body(), None);
    }

    #[test]
    fn a_job_is_cancelled_in_the_queue_and_killed_behind_it() {
        assert_eq!(Stop::ways("task_queue").map(Stop::path), ["/Task/Cancel", "/Task/Kill"]);
        assert_eq!(Stop::ways("task_output").map(Stop::path), ["/Task/Kill", "/Task/Cancel"]);
    }

    #[test]
    fn the_video_is_chosen_by_its_type_and_not_by_its_place() {
        let chosen = |outputs: Value| match read(&json!({
            "status": "task_postprocess_end", "pexit": "0", "outputs": outputs,
        })) {
            Ok(TaskState::Succeeded { output, .. }) => Some(output.url),
            _ => None,
        };
        let url = |name: &str| format!("https://cdn1.wiro.ai/{name}");
        let entry = |name: &str, kind: &str| json!({ "name": name, "contenttype": kind, "url": url(name) });
        let raw = json!({ "contenttype": "raw", "content": {} });
        let preview = || entry("preview.png", "image/png");
        for (outputs, expected) in [
            (json!([raw, preview(), entry("0.mp4", "video/mp4")]), "0.mp4"),
            (json!([preview(), entry("0", "video/quicktime")]), "0"),
            (json!([preview(), entry("0.MP4?v=1", "application/octet-stream")]), "0.MP4?v=1"),
            (json!([raw, entry("0.bin", "")]), "0.bin"),
            (json!([{ "contenttype": "video/mp4" }, entry("1.mp4", "video/mp4")]), "1.mp4"),
        ] {
            assert_eq!(chosen(outputs), Some(url(expected)), "{expected}");
        }
        assert_eq!(chosen(json!([raw])), None);
    }

    #[test]
    fn a_failure_says_why_and_a_stuck_job_complains() {
        let task = json!({
            "status": "task_postprocess_end", "pexit": "1", "totalcost": "0.28", "outputs": [],
            "debugerror": "Loading\nThe prompt was refused by moderation.",
        });
        let reason = Some("Loading The prompt was refused by moderation.".to_owned());
        let total_cost = Some("0.28".to_owned());
        assert_eq!(read(&task), Ok(TaskState::Failed { cause: "pexit is not 0", reason, total_cost }));
        let stuck =
            json!({ "status": "task_error", "pexit": "", "debugerror": "Output folder creation failed" });
        let complaint = Some("Output folder creation failed".to_owned());
        assert_eq!(read(&stuck), Ok(TaskState::Working { status: "task_error".to_owned(), complaint }));
        let warned = json!({ "status": "task_start", "debugerror": "UserWarning" });
        assert_eq!(
            read(&warned),
            Ok(TaskState::Working { status: "task_start".to_owned(), complaint: None })
        );
    }

    #[test]
    fn pictures_are_counted_where_parameters_are_shown() {
        let pictures = |parameters: Value| {
            detail(&json!({ "status": "task_start", "parameters": parameters })).unwrap().pictures
        };
        let link = "https://api.wiro.ai/v1/File/x/inputImage-1.png";
        assert_eq!(pictures(json!({ "prompt": "a", "inputImage": link })), Some(1));
        assert_eq!(
            pictures(json!(json!({ "inputImageFirst": [link], "inputImageLast": link }).to_string())),
            Some(2)
        );
        assert_eq!(pictures(json!({ "start": link, "callbackUrl": link })), Some(1));
        assert_eq!(
            pictures(json!({ "prompt": "a", "inputImage": "", "inputImageUrl": null, "x": [] })),
            Some(0)
        );
        assert_eq!(pictures(json!({})), Some(0));
        for unknown in [json!(null), json!("later"), json!([]), json!(7)] {
            assert_eq!(pictures(unknown), None);
        }
    }

    proptest! {
        #[test]
        fn no_task_panics(status in ".{0,60}", pexit in ".{0,6}", size in ".{0,30}", cost in ".{0,30}") {
            let _ = read(&json!({
                "status": status, "pexit": pexit, "totalcost": cost,
                "outputs": [{ "url": "https://a/", "size": size }],
            }));
            let _ = read(&json!({
                "status": "task_postprocess_end", "pexit": "0", "totalcost": cost,
                "outputs": [{ "url": "https://a/", "size": size }],
            }));
        }
    }
}
