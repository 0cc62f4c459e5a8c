//! Jobs of the upstream that a video took without being told that they are its own: a row of Task/List that alone fits a Run
//! whose answer was lost. The dispatcher grants each such job once, and only if no other video has it or may have it.

use worker::{Env, Result};

use crate::calls::task::VideoTaskClient;
use crate::calls::task::{Message, Reply};
use crate::runtime::join::all;
use crate::runtime::log::{self, Level};
use crate::runtime::values::text_to_js;
use crate::storage::object_storage::ObjectStorage;
use crate::video::id::VideoId;
use crate::video::task::search::{JobClaim, Ownership};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS claimed_job (
        task_id TEXT PRIMARY KEY,
        video_id TEXT NOT NULL
    );";

/// Videos that are asked whether they have a job. With more of them than this, nobody can be sure, and nothing is granted.
const MAX_OTHERS: usize = 1000;

/// Videos that are asked at the same time.
const BATCH: usize = 25;

/// Whether the video may have the job. Asked again, the answer is the same.
///
/// # Errors
/// When `SQLite` fails, or an object does not answer.
pub async fn claim_job(storage: &ObjectStorage, env: &Env, id: &VideoId, claim: JobClaim) -> Result<bool> {
    storage.ensure_tables(SCHEMA)?;
    if let Some(owner) = claimed_by(storage, &claim.task_id)? {
        return Ok(owner == id.as_str());
    }
    let others = others(storage, id)?;
    if others.len() > MAX_OTHERS {
        log::write(
            Level::Warn,
            "too many videos to decide which one owns a job",
            [("job.video", id.as_str().into())],
        );
        return Ok(false);
    }
    let tasks = VideoTaskClient::new(env)?;
    let task_id = claim.task_id.clone();
    let question = Message::OwnsJob(Box::new(claim));
    for batch in others.chunks(BATCH) {
        for reply in all(batch.iter().map(|other| tasks.send(other, &question))).await {
            let reply = reply.map_err(|error| error.to_string())?;
            if matches!(reply, Reply::Owns(Ownership::Owned | Ownership::Possible)) {
                return Ok(false);
            }
        }
    }
    // Meanwhile another may have been granted it.
    let values = [text_to_js(&task_id), text_to_js(id.as_str())];
    storage.sql("INSERT OR IGNORE INTO claimed_job VALUES (?, ?)", &values)?;
    Ok(claimed_by(storage, &task_id)?.as_deref() == Some(id.as_str()))
}

fn claimed_by(storage: &ObjectStorage, task_id: &str) -> Result<Option<String>> {
    let rows = storage.sql("SELECT video_id FROM claimed_job WHERE task_id = ?", &[text_to_js(task_id)])?;
    Ok(rows.first().and_then(|row| row.get(0).as_string()))
}

/// All that may have a job that was made lately: those that are not over, and those that came last.
fn others(storage: &ObjectStorage, id: &VideoId) -> Result<Vec<VideoId>> {
    let query = format!(
        "SELECT id FROM jobs WHERE id <> ?1 AND (state <> 'gone' OR ticket IN
         (SELECT ticket FROM jobs ORDER BY ticket DESC LIMIT {MAX_OTHERS})) LIMIT {}",
        MAX_OTHERS + 1
    );
    let rows = storage.sql(&query, &[text_to_js(id.as_str())])?;
    Ok(rows.into_iter().filter_map(|row| Some(VideoId::from_stored(row.get(0).as_string()?))).collect())
}
