//! Claims of jobs without a known owner: a row of Task/List that is the only match for a lost Run. The dispatcher
//! grants each job once, and only if no other video has it or may have it.

use worker::{Env, Result};

use super::sweep::ended_videos::EndedVideos;
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

/// Most videos that are asked. With more of them ownership cannot be decided, and no claim is granted.
const MAX_OWNERS: usize = 1000;

/// Most videos without a slot among them. Only copies take place without one.
const MAX_RELEASED: usize = 500;

/// Videos that are asked at the same time.
const BATCH: usize = 25;

/// Decides whether the video may adopt the job. The answer never changes.
///
/// # Errors
/// If `SQLite` fails, or an object does not answer.
pub async fn claim_job(storage: &ObjectStorage, env: &Env, id: &VideoId, claim: JobClaim) -> Result<bool> {
    storage.ensure_tables(SCHEMA)?;
    if let Some(owner) = claimed_by(storage, &claim.task_id)? {
        return Ok(owner == id.as_str());
    }
    let owners = possible_owners(storage, id)?;
    if owners.len() > MAX_OWNERS {
        log::write(
            Level::Warn,
            "too many videos to decide which one owns a job",
            [("video.id", id.as_str().into())],
        );
        return Ok(false);
    }
    let tasks = VideoTaskClient::new(env)?;
    let task_id = claim.task_id.clone();
    let question = Message::OwnsJob(Box::new(claim));
    for batch in owners.chunks(BATCH) {
        for reply in all(batch.iter().map(|other| tasks.send(other, &question))).await {
            let reply = reply.map_err(|error| error.to_string())?;
            if matches!(reply, Reply::Owns(Ownership::Owned | Ownership::Possible)) {
                return Ok(false);
            }
        }
    }
    // Another claim may have been granted meanwhile.
    let values = [text_to_js(&task_id), text_to_js(id.as_str())];
    storage.sql("INSERT OR IGNORE INTO claimed_job VALUES (?, ?)", &values)?;
    Ok(claimed_by(storage, &task_id)?.as_deref() == Some(id.as_str()))
}

fn claimed_by(storage: &ObjectStorage, task_id: &str) -> Result<Option<String>> {
    let rows = storage.sql("SELECT video_id FROM claimed_job WHERE task_id = ?", &[text_to_js(task_id)])?;
    Ok(rows.first().and_then(|row| row.get(0).as_string()))
}

/// The videos that may own a recent job: those with a slot or in the queue, the newest of the others, and those that ended
/// last.
fn possible_owners(storage: &ObjectStorage, id: &VideoId) -> Result<Vec<VideoId>> {
    let query = format!(
        "SELECT id FROM jobs WHERE id <> ?1 AND state <> 'gone' UNION ALL SELECT * FROM
         (SELECT id FROM jobs WHERE id <> ?1 AND state = 'gone' ORDER BY ticket DESC LIMIT {MAX_RELEASED})
         LIMIT {}",
        MAX_OWNERS + 1
    );
    let rows = storage.sql(&query, &[text_to_js(id.as_str())])?;
    let mut owners: Vec<VideoId> =
        rows.into_iter().filter_map(|row| Some(VideoId::from_stored(row.get(0).as_string()?))).collect();
    let ended = EndedVideos::open(storage)?.newest(MAX_OWNERS.saturating_sub(owners.len()))?;
    owners.extend(ended.into_iter().filter(|ended| ended != id));
    Ok(owners)
}
