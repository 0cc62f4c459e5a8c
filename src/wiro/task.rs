//! Task/Detail, the only thing that says how a job stands, Task/List, which says what jobs there are, and
//! Task/Cancel and Task/Kill, which stop one.

use serde_json::{Value, json};

use super::answer::{Answer, HttpAnswer, text};

/// Wiro's last word on a job; success needs `pexit` 0 and an output as well.
const DONE: &str = "task_postprocess_end";
const CANCELLED: &str = "task_cancel";
const QUEUED: &str = "task_queue";

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

    /// The request body of Task/Cancel and Task/Kill: one edition of Wiro's documentation asks for the id,
    /// another for the token.
    #[must_use]
    pub fn stop_body(&self) -> String {
        json!({ "taskid": self.task_id, "tasktoken": self.token }).to_string()
    }

    /// The request body of Task/InputOutputDelete. It goes by the token; a job that was found without one
    /// is named by its id.
    #[must_use]
    pub fn purge_body(&self) -> String {
        self.detail_body()
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

/// A job as Detail and List show it, as far as it tells whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    pub name: TaskName,
    /// `None` where the row does not say.
    pub callback_url: Option<String>,
    /// Unix seconds.
    pub created_at: Option<i64>,
}

/// Jobs on one page of Task/List.
pub const LIST_PAGE_ROWS: usize = 50;

/// The request body of Task/List: a page, newest first.
#[must_use]
pub fn list_body(page: usize) -> String {
    json!({
        "type": "model",
        "sort": "id",
        "order": "DESC",
        "start": (page * LIST_PAGE_ROWS).to_string(),
        "limit": LIST_PAGE_ROWS.to_string(),
    })
    .to_string()
}

/// Rows of Task/Detail or Task/List.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRows {
    /// Those that can be read.
    pub rows: Vec<TaskRow>,
    /// Whether there may be more on the next page.
    pub is_full: bool,
}

/// Reads an answer of Task/Detail or Task/List.
///
/// # Errors
/// A reason for the log when there is no list.
pub fn read_rows(http: &HttpAnswer) -> Result<TaskRows, String> {
    let value = done(http)?;
    let rows = value.get("tasklist").and_then(Value::as_array).ok_or("no task list")?;
    let is_full = rows.len() >= LIST_PAGE_ROWS;
    Ok(TaskRows { rows: rows.iter().filter_map(read_row).collect(), is_full })
}

fn read_row(row: &Value) -> Option<TaskRow> {
    let name = TaskName::plausible(text(row, "id")?, text(row, "socketaccesstoken"))?;
    let created_at = text(row, "createtime").and_then(|seconds| seconds.parse().ok());
    Some(TaskRow { name, callback_url: text(row, "callbackurl"), created_at })
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Not ended; Wiro's own name for the stage.
    Working {
        status: String,
    },
    Succeeded {
        output: TaskOutput,
        total_cost: Option<String>,
    },
    /// Ended without a video.
    Failed {
        reason: &'static str,
        total_cost: Option<String>,
    },
    Cancelled {
        total_cost: Option<String>,
    },
}

/// The first file that a job made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutput {
    pub url: String,
    /// Bytes.
    pub size: Option<u64>,
}

/// Reads an answer of Task/Detail.
///
/// # Errors
/// A reason for the log when the answer says nothing about the job.
pub fn read_detail(http: &HttpAnswer) -> Result<TaskState, String> {
    let value = done(http)?;
    let task = value.get("tasklist").and_then(|list| list.get(0)).ok_or("no task in the list")?;
    read_task(task)
}

/// The body of an answer that says `result: true`.
pub(super) fn done(http: &HttpAnswer) -> Result<Value, String> {
    if http.status != 200 {
        return Err(format!("HTTP {}", http.status));
    }
    match Answer::read(http) {
        Answer::Done(value) => Ok(value),
        Answer::Failed(error) => Err(format!("code {:?}", error.code)),
        Answer::Unreadable => Err("not Wiro's envelope".to_owned()),
    }
}

fn read_task(task: &Value) -> Result<TaskState, String> {
    let status = text(task, "status").ok_or_else(|| "no status".to_owned())?;
    Ok(match status.as_str() {
        DONE => read_end(task),
        CANCELLED => TaskState::Cancelled { total_cost: total_cost(task) },
        _ => TaskState::Working { status: printable(&status) },
    })
}

fn read_end(task: &Value) -> TaskState {
    if !text(task, "pexit").is_some_and(|pexit| is_zero(&pexit)) {
        return TaskState::Failed { reason: "pexit is not 0", total_cost: total_cost(task) };
    }
    let first = task.get("outputs").and_then(|outputs| outputs.get(0));
    let Some((output, url)) = first.and_then(|output| Some((output, text(output, "url")?))) else {
        return TaskState::Failed { reason: "no output", total_cost: total_cost(task) };
    };
    let size = text(output, "size").and_then(|size| size.parse().ok());
    TaskState::Succeeded { output: TaskOutput { url, size }, total_cost: total_cost(task) }
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

    fn read(task: &Value) -> Result<TaskState, String> {
        let body = json!({ "total": "1", "errors": [], "tasklist": [task], "result": true });
        read_detail(&HttpAnswer { status: 200, retry_after_seconds: None, body: Some(body.to_string()) })
    }

    fn failed(reason: &'static str) -> TaskState {
        TaskState::Failed { reason, total_cost: None }
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
        let working = |status: &str| Ok(TaskState::Working { status: status.to_owned() });
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
        assert_eq!(name(Some("t")).stop_body(), r#"{"taskid":"1","tasktoken":"t"}"#);
    }

    #[test]
    fn a_job_is_cancelled_in_the_queue_and_killed_behind_it() {
        assert_eq!(Stop::ways("task_queue").map(Stop::path), ["/Task/Cancel", "/Task/Kill"]);
        assert_eq!(Stop::ways("task_output").map(Stop::path), ["/Task/Kill", "/Task/Cancel"]);
    }

    #[test]
    fn a_list_is_asked_for_in_pages_and_read_row_by_row() {
        let body = r#"{"limit":"50","order":"DESC","sort":"id","start":"100","type":"model"}"#;
        assert_eq!(list_body(2), body);
        let rows = json!([
            { "id": "7", "socketaccesstoken": "t", "callbackurl": "https://a/", "createtime": "1734513807" },
            { "id": 8, "callbackurl": null },
            { "socketaccesstoken": "t" },
            null,
        ]);
        let body = json!({ "result": true, "tasklist": rows }).to_string();
        let read =
            read_rows(&HttpAnswer { status: 200, retry_after_seconds: None, body: Some(body) }).unwrap();
        let name = |task_id: &str, token: Option<&str>| TaskName {
            task_id: task_id.to_owned(),
            token: token.map(str::to_owned),
        };
        let first = TaskRow {
            name: name("7", Some("t")),
            callback_url: Some("https://a/".to_owned()),
            created_at: Some(1_734_513_807),
        };
        let second = TaskRow { name: name("8", None), callback_url: None, created_at: None };
        assert_eq!(read, TaskRows { rows: vec![first, second], is_full: false });
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
