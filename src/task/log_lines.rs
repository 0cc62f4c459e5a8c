//! The log lines of a video's life: its acceptance, each change, its end and its removal. Lines about what went wrong are
//! written where it happens. Acceptance and end are also data points of Analytics Engine, where it is bound.

use serde_json::{Value, json};
use worker::Env;

use crate::runtime::log::{self, Level};
use crate::storage::analytics::{self, DataPoint};
use crate::video::record::{FailureCode, Record, Status};
use crate::video::task::Task;
use crate::video::task::tombstone::{RemovedVideo, Tombstone};

/// Logs a change that was stored.
pub fn log_change(env: &Env, before: &Task, after: &Task) {
    // A submit whose first Run is refused is refused too.
    if !before.answerable && after.answerable && after.is_visible() && after.record.status != Status::Failed {
        let [id, client, model] = identity(after);
        let fields = [id, ("request_id", json!(after.request_id)), client, model];
        log::write(Level::Info, "video accepted", fields);
        write_data_point(env, "accepted", after);
    }
    let (known, record) = (&before.record, &after.record);
    if known.status != record.status || known.stage != record.stage {
        let fields = [
            ("video.id", json!(record.id)),
            ("status", json!(record.status)),
            ("stage", json!(record.stage)),
        ];
        log::write(Level::Info, "video status changed", fields);
    }
    if known.status != record.status && record.status.is_final() {
        log_end(after);
        write_data_point(env, record.status.as_str(), after);
    }
}

fn log_end(task: &Task) {
    let record = &task.record;
    let [id, client, model] = identity(task);
    let seconds = record.completed_at.map(|ended_at| ended_at.saturating_sub(record.created_at));
    let (cost, seconds) = (("cost_usd", json!(record.cost_usd)), ("after_seconds", json!(seconds)));
    match record.error.as_ref().filter(|_| record.status == Status::Failed) {
        None if record.status == Status::Completed => {
            log::write(Level::Info, "video completed", [id, client, model, cost, seconds]);
        }
        None => log::write(Level::Info, "video cancelled", [id, client, model, cost, seconds]),
        Some(failure) => {
            let code = ("code", json!(failure.code));
            log::write(level_of(failure.code), "video failed", [id, client, model, code, cost, seconds]);
        }
    }
}

fn write_data_point(env: &Env, event: &str, task: &Task) {
    let record = &task.record;
    let ended_at = record.completed_at.filter(|_| record.status.is_final());
    let code = record.error.as_ref().filter(|_| record.status == Status::Failed);
    let point = DataPoint {
        event,
        client: task.owner.name().unwrap_or_default(),
        model: &record.model,
        code: code.map_or("", |failure| failure.code.as_str()),
        cost: record.cost_usd.as_deref().and_then(|cost| cost.parse().ok()).unwrap_or_default(),
        seconds: ended_at.map_or(0, |ended_at| ended_at.saturating_sub(record.created_at)),
    };
    if let Err(error) = analytics::write(env, point) {
        let fields = [("video.id", json!(record.id)), ("error", json!(error.to_string()))];
        log::write(Level::Warn, "writing a data point failed", fields);
    }
}

/// Logs the removal of a video.
pub fn log_removal(Record { id, .. }: &Record, Tombstone { reason, video, .. }: &Tombstone) {
    let status = video.as_ref().map(|RemovedVideo { status, .. }| status);
    let fields = [("video.id", json!(id)), ("reason", json!(reason)), ("status", json!(status))];
    log::write(Level::Info, "video removed", fields);
}

/// The caller can do something about a refusal of the request; all other failures are the operator's.
const fn level_of(code: FailureCode) -> Level {
    match code {
        FailureCode::GenerationFailed | FailureCode::UpstreamRejected => Level::Info,
        FailureCode::UpstreamUnavailable
        | FailureCode::UpstreamTimeout
        | FailureCode::SubmissionUnknown
        | FailureCode::StorageFailed => Level::Warn,
    }
}

fn identity(task: &Task) -> [(&'static str, Value); 3] {
    let record = &task.record;
    [("video.id", json!(record.id)), ("client", json!(task.owner.name())), ("model", json!(record.model))]
}
