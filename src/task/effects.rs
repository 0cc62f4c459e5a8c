//! The effects of a `VideoTask` object. One alarm performs every effect that is due; the result of each is the next
//! event.

use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::FutureExt;
use serde_json::json;
use thiserror::Error;

use super::copy;
use super::store::{Outcome, TaskError, VideoTaskStore};
use super::upstream::Upstream;
use super::webhook::notify;
use crate::calls::dispatcher::{DispatcherClient, Removal};
use crate::calls::objects::CallError;
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::join::all;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::with_timeout;
use crate::storage::records::{RecordError, Records};
use crate::storage::videos::Videos;
use crate::video::id::VideoId;
use crate::video::lifecycle::event::{Effect, Event, SlotReply};
use crate::video::lifecycle::pending_work::WorkItem;
use crate::video::record::Record;
use crate::video::task::tombstone::Tombstone;
use crate::video::task::{Job, Phase, Task};

/// Limit on one write to KV, or one call of the dispatcher.
const WORK_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
enum RemoveError {
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Dispatcher(#[from] CallError),
    #[error("the upstream: {0}")]
    Upstream(String),
}

/// Performs due effects until none is left.
pub async fn run_due_effects(store: &Rc<VideoTaskStore>) -> Result<(), TaskError> {
    let config = Config::of(&store.env)?;
    let mut results = Vec::new();
    loop {
        // One write stores the results of the last effects and the next step.
        let next_step = |task: &mut Task| {
            for outcome in results.drain(..) {
                Outcome::apply(outcome, task, &config.policy);
            }
            task.on_alarm(&config.policy, clock::tick())
        };
        let Some((task, effects)) = store.change(next_step).await? else {
            return store.clear_tombstone().await;
        };
        let mut groups = groups(effects);
        let Some(last) = groups.pop() else {
            if task.alarm().is_none_or(|due| clock::now() < due) {
                return Ok(());
            }
            continue;
        };
        for group in groups {
            let Some(outcomes) = perform_all(store, group, &config).await? else { return Ok(()) };
            store.react_to(outcomes).await?;
        }
        let Some(outcomes) = perform_all(store, last, &config).await? else { return Ok(()) };
        results = outcomes;
    }
}

/// Pending work is performed at the same time, all other effects one after the other.
fn groups(effects: Vec<Effect>) -> Vec<Vec<Effect>> {
    let (work, others): (Vec<_>, Vec<_>) =
        effects.into_iter().partition(|effect| matches!(effect, Effect::Perform(_)));
    let work = (!work.is_empty()).then_some(work);
    work.into_iter().chain(others.into_iter().map(|effect| vec![effect])).collect()
}

/// Performs effects at the same time. `None` as for [`perform`].
async fn perform_all(
    store: &Rc<VideoTaskStore>,
    effects: Vec<Effect>,
    config: &Config,
) -> Result<Option<Vec<Outcome>>, TaskError> {
    let outcomes = all(effects.into_iter().map(|effect| perform(store, effect, config))).await;
    outcomes.into_iter().collect()
}

/// Performs an effect and returns its result; `None` if there is no task any more. Futures are boxed, so each is
/// a function of its own: V8 compiles wasm functions lazily, and optimizes large ones late or badly.
async fn perform(
    store: &Rc<VideoTaskStore>,
    effect: Effect,
    config: &Config,
) -> Result<Option<Outcome>, TaskError> {
    let Some(task) = store.load()? else { return Ok(None) };
    let task = &*task;
    let id = &task.record.id;
    let upstream = Upstream::new(config, &store.env);
    let event = match effect {
        Effect::AcquireSlot { retry_after } => {
            let dispatcher = DispatcherClient::new(&store.env)?;
            let reply = dispatcher.acquire_slot(task.ownership(), task.kind(), retry_after);
            let reply = log_error(reply.boxed_local().await, "asking for a slot failed", id);
            Event::SlotReplied(reply.unwrap_or(SlotReply::Unreachable))
        }
        Effect::Run => Event::RunAnswered(upstream.run(task).boxed_local().await),
        Effect::Check(job) => Event::Observed(upstream.check(task, &job).boxed_local().await),
        Effect::Stop(job) => Event::Observed(upstream.stop(task, &job).boxed_local().await),
        Effect::Search { hint, progress } => {
            Event::Searched(upstream.search(task, hint, progress).boxed_local().await)
        }
        Effect::Copy(source) => {
            let videos = Videos::new(&store.env)?;
            let copied = copy::copy(&videos, &config.output_hosts, id, &source).boxed_local().await;
            Event::Copied(copied.map_err(|error| upstream.note_error(&error)).ok())
        }
        Effect::Perform(item) => {
            let done =
                with_timeout(WORK_TIMEOUT, perform_work(store, item, task, config).boxed_local()).await;
            let done = log_error(done, "pending work timed out", id).transpose()?;
            Event::WorkDone { item, succeeded: done == Some(true) }
        }
        Effect::Notify(recipient, webhook_id) => {
            match notify(store, config, task, recipient, &webhook_id).boxed_local().await? {
                Some(response) => Event::Notified { recipient, webhook_id, response },
                None => Event::ProgressTick,
            }
        }
        Effect::Remove { purge } => {
            let removed = remove(store, task, purge, &upstream).boxed_local().await;
            match log_error(removed, "removing the video failed", id) {
                Some(()) => return Ok(None),
                None => Event::RemovalFailed,
            }
        }
    };
    Ok(Some(Outcome { event, error: upstream.take_error() }))
}

async fn perform_work(
    store: &Rc<VideoTaskStore>,
    item: WorkItem,
    task: &Task,
    config: &Config,
) -> Result<bool, TaskError> {
    let Record { id, .. } = &task.record;
    let done = match item {
        // Deleted since this was added.
        WorkItem::Publish if !task.is_visible() => Some(()),
        WorkItem::Publish => {
            let (_in_progress, finished) = oneshot::channel();
            store.publishing.set(Some(finished));
            let published =
                Records::new(&store.env)?.put(&task.record, &task.owner, config.policy.retention).await;
            log_error(published, "publishing the record failed", id)
        }
        WorkItem::Purge => match task.job() {
            Some(job) => {
                let purged = Upstream::new(config, &store.env).purge(task, job).await;
                log_error(purged, "deleting Wiro's files failed", id)
            }
            None => Some(()),
        },
        WorkItem::Report => {
            let dispatcher = DispatcherClient::new(&store.env)?;
            let reported = dispatcher.report(task.ownership(), task.kind(), task.report()).await;
            log_error(reported, "reporting to the dispatcher failed", id)
        }
        WorkItem::ReportRun => {
            let is_known = !matches!(task.phase, Phase::Unknown { .. });
            let reported = DispatcherClient::new(&store.env)?.run_answered(is_known).await;
            log_error(reported, "reporting the outcome of Run failed", id)
        }
    };
    Ok(done.is_some())
}

/// Removes everything that is stored for the video, the task last.
async fn remove(
    store: &Rc<VideoTaskStore>,
    task: &Task,
    purge: Option<Job>,
    upstream: &Upstream<'_>,
) -> Result<(), RemoveError> {
    let id = &task.record.id;
    Videos::new(&store.env)?.delete(id).await?;
    let records = Records::new(&store.env)?;
    records.delete(id).await?;
    records.delete_owner_entry(&task.record, &task.owner).await?;
    let removal = Removal {
        video: task.ownership(),
        cost: task.charge(),
        is_refused: Tombstone::of(task, clock::now()).is_none(),
        expires_at: task.record.expires_at,
    };
    DispatcherClient::new(&store.env)?.forget(removal).await?;
    // After our own data: Wiro may refuse for a long time.
    if let Some(job) = purge {
        upstream.purge(task, &job).await.map_err(RemoveError::Upstream)?;
    }
    Ok(store.replace_by_tombstone(task).await?)
}

/// Logs an error. Returns the value of a success.
pub fn log_error<T, E: ToString>(result: Result<T, E>, message: &str, id: &VideoId) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
            log::write(Level::Warn, message, fields);
            None
        }
    }
}
