//! What lies in R2 without a video: a first frame that arrived behind the deletion of its video, or a copy that did. The
//! sweep looks at a few objects each time, from a random one on, so that nothing need be remembered and every one has its
//! turn.

use serde_json::json;
use worker::{Env, Result};

use crate::calls::task::VideoTaskClient;
use crate::calls::task::{Message, Reply};
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::storage::videos::Videos;
use crate::video::id::VideoId;
use crate::video::time::UnixMillis;

/// Keys of each kind that one sweep lists. Each costs a request to the video's object.
const MAX_KEYS: u32 = 16;

/// A submit stores its image before its object knows of it; a copy takes its time.
const MIN_AGE_MS: i64 = 3_600_000;

/// What ids are made of, in the order of R2.
const ID_CHARS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// Removes the leftovers among a few of the objects that were stored an hour before then.
///
/// # Errors
/// When R2 does not answer, or an object.
pub async fn remove_leftovers(env: &Env, as_of: UnixMillis) -> Result<()> {
    let videos = Videos::new(env)?;
    let tasks = VideoTaskClient::new(env)?;
    let random = clock::random::<2>().map_err(|error| error.to_string())?;
    let start = random.iter().filter_map(|byte| ID_CHARS.get(usize::from(byte % 32)));
    let start = format!("vid_{}", start.map(|&byte| char::from(byte)).collect::<String>());
    let before = UnixMillis::new(as_of.millis().saturating_sub(MIN_AGE_MS));
    for text in videos.stored_before(before, &start, MAX_KEYS).await? {
        let Some(id) = VideoId::unproven(&text) else { continue };
        // Only the video's object knows whether there is a video.
        let reply = tasks.send(&id, &Message::Inspect).await.map_err(|error| error.to_string())?;
        if matches!(reply, Reply::NotFound) {
            videos.delete(&id).await?;
            log::write(Level::Info, "removed leftovers of a deleted video", [("video.id", json!(id))]);
        }
    }
    Ok(())
}
