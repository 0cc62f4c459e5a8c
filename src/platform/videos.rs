//! R2: videos under `videos/{id}/0.mp4`, uploaded first frames under `inputs/{id}`.

use worker::web_sys::ReadableStream;
use worker::{Bucket, Env, Object, Range, ResponseBody, Result};

use super::upload::Upload;
use crate::video::id::VideoId;

const BINDING: &str = "VIDEOS";

pub const VIDEO_CONTENT_TYPE: &str = "video/mp4";

pub struct Videos {
    bucket: Bucket,
}

impl Videos {
    /// # Errors
    /// When the binding is missing.
    pub fn new(env: &Env) -> Result<Self> {
        Ok(Self { bucket: env.bucket(BINDING)? })
    }

    /// The bytes `first..=last` of a video; `None` when it is not there.
    ///
    /// # Errors
    /// When R2 does not answer.
    pub async fn read(&self, id: &VideoId, first: u64, last: u64) -> Result<Option<ReadableStream>> {
        let range = Range::OffsetWithLength { offset: first, length: last - first + 1 };
        body(self.bucket.get(video_key(id)).range(range).execute().await?)
    }

    /// Puts a video whose length the stream knows. Nothing is stored when the stream breaks.
    ///
    /// # Errors
    /// When R2 does not take it.
    pub async fn put(&self, id: &VideoId, stream: ReadableStream) -> Result<Object> {
        let metadata = worker::HttpMetadata {
            content_type: Some(VIDEO_CONTENT_TYPE.to_owned()),
            ..worker::HttpMetadata::default()
        };
        let put = self.bucket.put(video_key(id), stream).http_metadata(metadata).execute().await?;
        put.ok_or_else(|| "R2 stored nothing".into())
    }

    /// A video whose length nobody knows yet.
    #[must_use]
    pub fn upload(&self, id: &VideoId) -> Upload<'_> {
        Upload::new(&self.bucket, video_key(id), VIDEO_CONTENT_TYPE)
    }

    /// An uploaded first frame and its size in bytes.
    ///
    /// # Errors
    /// When R2 does not answer.
    pub async fn input(&self, id: &VideoId) -> Result<Option<(ReadableStream, u64)>> {
        let object = self.bucket.get(input_key(id)).execute().await?;
        let size = object.as_ref().map_or(0, Object::size);
        Ok(body(object)?.map(|stream| (stream, size)))
    }

    #[must_use]
    pub fn upload_input(&self, id: &VideoId, content_type: &str) -> Upload<'_> {
        Upload::new(&self.bucket, input_key(id), content_type)
    }

    /// Removes the video and its first frame.
    ///
    /// # Errors
    /// When R2 does not answer.
    pub async fn delete(&self, id: &VideoId) -> Result<()> {
        self.bucket.delete_multiple(vec![video_key(id), input_key(id)]).await
    }
}

fn video_key(id: &VideoId) -> String {
    format!("videos/{id}/0.mp4")
}

fn input_key(id: &VideoId) -> String {
    format!("inputs/{id}")
}

fn body(object: Option<Object>) -> Result<Option<ReadableStream>> {
    let Some(object) = object else { return Ok(None) };
    match object.body().map(worker::ObjectBody::response_body).transpose()? {
        Some(ResponseBody::Stream(stream)) => Ok(Some(stream)),
        _ => Ok(None),
    }
}
