//! What the operator learns of a removed video, from its tombstone.

use serde::Serialize;

use crate::video::record::Status;
use crate::video::task::tombstone::{Reason, Tombstone};

/// Times are unix seconds. All members from `model` on are unknown of videos that an earlier version removed.
#[derive(Debug, Serialize)]
pub struct RemovedVideo {
    reason: Reason,
    removed_at: i64,
    /// `None` for a video without a client too.
    client: Option<String>,
    model: Option<String>,
    status: Option<Status>,
    created_at: Option<i64>,
    cost_usd: Option<String>,
    request_id: Option<String>,
}

impl RemovedVideo {
    pub fn of(Tombstone { deleted_at, reason, video }: Tombstone) -> Self {
        let known = video.as_ref();
        Self {
            reason,
            removed_at: deleted_at,
            client: known.and_then(|video| video.owner.name()).map(str::to_owned),
            model: known.map(|video| video.model.clone()),
            status: known.map(|video| video.status),
            created_at: known.map(|video| video.created_at),
            cost_usd: known.and_then(|video| video.cost_usd.clone()),
            request_id: known.and_then(|video| video.request_id.clone()),
        }
    }

    pub const fn detail(&self) -> &'static str {
        match self.reason {
            Reason::Deleted => "The video was deleted.",
            Reason::Expired => "The video was older than RETENTION_DAYS and was removed.",
        }
    }
}
