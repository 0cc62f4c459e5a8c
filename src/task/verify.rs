//! Verifies a stored video by its boxes, with a few reads of their headers and of `moov` from R2.

use std::time::Duration;

use thiserror::Error;

use crate::mp4::{Facts, Fault, Step, Walk};
use crate::runtime::timeout::{TimedOut, with_timeout};
use crate::storage::videos::Videos;
use crate::video::id::VideoId;

/// Limit on all reads together.
const READS_TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug, Error)]
pub enum VerifyError {
    #[error("the file is not a complete MP4 file: {0}")]
    Incomplete(#[from] Fault),
    #[error("R2: {0}")]
    Stalled(#[from] TimedOut),
    #[error("R2: {0}")]
    Storage(#[from] worker::Error),
}

/// What the file's metadata says, if its boxes are complete. `size` is the object's, in bytes.
pub async fn verify(videos: &Videos, id: &VideoId, size: u64) -> Result<Facts, VerifyError> {
    with_timeout(READS_TIMEOUT, walk(videos, id, size)).await?
}

async fn walk(videos: &Videos, id: &VideoId, size: u64) -> Result<Facts, VerifyError> {
    let mut walk = Walk::new(size);
    let mut bytes = Vec::new();
    loop {
        match walk.next(bytes) {
            Step::Read { offset, len } => {
                bytes = videos.read_metadata(id, offset, len).await?.ok_or(Fault::MissingBytes)?;
            }
            Step::Done(facts) => return Ok(facts),
            Step::Bad(fault) => return Err(fault.into()),
        }
    }
}
