//! What is stored, exactly: a change here is a change of format, and older records must still load.

use hailuo_worker::video::record::{Record, Status};
use hailuo_worker::video::task::{Job, Phase, Task};

const RECORD: &str = include_str!("stored/record-v1.json");
const TASK: &str = include_str!("stored/task-v1.json");

#[test]
fn records_are_read_and_written_as_they_were() {
    let record: Record = serde_json::from_str(RECORD).unwrap();
    assert_eq!(record.status, Status::Completed);
    assert_eq!(serde_json::to_string_pretty(&record).unwrap(), RECORD.trim_end());
}

#[test]
fn tasks_are_read_and_written_as_they_were() {
    let task: Task = serde_json::from_str(TASK).unwrap();
    assert_eq!(task.job(), Some(&Job { task_id: "534574".to_owned(), token: Some("eDcC".to_owned()) }));
    assert!(matches!(task.phase, Phase::Storing { attempts: 2, .. }));
    assert_eq!(serde_json::to_string_pretty(&task).unwrap(), TASK.trim_end());
}

#[test]
fn what_is_public_holds_urls_and_no_version() {
    let record: Record = serde_json::from_str(RECORD).unwrap();
    let id = record.id.to_string();
    let shown = serde_json::to_value(record.shown_at("https://w.example")).unwrap();
    assert_eq!(shown["urls"]["content"], format!("https://w.example/v1/videos/{id}/content"));
    assert_eq!(shown.get("version"), None);
}
