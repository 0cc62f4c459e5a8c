//! Videos in R2: under `videos/{id}/0.mp4`, their thumbnails under `videos/{id}/thumbnail.jpg`; uploaded first frames under `inputs/{id}`, last frames under
//! `inputs/{id}/last`.

use worker::js_sys::Uint8Array;
use worker::web_sys::ReadableStream;
use worker::{Env, Result};

use super::r2::{Bucket, R2Object};
use super::upload::Upload;
use crate::video::id::VideoId;
use crate::video::time::UnixMillis;

const BINDING: &str = "VIDEOS";

pub const VIDEO_CONTENT_TYPE: &str = "video/mp4";
pub const THUMBNAIL_CONTENT_TYPE: &str = "image/jpeg";

pub struct Videos {
    bucket: Bucket,
}

/// Which file of a completed video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Video,
    Thumbnail,
}

/// Which image of a submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    First,
    Last,
}

impl Videos {
    /// # Errors
    /// If the binding is missing.
    pub fn new(env: &Env) -> Result<Self> {
        Ok(Self { bucket: Bucket::bound(env, BINDING)? })
    }

    /// Reads a key that does not exist, to see whether R2 answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn check(&self) -> Result<()> {
        self.bucket.get("health", None).await.map(|_| ())
    }

    /// The bytes `first..=last` of a file; `None` if it is missing.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn read(
        &self,
        id: &VideoId,
        file: File,
        first: u64,
        last: u64,
    ) -> Result<Option<ReadableStream>> {
        let key = match file {
            File::Video => video_key(id),
            File::Thumbnail => thumbnail_key(id),
        };
        let part = Some((first, last - first + 1));
        Ok(self.bucket.get(&key, part).await?.and_then(|object| object.body()))
    }

    /// The stored thumbnail without its bytes.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn thumbnail(&self, id: &VideoId) -> Result<Option<R2Object>> {
        self.bucket.head(&thumbnail_key(id)).await
    }

    /// Stores a thumbnail.
    ///
    /// # Errors
    /// If R2 refuses.
    pub async fn put_thumbnail(&self, id: &VideoId, jpeg: &Uint8Array) -> Result<R2Object> {
        self.bucket.put(&thumbnail_key(id), jpeg, THUMBNAIL_CONTENT_TYPE).await
    }

    /// Removes the thumbnail alone.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn delete_thumbnail(&self, id: &VideoId) -> Result<()> {
        self.bucket.delete(&[thumbnail_key(id)]).await
    }

    /// `len` bytes of a video, copied into wasm: for metadata only. `None` if the video is missing.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn read_metadata(&self, id: &VideoId, offset: u64, len: u64) -> Result<Option<Vec<u8>>> {
        match self.bucket.get(&video_key(id), Some((offset, len))).await? {
            Some(object) => Ok(Some(object.bytes().await?)),
            None => Ok(None),
        }
    }

    /// Stores a video from a stream with a known length. If the stream breaks, nothing is stored.
    ///
    /// # Errors
    /// If R2 refuses.
    pub async fn put(&self, id: &VideoId, stream: ReadableStream) -> Result<R2Object> {
        self.bucket.put(&video_key(id), &stream, VIDEO_CONTENT_TYPE).await
    }

    /// Starts the upload of a video of unknown length.
    #[must_use]
    pub fn upload(&self, id: &VideoId) -> Upload<'_> {
        Upload::new(&self.bucket, video_key(id), VIDEO_CONTENT_TYPE)
    }

    /// An uploaded image and its size in bytes.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn input(&self, id: &VideoId, frame: Frame) -> Result<Option<(ReadableStream, u64)>> {
        let object = self.bucket.get(&input_key(id, frame), None).await?;
        Ok(object.and_then(|object| Some((object.body()?, object.size()))))
    }

    #[must_use]
    pub fn upload_input(&self, id: &VideoId, frame: Frame, content_type: &str) -> Upload<'_> {
        Upload::new(&self.bucket, input_key(id, frame), content_type)
    }

    /// Gives the uploaded frames of one video to another.
    ///
    /// # Errors
    /// When R2 does not answer.
    pub async fn move_inputs(&self, from: &VideoId, to: &VideoId) -> Result<()> {
        for frame in [Frame::First, Frame::Last] {
            let Some(object) = self.bucket.get(&input_key(from, frame), None).await? else { continue };
            let content_type = object.content_type();
            if let Some(body) = object.body() {
                self.bucket.put(&input_key(to, frame), &body, &content_type).await?;
            }
        }
        self.delete_inputs(from).await
    }

    /// Removes the uploaded frames.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn delete_inputs(&self, id: &VideoId) -> Result<()> {
        self.bucket.delete(&[input_key(id, Frame::First), input_key(id, Frame::Last)]).await
    }

    /// The ids of up to `limit` videos and first frames each that were stored before this time: those after `after`
    /// in order, then those from the beginning.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn stored_before(&self, before: UnixMillis, after: &str, limit: u32) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for prefix in ["videos/", "inputs/"] {
            for key in self.bucket.keys(prefix, &format!("{prefix}{after}"), limit, before).await? {
                let id = key.strip_prefix(prefix).and_then(|rest| rest.split('/').next());
                ids.extend(id.map(str::to_owned));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Removes the video alone.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn delete_video(&self, id: &VideoId) -> Result<()> {
        self.bucket.delete(&[video_key(id)]).await
    }

    /// Removes the video, its thumbnail and its images.
    ///
    /// # Errors
    /// If R2 does not answer.
    pub async fn delete(&self, id: &VideoId) -> Result<()> {
        let [first, last] = [Frame::First, Frame::Last].map(|frame| input_key(id, frame));
        self.bucket.delete(&[video_key(id), thumbnail_key(id), first, last]).await
    }
}

fn video_key(id: &VideoId) -> String {
    format!("videos/{id}/0.mp4")
}

fn thumbnail_key(id: &VideoId) -> String {
    format!("videos/{id}/thumbnail.jpg")
}

fn input_key(id: &VideoId, frame: Frame) -> String {
    match frame {
        Frame::First => format!("inputs/{id}"),
        Frame::Last => format!("inputs/{id}/last"),
    }
}
