//! What Wiro says, or somebody in its name.

use hailuo_worker::wiro::callback::hint;
use hailuo_worker::wiro::files::{read_folder, read_upload};
use hailuo_worker::wiro::http_response::HttpResponse;
use hailuo_worker::wiro::model::ModelDescription;
use hailuo_worker::wiro::run_answer::RunAnswer;
use hailuo_worker::wiro::search::read_rows;
use hailuo_worker::wiro::socket::{SocketEvent, read};
use hailuo_worker::wiro::task::{RemoteStatus, RemoteTaskRef, read_detail, read_done};

pub fn callback(data: &[u8]) {
    hint(data).iter().for_each(check_name);
}

/// Names go back to Wiro in JSON, and nowhere else.
fn check_name(RemoteTaskRef { task_id, token }: &RemoteTaskRef) {
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    assert!((1..=64).contains(&task_id.len()) && is_name(task_id));
    assert!(token.as_deref().is_none_or(is_name));
}

/// A status in the first byte, then the body: of Run, Detail, List, Cancel, or of the files' calls.
pub fn answer(data: &[u8]) {
    let Some((status, body)) = data.split_first() else { return };
    let status = if status.is_ascii_digit() { 200 } else { u16::from(*status) * 3 };
    let body = String::from_utf8(body.to_vec()).ok();
    let http = HttpResponse { status, retry_after_seconds: None, body };
    if let RunAnswer::Started { task_id, .. } = RunAnswer::read(&http) {
        assert!((200..300).contains(&status) && !task_id.is_empty());
    }
    match read_detail(&http).map(|detail| detail.state) {
        Ok(RemoteStatus::Working { status, .. }) => check_stage(&status),
        Ok(RemoteStatus::Succeeded { output, total_cost }) => {
            assert!(!output.url.is_empty());
            let is_amount = |cost: &str| cost.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            assert!(total_cost.as_deref().is_none_or(is_amount));
        }
        Ok(RemoteStatus::Failed { reason, .. }) => reason.iter().for_each(|reason| check_shown(reason)),
        Ok(RemoteStatus::Cancelled { .. }) => assert_eq!(status, 200),
        Err(reason) => assert!(!reason.is_empty()),
    }
    if let Ok(rows) = read_rows(&http) {
        rows.rows.iter().for_each(|row| check_name(&row.remote));
    }
    let slug = "minimax/hailuo-2-3";
    if let Ok(model) = ModelDescription::read(slug, &http, &ModelDescription::built_in(slug), 1) {
        assert!(model.durations().iter().all(|seconds| *seconds > 0));
    }
    if let Ok(folder) = read_folder(&http) {
        assert!(!folder.is_empty() && !folder.contains(char::is_control));
    }
    if let Ok(file) = read_upload(&http) {
        assert!(!file.url.is_empty());
    }
    assert!(read_done(&http).is_err() || status == 200);
}

fn check_stage(stage: &str) {
    assert!((1..=40).contains(&stage.len()));
    assert!(stage.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
}

pub fn socket(data: &[u8]) {
    for event in read(&String::from_utf8_lossy(data)) {
        match event {
            SocketEvent::Stage(stage) => check_stage(&stage),
            SocketEvent::Progress(percent) => assert!(percent <= 100),
            SocketEvent::Line { text, .. } => check_shown(&text),
            SocketEvent::Full { lines, .. } => lines.iter().for_each(|line| check_shown(line)),
            SocketEvent::Ended => {}
        }
    }
}

/// What is shown to everybody who watches holds no link, no token and no word about the account.
fn check_shown(text: &str) {
    assert!(text.chars().count() <= 500);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!text.contains("://") && !text.contains("wiro.ai"));
    let lower = text.to_ascii_lowercase();
    for word in ["account", "apikey", "api key", "balance", "credit", "secret", "token"] {
        assert!(!lower.contains(word), "{text:?}");
    }
    let longest = text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max();
    assert!(longest.unwrap_or(0) <= 24, "{text:?}");
}
