//! The thumbnail of a completed video: a frame that Cloudflare's Media Transformations take out of the stored file. The
//! first request for it makes it; it is stored beside the video and removed with it. Its bytes never enter wasm.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::FutureExt;
use serde_json::json;
use thiserror::Error;

use super::effects::log_error;
use super::store::{TaskError, VideoTaskStore};
use crate::calls::task::Reply;
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::runtime::promise::forget;
use crate::runtime::streams::{StreamError, load_response};
use crate::runtime::timeout::{TimedOut, with_timeout};
use crate::storage::media::Media;
use crate::storage::videos::{File, THUMBNAIL_CONTENT_TYPE, Videos};
use crate::video::id::VideoId;
use crate::video::record::thousandths::Thousandths;
use crate::video::record::{Output, Record, Status};
use crate::video::time::{Millis, UnixMillis};

/// Limit on the whole work.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Longest pause of the binding while it sends the image.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const MAX_BYTES: u32 = 8 * 1024 * 1024;

/// After a failure no attempt is made for this time: each attempt reads the whole video.
const RETRY_DELAY: Millis = Millis::from_seconds(30);

/// The first bytes of every JPEG.
const JPEG_START: [u8; 3] = [0xff, 0xd8, 0xff];

/// The shortest video that surely has a frame after a second.
const LONG_ENOUGH: Thousandths = Thousandths(2000);

#[derive(Debug, Error)]
enum ThumbnailError {
    #[error("the video is missing in R2")]
    NoVideo,
    #[error("Media Transformations answered {status} with {content_type:?}")]
    Refused { status: u16, content_type: String },
    #[error("what Media Transformations sent is not a JPEG")]
    NotJpeg,
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error("{0}")]
    Runtime(#[from] worker::Error),
}

/// The state of the work, in memory.
#[derive(Default)]
pub struct ThumbnailWork {
    /// The requests that wait for the current attempt.
    waiting: RefCell<Option<Vec<oneshot::Sender<bool>>>>,
    /// The earliest time of the next attempt.
    retry_at: Cell<Option<UnixMillis>>,
}

impl ThumbnailWork {
    /// Adds a request. Returns whether it is the first one, which makes the thumbnail.
    fn join(&self, sender: oneshot::Sender<bool>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.is_none();
        waiting.get_or_insert_default().push(sender);
        is_first
    }

    fn finish(&self, is_made: bool) {
        self.retry_at.set((!is_made).then(|| clock::now().after(RETRY_DELAY)));
        for sender in self.waiting.take().into_iter().flatten() {
            // The request may be gone.
            let _ = sender.send(is_made);
        }
    }

    /// The seconds until the next attempt, after a failure.
    fn retry_after_seconds(&self) -> Option<u32> {
        let left = self.retry_at.get()?.since(clock::now()).get();
        (left > 0).then(|| u32::try_from(left.div_ceil(1000)).unwrap_or(u32::MAX))
    }
}

impl VideoTaskStore {
    /// Makes the thumbnail, or waits for the request that does, unless it is stored already.
    pub(super) async fn make_thumbnail(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.load()?.filter(|task| task.is_visible()) else { return Ok(Reply::NotFound) };
        let Record { id, status: Status::Completed, output: Some(output), .. } = &task.record else {
            return Ok(Reply::NotFound);
        };
        if self.thumbnail.retry_after_seconds().is_none() {
            let (sender, made) = oneshot::channel();
            if self.thumbnail.join(sender) {
                let is_made = self.try_thumbnail(id, output).boxed_local().await;
                self.thumbnail.finish(is_made);
            }
            if made.await == Ok(true) {
                return Ok(Reply::Ack);
            }
        }
        let retry_after_seconds = self.thumbnail.retry_after_seconds().unwrap_or(1);
        Ok(Reply::ThumbnailFailed { retry_after_seconds })
    }

    /// One attempt. Returns whether the thumbnail is stored; logs why not.
    async fn try_thumbnail(&self, id: &VideoId, output: &Output) -> bool {
        let started = clock::now();
        let made = with_timeout(TIMEOUT, self.store_thumbnail(id, output)).await;
        let video_id = ("video.id", json!(id));
        let duration = ("duration_ms", json!(clock::now().millis() - started.millis()));
        let error = match made {
            Ok(Ok(size)) => {
                let size = ("size_bytes", json!(size));
                log::write(Level::Info, "stored the thumbnail", [video_id, duration, size]);
                return true;
            }
            Ok(Err(error)) => error,
            Err(timed_out) => timed_out.into(),
        };
        let error = ("error", json!(error.to_string()));
        log::write(Level::Warn, "making the thumbnail failed", [video_id, duration, error]);
        false
    }

    /// Returns the size of the thumbnail in bytes.
    async fn store_thumbnail(&self, id: &VideoId, output: &Output) -> Result<u64, ThumbnailError> {
        let videos = Videos::new(&self.env)?;
        // A request may have seen that it is missing before the last attempt stored it.
        if let Some(stored) = videos.thumbnail(id).await? {
            return Ok(stored.size());
        }
        let last = output.size.saturating_sub(1);
        let video = videos.read(id, File::Video, 0, last).await?.ok_or(ThumbnailError::NoVideo)?;
        let response = Media::new(&self.env)?.frame(&video, time_of(output)).await?;
        let content_type = response.headers().get("content-type").ok().flatten().unwrap_or_default();
        if !response.ok() || content_type != THUMBNAIL_CONTENT_TYPE {
            if let Some(body) = response.body() {
                forget(&body.cancel());
            }
            return Err(ThumbnailError::Refused { status: response.status(), content_type });
        }
        let jpeg = load_response(&response, MAX_BYTES, IDLE_TIMEOUT).await?;
        if jpeg.subarray(0, 3).to_vec() != JPEG_START {
            return Err(ThumbnailError::NotJpeg);
        }
        let size = videos.put_thumbnail(id, &jpeg).await?.size();
        // The removal of a video that was deleted meanwhile may have been earlier.
        if !self.load().ok().flatten().is_some_and(|task| task.is_visible()) {
            log_error(videos.delete_thumbnail(id).await, "removing the video failed", id);
        }
        Ok(size)
    }
}

/// The time of the frame. The first frame of a video is often dark.
fn time_of(output: &Output) -> &'static str {
    if output.duration_seconds.is_some_and(|duration| duration >= LONG_ENOUGH) { "1s" } else { "0s" }
}
