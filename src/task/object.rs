//! The `VideoTask` Durable Object: one for each video, named by the video's id, and the only writer of
//! that video's state.
//!
//! - Stored: `task`, the [`Task`] as JSON text. Its alarm is always [`Task::alarm`]. In its place, after the video was
//!   removed: `tombstone`, the [`Tombstone`](crate::video::task::tombstone::Tombstone), which an alarm clears.
//! - Messages: [`Message`], answered with a [`Reply`].
//!
//! Requests only record and wait; all work is done by the alarm. Alarms of one object never overlap,
//! survive its caller's disconnection and a restart of the machine, and so are the retry engine: each
//! step is persisted together with the next alarm before its effects are performed.

use std::rc::Rc;
use std::time::Duration;

use worker::Env;
use worker::js_sys::{ArrayBuffer, JsString, Promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{Request, Response, WebSocket};
use worker::worker_sys::DurableObjectState;

use super::effects::{told, work};
use super::state::{TaskError, TaskState};
use super::subscribers::Watchers;
use crate::calls::dispatcher::Dispatch;
use crate::calls::objects;
use crate::calls::objects::Manner;
use crate::calls::task::{Message, Reply};
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::executor::promised;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::within;
use crate::video::lifecycle::event::Event;
use crate::video::money::budget::Shortage;
use crate::video::pace::kind;
use crate::video::record::{FailureCode, Record, Status};
use crate::video::task::tombstone::Admission;
use crate::video::task::{Phase, Task};
use crate::video::time::{Millis, UnixMillis};

/// How long a submit waits for the answer to its first Run before it answers without.
const SUBMIT_PATIENCE: Duration = Duration::from_secs(25);

/// How long a submit waits until what never became a video of the same key is removed.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a cancel waits for its effect.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a delete waits for a record that is being published.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(10);

/// When work fails for a reason of our own, it is tried again after this.
const FAULT_PAUSE: Millis = Millis::new(30_000);

#[wasm_bindgen]
#[derive(Clone)]
pub struct VideoTask {
    state: Rc<TaskState>,
}

/// What the runtime calls.
#[wasm_bindgen]
impl VideoTask {
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        Self { state: TaskState::new(state, env) }
    }

    /// A promise of the response: the answer to a [`Message`], or what a watcher receives.
    pub fn fetch(&self, request: Request) -> Promise {
        let task = self.clone();
        promised(async move {
            Config::prepare(&task.state.env).await;
            if objects::has_message(&request) {
                let message = objects::message(&request).await?;
                return objects::answer(task.answer(message).await);
            }
            let manner = objects::watching(&request)?;
            Ok(Response::from(task.watch(manner).await?).into())
        })
    }

    /// Does what is due. Fails only when not even another alarm can be set: the runtime gives a failing one up after
    /// six tries.
    pub fn alarm(&self) -> Promise {
        let state = Rc::clone(&self.state);
        promised(async move {
            state.storage.forget_alarm();
            Config::prepare(&state.env).await;
            if let Err(error) = work(&state).await {
                log::write(Level::Error, "a task's work failed", [("error", error.to_string().into())]);
                state.storage.set_alarm(Some(clock::now().after(FAULT_PAUSE))).await?;
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// A watcher's socket sent a text or bytes.
    #[wasm_bindgen(js_name = webSocketMessage)]
    pub fn web_socket_message(&self, socket: &WebSocket, message: &JsValue) {
        if !Watchers::may_talk(socket, length_of(message)) {
            self.state.on_leave();
        }
    }

    #[wasm_bindgen(js_name = webSocketClose)]
    pub fn web_socket_close(&self, socket: &WebSocket) {
        // One that broke is closed already.
        let _ = socket.close();
        self.state.on_leave();
    }

    #[wasm_bindgen(js_name = webSocketError)]
    pub fn web_socket_error(&self, socket: &WebSocket) {
        self.web_socket_close(socket);
    }
}

/// Characters of a text, or bytes.
fn length_of(message: &JsValue) -> u32 {
    match message.dyn_ref::<JsString>() {
        Some(text) => text.length(),
        None => message.unchecked_ref::<ArrayBuffer>().byte_length(),
    }
}

impl VideoTask {
    /// 404 when there is no such video; see [`Watchers::begin`](super::subscribers::Watchers::begin) for the rest.
    async fn watch(&self, manner: Manner) -> worker::Result<worker::Response> {
        // Who comes later begins with what the others see.
        let task = self.state.show_risen().await.map_err(|error| error.to_string())?;
        let Some(task) = task.filter(|task| task.is_shown()) else {
            return worker::Response::error("no such video", 404);
        };
        let state = Rc::downgrade(&self.state);
        let on_leave = move || {
            if let Some(state) = state.upgrade() {
                state.on_leave();
            }
        };
        let grant = self.state.grant(&task);
        let response = self.state.watchers.begin(manner, task.record.clone(), grant.as_deref(), on_leave)?;
        self.state.mind_show(&task);
        Ok(response)
    }

    async fn answer(&self, message: Message) -> Result<Reply, TaskError> {
        let task = match message {
            Message::Accept(new) => return self.accept(*new, true).await,
            Message::Replay(new) => return self.replay(*new).await,
            Message::BeganWith(digest) => return self.began_with(&digest),
            Message::ImageStored => {
                self.state.react(Event::Received).await?;
                return self.answered().await;
            }
            Message::Read => return self.read().await,
            Message::Wait(seconds) => {
                self.wait_for_change(Duration::from_secs(seconds.into())).await?;
                return self.read().await;
            }
            Message::Nudge(hint) => {
                self.state.react(Event::Nudged(hint)).await?;
                return Ok(Reply::Noted);
            }
            Message::Cancel => return self.cancel().await,
            Message::Delete => return self.delete().await,
            Message::OwnsJob(claim) => {
                let task = self.state.load()?;
                return Ok(task.map_or(Reply::Nothing, |task| Reply::Owns(task.ownership_of(&claim))));
            }
            Message::Inspect => return self.inspect(),
            Message::Redrive => match self.state.react(Event::Redriven).await? {
                Some(task) if matches!(task.phase, Phase::Ended { .. }) => return Ok(Reply::AlreadyFinished),
                task => task,
            },
            Message::Called => return self.report(Event::Called).await,
            Message::LookAfter(as_of) => {
                self.state.storage.forget_alarm();
                return self.report(Event::LookedAt(as_of)).await;
            }
        };
        Ok(shown(task))
    }

    fn began_with(&self, digest: &str) -> Result<Reply, TaskError> {
        let task = self.state.load()?.filter(|task| task.is_shown());
        let is_so = task.is_some_and(|task| task.challenge.as_deref() == Some(digest));
        Ok(if is_so { Reply::Noted } else { Reply::Nothing })
    }

    /// Another challenge may have begun the job since [`Message::BeganWith`] was answered.
    async fn replay(&self, new: Task) -> Result<Reply, TaskError> {
        let task = self.state.load()?.filter(|task| task.is_shown());
        if task.is_some_and(|task| task.challenge != new.challenge) {
            return Ok(Reply::Nothing);
        }
        self.accept(new, false).await
    }

    /// Here, and nowhere else, it is decided which of several equal requests makes the video, and that none makes it
    /// again.
    async fn accept(&self, new: Task, may_begin: bool) -> Result<Reply, TaskError> {
        let mut admission = self.state.admit(&new.fingerprint)?;
        if admission == Admission::Wait {
            self.state.wait_until(|_| false, REMOVAL_PATIENCE).await?;
            admission = self.state.admit(&new.fingerprint)?;
        }
        if admission == Admission::New && may_begin {
            if let Some(shortage) = Box::pin(self.reserve(&new)).await? {
                return Ok(Reply::Unaffordable(shortage));
            }
            // Meanwhile an equal request may have made it.
            admission = self.state.admit(&new.fingerprint)?;
        }
        let task = match admission {
            Admission::Deleted => return Ok(Reply::Deleted),
            Admission::OtherRequest => return Ok(Reply::OtherRequest),
            Admission::New if may_begin => Some(self.state.persist(new).await?),
            Admission::New | Admission::Wait => return Ok(Reply::Nothing),
            Admission::Replay => self.state.load()?,
        };
        if task.is_some_and(|task| task.phase == Phase::Receiving) {
            return Ok(Reply::SendImage);
        }
        match self.answered().await? {
            Reply::Video(record) if admission == Admission::Replay => Ok(Reply::Replayed(record)),
            reply => Ok(reply),
        }
    }

    /// What a submit hears as soon as there is something to tell.
    async fn answered(&self) -> Result<Reply, TaskError> {
        let is_decided = |task: &Task| task.answerable || !task.is_shown();
        let task = self.state.wait_until(is_decided, SUBMIT_PATIENCE).await?;
        match task {
            Some(task) if task.is_shown() => Ok(shown(Some(task))),
            _ if self.state.admit("")? == Admission::Deleted => Ok(Reply::Deleted),
            Some(task) if task.record.has_failed_with(FailureCode::UpstreamUnavailable) => {
                Ok(Reply::Unavailable)
            }
            _ => Ok(Reply::Nothing),
        }
    }

    /// Has the price of a new job reserved, where there is a limit to keep.
    async fn reserve(&self, new: &Task) -> Result<Option<Shortage>, TaskError> {
        if Config::of(&self.state.env)?.limits(&new.owner).are_none() {
            return Ok(None);
        }
        let dispatch = Dispatch::new(&self.state.env)?;
        Ok(dispatch.reserve(new.owned(), kind(&new.record.input)).await?)
    }

    /// The record; in line, with the position as it is now.
    async fn read(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.state.load()? else { return Ok(Reply::Nothing) };
        let mut reply = shown(Some(Rc::clone(&task)));
        if matches!(task.phase, Phase::InLine(_)) {
            let id = &task.record.id;
            let position = Dispatch::new(&self.state.env)?.position(id).await;
            if let Some(position) = told(position, "the position in line is not known", id) {
                if let Reply::Video(record) = &mut reply {
                    record.queue_position = position;
                }
                if position.is_none() {
                    // It was called, or its place in line got lost: either way it asks again.
                    self.state.react(Event::Called).await?;
                }
            }
        }
        Ok(reply)
    }

    fn inspect(&self) -> Result<Reply, TaskError> {
        let task = self.state.load()?.filter(|task| task.is_shown());
        Ok(task.map_or(Reply::Nothing, |task| Reply::Inspected {
            deliveries: task.deliveries.tries().to_vec(),
            next_delivery_at: task.deliveries.next_due().map(UnixMillis::seconds),
            record: task.record_at(clock::now()),
        }))
    }

    async fn wait_for_change(&self, patience: Duration) -> Result<(), TaskError> {
        let Some(known) = self.state.load()? else { return Ok(()) };
        let before = &known.record;
        let has_changed = |task: &Task| {
            let Record { status, stage, .. } = &task.record;
            status.is_final() || *status != before.status || *stage != before.stage || !task.is_shown()
        };
        self.state.wait_until(has_changed, patience).await.map(|_| ())
    }

    async fn cancel(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.state.load()?.filter(|task| task.is_shown()) else { return Ok(Reply::Nothing) };
        if matches!(task.record.status, Status::Completed | Status::Failed) {
            return Ok(Reply::AlreadyFinished);
        }
        self.state.react(Event::CancelRequested).await?;
        Ok(shown(self.state.wait_until(|task| !task.is_stopping(), CANCEL_PATIENCE).await?))
    }

    /// The last that anybody is told of it.
    async fn delete(&self) -> Result<Reply, TaskError> {
        let last = shown(self.state.load()?);
        self.state.react(Event::DeleteRequested).await?;
        // What is on its way to KV would arrive there behind the deletion.
        if let Some(published) = self.state.publishing.take() {
            let _ = within(PUBLISH_PATIENCE, published).await;
        }
        Ok(last)
    }

    async fn report(&self, event: Event) -> Result<Reply, TaskError> {
        let task = self.state.react(event).await?;
        Ok(task.map_or(Reply::Nothing, |task| Reply::Report(task.report(clock::now()))))
    }
}

fn shown(task: Option<Rc<Task>>) -> Reply {
    task.filter(|task| task.is_shown())
        .map_or(Reply::Nothing, |task| Reply::Video(task.record_at(clock::now())))
}
