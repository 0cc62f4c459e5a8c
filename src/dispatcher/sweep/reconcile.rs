//! The dispatcher asks videos for their state, which also restarts a lost alarm: unfinished videos that it has not heard
//! of for a while, and videos that have ended and should be removed.

use serde_json::json;

use super::ended_videos::EndedVideos;
use crate::calls::dispatcher::{EndedVideo, SweepPosition};
use crate::calls::objects::CallError;
use crate::calls::task::{Message, Reply, VideoTaskClient};
use crate::dispatcher::object::{DispatcherError, Inner};
use crate::dispatcher::queue::SlotState;
use crate::runtime::clock;
use crate::runtime::join::all;
use crate::runtime::log::{self, Level};
use crate::video::id::VideoId;
use crate::video::task::report::{Existence, SlotReport};
use crate::video::time::UnixMillis;

/// Most videos of each kind in one batch; each costs a request to its object.
const BATCH: u32 = 100;

/// Videos that are asked at the same time.
const AT_ONCE: usize = 25;

type Result<T> = std::result::Result<T, DispatcherError>;

impl Inner {
    /// One batch of the sweep, in which the videos that have ended begin behind this one. `None` if nothing is left to ask.
    pub(in crate::dispatcher) async fn reconcile(
        &self,
        as_of: UnixMillis,
        after: Option<EndedVideo>,
    ) -> Result<Option<SweepPosition>> {
        let is_queue_done = self.reconcile_jobs(Some(as_of)).await?;
        let overdue = EndedVideos::open(&self.storage)?.overdue(as_of, after.as_ref(), BATCH)?;
        self.reconcile_ended(as_of, &overdue).await?;
        let is_done = is_queue_done && is_last(overdue.len());
        Ok((!is_done).then(|| SweepPosition { ended: overdue.into_iter().next_back().or(after) }))
    }

    /// Asks one batch of unfinished videos. `None` asks only those that have a new slot.
    pub(in crate::dispatcher) async fn reconcile_jobs(&self, as_of: Option<UnixMillis>) -> Result<bool> {
        let tasks = VideoTaskClient::new(&self.env)?;
        let due = self.queue()?.due(as_of, BATCH)?;
        for part in due.chunks(AT_ONCE) {
            let asked = part.iter().map(async |(id, state)| {
                let message = match state {
                    SlotState::Granted => Message::SlotGranted,
                    _ => Message::Reconcile(as_of.unwrap_or_else(clock::now)),
                };
                self.apply_answer(id, *state, tasks.send(id, &message).await)
            });
            all(asked).await.into_iter().collect::<Result<()>>()?;
        }
        Ok(is_last(due.len()))
    }

    fn apply_answer(
        &self,
        id: &VideoId,
        state: SlotState,
        answer: std::result::Result<Reply, CallError>,
    ) -> Result<()> {
        let report = match answer {
            Ok(Reply::Report(report)) => report,
            // The object never accepted the video: its reservation is free again.
            Ok(_) => {
                self.accounts()?.discard(id)?;
                return Ok(self.queue()?.remove(id)?);
            }
            Err(error) => {
                log_no_answer(id, &error);
                SlotReport::still_needed(clock::now())
            }
        };
        if report.existence == Existence::Ended {
            EndedVideos::open(&self.storage)?.add(id, report.next_check_at.seconds())?;
            return Ok(self.queue()?.remove(id)?);
        }
        Ok(self.queue()?.apply_report(id, state, report)?)
    }

    /// Asks videos that should be removed.
    async fn reconcile_ended(&self, as_of: UnixMillis, overdue: &[EndedVideo]) -> Result<()> {
        let tasks = VideoTaskClient::new(&self.env)?;
        for part in overdue.chunks(AT_ONCE) {
            let asked = part.iter().map(async |video| {
                let answer = tasks.send(&video.id, &Message::Reconcile(as_of)).await;
                self.apply_overdue_answer(video, answer)
            });
            all(asked).await.into_iter().collect::<Result<()>>()?;
        }
        Ok(())
    }

    fn apply_overdue_answer(
        &self,
        EndedVideo { id, expires_at }: &EndedVideo,
        answer: std::result::Result<Reply, CallError>,
    ) -> Result<()> {
        let ended = EndedVideos::open(&self.storage)?;
        match answer {
            Ok(Reply::Report(SlotReport { existence, next_check_at, .. })) => match existence {
                // Its row goes with it.
                Existence::Removing => return Ok(()),
                // It ended again after a redrive.
                Existence::Ended => {
                    ended.remove(id, *expires_at)?;
                    return Ok(ended.add(id, next_check_at.seconds())?);
                }
                // It goes on after a redrive, and is in the queue's table.
                Existence::Unfinished => {}
            },
            Ok(_) => self.accounts()?.discard(id)?,
            Err(error) => {
                log_no_answer(id, &error);
                return Ok(());
            }
        }
        Ok(ended.remove(id, *expires_at)?)
    }
}

fn is_last(asked: usize) -> bool {
    asked < usize::try_from(BATCH).unwrap_or(usize::MAX)
}

fn log_no_answer(id: &VideoId, error: &CallError) {
    let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
    log::write(Level::Error, "a video task did not answer the dispatcher", fields);
}
