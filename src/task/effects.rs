//! The work of a `VideoTask` object: one alarm performs everything that is due, each effect's result being
//! the next event.

use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::FutureExt;
use serde_json::json;
use thiserror::Error;

use super::copy;
use super::state::{TaskError, TaskState};
use super::upstream::Upstream;
use super::webhook::notify;
use crate::calls::dispatcher::Dispatch;
use crate::calls::objects::CallError;
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::within;
use crate::storage::records::{RecordError, Records};
use crate::storage::videos::Videos;
use crate::video::id::VideoId;
use crate::video::lifecycle::chores::Chore;
use crate::video::lifecycle::event::{Effect, Entry, Event};
use crate::video::record::Record;
use crate::video::task::{Job, Phase, Task};

/// How long KV or the dispatcher may take.
const CHORE_TIMEOUT: Duration = Duration::from_secs(30);

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

/// One alarm: everything that is due, until nothing is.
pub async fn work(state: &Rc<TaskState>) -> Result<(), TaskError> {
    let config = Config::of(&state.env)?;
    let mut result = None;
    loop {
        // What came of the last effect, and what follows from it, is stored as one.
        let go_on = |task: &mut Task| {
            if let Some(event) = result.take() {
                task.apply(event, &config.policy, clock::moment());
            }
            task.wake(&config.policy, clock::moment())
        };
        let Some((task, mut effects)) = state.change(go_on).await? else {
            return state.clear_tombstone().await;
        };
        let Some(last) = effects.pop() else {
            if task.alarm().is_none_or(|due| clock::now() < due) {
                return Ok(());
            }
            continue;
        };
        for effect in effects {
            match perform(state, effect, &config).await? {
                Some(event) => state.react(event).await?,
                None => return Ok(()),
            };
        }
        result = perform(state, last, &config).await?;
        if result.is_none() {
            return Ok(());
        }
    }
}

/// The event that an effect leads to; `None` when there is no task any more. What may be awaited is boxed, and so a
/// function of its own: the runtime compiles a function when it is first called, and a large one late or never well.
async fn perform(state: &Rc<TaskState>, effect: Effect, config: &Config) -> Result<Option<Event>, TaskError> {
    let Some(task) = state.load()? else { return Ok(None) };
    let task = &*task;
    let id = &task.record.id;
    let upstream = Upstream::new(config, &state.env);
    Ok(Some(match effect {
        Effect::Enter { turned_away } => {
            let dispatch = Dispatch::new(&state.env)?;
            let entry = dispatch.enter(task.owned(), task.kind(), turned_away).boxed_local().await;
            let entry = told(entry, "the waiting line cannot be reached", id);
            Event::Entered(entry.unwrap_or(Entry::Unreachable))
        }
        Effect::Run => Event::RunAnswered(upstream.run(task).boxed_local().await),
        Effect::Check(job) => Event::Observed(upstream.check(task, &job).boxed_local().await),
        Effect::Stop(job) => Event::Observed(upstream.stop(task, &job).boxed_local().await),
        Effect::Search { hint, progress } => {
            Event::Searched(upstream.search(task, hint, progress).boxed_local().await)
        }
        Effect::Copy(source) => {
            let videos = Videos::new(&state.env)?;
            let copied = copy::copy(&videos, &config.output_hosts, id, &source).boxed_local().await;
            Event::Copied(copied)
        }
        Effect::Do(chore) => {
            let done = within(CHORE_TIMEOUT, do_chore(state, chore, task, config).boxed_local()).await;
            let done = told(done, "a chore took too long", id).transpose()?;
            Event::Done { chore, succeeded: done == Some(true) }
        }
        Effect::Notify(webhook_id) => match notify(state, config, task, &webhook_id).boxed_local().await? {
            Some(answer) => Event::Notified { webhook_id, answer },
            None => Event::Seen,
        },
        Effect::Remove { purge } => {
            let removed = remove(state, task, purge, &upstream).boxed_local().await;
            match told(removed, "the video was not removed", id) {
                Some(()) => return Ok(None),
                None => Event::RemovalFailed,
            }
        }
    }))
}

async fn do_chore(
    state: &Rc<TaskState>,
    chore: Chore,
    task: &Task,
    config: &Config,
) -> Result<bool, TaskError> {
    let Record { id, .. } = &task.record;
    let done = match chore {
        // It was deleted since this was due.
        Chore::Publish if !task.is_shown() => Some(()),
        Chore::Publish => {
            let (_on_its_way, there) = oneshot::channel();
            state.publishing.set(Some(there));
            let published =
                Records::new(&state.env)?.put(&task.record, &task.owner, config.policy.retention).await;
            told(published, "the record was not published", id)
        }
        Chore::Purge => match task.job() {
            Some(job) => {
                let purged = Upstream::new(config, &state.env).purge(task, job).await;
                told(purged, "the upstream's files were not deleted", id)
            }
            None => Some(()),
        },
        Chore::Leave => {
            let (dispatch, kind, cost) = (Dispatch::new(&state.env)?, task.kind(), task.charge());
            if task.needs_place() {
                let taken = dispatch.take_place(task.owned(), kind, cost).await;
                told(taken, "the place was not taken again", id)
            } else {
                let left = dispatch.leave(task.owned(), kind, task.took(), cost).await;
                told(left, "the place was not given back", id)
            }
        }
        Chore::ReportRun => {
            let is_known = !matches!(task.phase, Phase::Unknown { .. });
            let reported = Dispatch::new(&state.env)?.run_answered(is_known).await;
            told(reported, "the outcome of Run was not reported", id)
        }
    };
    Ok(done.is_some())
}

/// Everything that is stored for the video, the task last.
async fn remove(
    state: &Rc<TaskState>,
    task: &Task,
    purge: Option<Job>,
    upstream: &Upstream<'_>,
) -> Result<(), RemoveError> {
    let id = &task.record.id;
    Videos::new(&state.env)?.delete(id).await?;
    let records = Records::new(&state.env)?;
    records.delete(id).await?;
    records.disown(&task.record, &task.owner).await?;
    Dispatch::new(&state.env)?.forget(task.owned(), task.charge()).await?;
    // Wiro may refuse for long: nothing of ours waits for it but the task itself.
    if let Some(job) = purge {
        upstream.purge(task, &job).await.map_err(RemoveError::Upstream)?;
    }
    Ok(state.bury(task).await?)
}

/// What went well; what did not is for the log, and is tried again.
pub fn told<T, E: ToString>(result: Result<T, E>, problem: &str, id: &VideoId) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
            log::write(Level::Warn, problem, fields);
            None
        }
    }
}
