//! R2 objects without a video: an image or copy that was stored after its video was deleted. Each sweep checks a few
//! keys from a random start, so no position is stored and every key is checked in time.

use serde_json::json;
use worker::{Env, Result};

use crate::calls::task::VideoTaskClient;
use crate::calls::task::{Message, Reply};
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::storage::videos::Videos;
use crate::video::id::VideoId;
use crate::video::time::UnixMillis;

/// Most keys of each kind per sweep. Each costs a request to the video's object.
const MAX_KEYS: u32 = 16;

/// Younger objects are skipped: a submit stores its image before its object exists, and a copy takes time.
const MIN_AGE_MS: i64 = 3_600_000;

/// The characters of ids, in R2's order.
const ID_CHARS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// Removes leftovers among a few objects that were stored an hour before `as_of`.
///
/// # Errors
/// If R2 or an object does not answer.
pub async fn remove_leftovers(env: &Env, as_of: UnixMillis) -> Result<()> {
    let videos = Videos::new(env)?;
    let tasks = VideoTaskClient::new(env)?;
    let random = clock::random::<2>().map_err(|error| error.to_string())?;
    let start = random.iter().filter_map(|byte| ID_CHARS.get(usize::from(byte % 32)));
    let start = format!("vid_{}", start.map(|&byte| char::from(byte)).collect::<String>());
    let before = UnixMillis::new(as_of.millis().saturating_sub(MIN_AGE_MS));
    for text in videos.stored_before(before, &start, MAX_KEYS).await? {
        let Some(id) = VideoId::unproven(&text) else { continue };
        // Only the video's object knows whether the video exists.
        let reply = tasks.send(&id, &Message::Inspect).await.map_err(|error| error.to_string())?;
        if matches!(reply, Reply::NotFound | Reply::Removed(_)) {
            videos.delete(&id).await?;
            log::write(Level::Info, "removed leftovers of a deleted video", [("video.id", json!(id))]);
        }
    }
    Ok(())
}
