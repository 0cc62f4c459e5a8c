//! The `VideoTask` Durable Object: one for each video, named by the video's id. It is the only writer of that video's
//! state.
//!
//! - Stored: `task`, the [`Task`] as JSON text. Its alarm is always [`Task::alarm`]. In its place, after the video was
//!   removed: `tombstone`, the [`Tombstone`](crate::video::task::tombstone::Tombstone), which an alarm clears.
//! - Messages: [`Message`], answered with a [`Reply`].
//!
//! Requests only store and wait; the alarm does all work. The alarms of one object never overlap and survive a
//! disconnected caller and a restart of the machine, so they are the retry engine: each step is stored together with
//! the next alarm before its effects are performed.

use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;
use worker::Env;
use worker::js_sys::{ArrayBuffer, JsString, Promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{Request, Response, WebSocket};
use worker::worker_sys::DurableObjectState;

use super::effects::{log_error, run_due_effects};
use super::store::{TaskError, VideoTaskStore};
use super::subscribers::Subscribers;
use crate::calls::clients::managed_clients;
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::objects::{self, SubscribeOptions};
use crate::calls::task::{Inspected, Message, Reply, UpstreamState};
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::executor::promised;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::with_timeout;
use crate::video::lifecycle::event::Event;
use crate::video::money::budget::Shortage;
use crate::video::record::{FailureCode, Record, Status};
use crate::video::task::tombstone::Admission;
use crate::video::task::{Phase, Task};
use crate::video::time::{Millis, UnixMillis};

/// How long a submit waits for its first Run before it answers without the result.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(25);

/// How long a submit waits for the removal of a refused submit with the same key.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a cancel waits for its effect.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a delete waits for a record that is being written to KV.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Wait before the next alarm after an internal error.
const ERROR_RETRY_DELAY: Millis = Millis::new(30_000);

#[wasm_bindgen]
#[derive(Clone)]
pub struct VideoTask {
    store: Rc<VideoTaskStore>,
}

/// The methods that the runtime calls.
#[wasm_bindgen]
impl VideoTask {
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        Self { store: VideoTaskStore::new(state, env) }
    }

    /// Answers a [`Message`], or subscribes to the video's events with a streaming response.
    pub fn fetch(&self, request: Request) -> Promise {
        let task = self.clone();
        promised(async move {
            Config::prepare(&task.store.env).await;
            if objects::has_message(&request) {
                let message = objects::message(&request).await?;
                return objects::answer(task.answer(message).await);
            }
            let options = objects::subscribe_options(&request)?;
            Ok(Response::from(task.subscribe(options).await?).into())
        })
    }

    /// Runs the alarm. It fails only if no other alarm can be set, because the runtime drops an alarm that failed six
    /// times.
    pub fn alarm(&self) -> Promise {
        let store = Rc::clone(&self.store);
        promised(async move {
            store.storage.invalidate_alarm_cache();
            Config::prepare(&store.env).await;
            if let Err(error) = run_due_effects(&store).await {
                let fields = [("video.id", json!(store.stored_id())), ("error", json!(error.to_string()))];
                log::write(Level::Error, "running the task's effects failed", fields);
                store.storage.set_alarm(Some(clock::now().after(ERROR_RETRY_DELAY))).await?;
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// A subscriber's socket sent a text or bytes.
    #[wasm_bindgen(js_name = webSocketMessage)]
    pub fn web_socket_message(&self, socket: &WebSocket, message: &JsValue) {
        if !Subscribers::accept_message(socket, length_of(message)) {
            self.store.on_unsubscribe();
        }
    }

    #[wasm_bindgen(js_name = webSocketClose)]
    pub fn web_socket_close(&self, socket: &WebSocket) {
        // Fails only if the socket is closed already.
        let _ = socket.close();
        self.store.on_unsubscribe();
    }

    #[wasm_bindgen(js_name = webSocketError)]
    pub fn web_socket_error(&self, socket: &WebSocket) {
        self.web_socket_close(socket);
    }
}

/// The characters of a text message, or the bytes of a binary one.
fn length_of(message: &JsValue) -> u32 {
    match message.dyn_ref::<JsString>() {
        Some(text) => text.length(),
        None => message.unchecked_ref::<ArrayBuffer>().byte_length(),
    }
}

impl VideoTask {
    /// Answers 404 if there is no such video; see [`Subscribers::subscribe`] for the other answers.
    async fn subscribe(&self, options: SubscribeOptions) -> worker::Result<worker::Response> {
        // New and old subscribers must see the same percentage.
        let task = self.store.publish_progress().await.map_err(|error| error.to_string())?;
        let Some(task) = task.filter(|task| task.is_visible()) else {
            return worker::Response::error("no such video", 404);
        };
        let store = Rc::downgrade(&self.store);
        let on_unsubscribe = move || {
            if let Some(store) = store.upgrade() {
                store.on_unsubscribe();
            }
        };
        let grants = self.store.grants(&task);
        let record = task.record.clone();
        let response = self.store.subscribers.subscribe(options, record, grants.as_ref(), on_unsubscribe)?;
        self.store.update_listening(&task);
        Ok(response)
    }

    async fn answer(&self, message: Message) -> Result<Reply, TaskError> {
        let task = match message {
            Message::Accept(new) => return self.accept(*new, true).await,
            Message::Replay(new) => return self.replay(*new).await,
            Message::CreatedWith(digest) => return self.created_with(&digest),
            Message::ImageStored => {
                self.store.react(Event::ImageStored).await?;
                return self.first_answer().await;
            }
            Message::Read => return self.read().await,
            Message::Wait(seconds) => {
                self.wait_for_change(Duration::from_secs(seconds.into())).await?;
                return self.read().await;
            }
            Message::WaitForEnd(seconds) => {
                let has_ended = |task: &Task| task.record.status.is_final() || !task.is_visible();
                self.store.wait_until(has_ended, Duration::from_secs(seconds.into())).await?;
                return self.read().await;
            }
            Message::CallbackReceived(hint) => {
                self.store.react(Event::CallbackReceived(hint)).await?;
                return Ok(Reply::Ack);
            }
            Message::Cancel => return self.cancel().await,
            Message::Delete => return self.delete(Event::DeleteRequested).await,
            Message::Erase => return self.delete(Event::EraseRequested).await,
            Message::MayHaveJob => {
                let task = self.store.load()?;
                return Ok(task.map_or(Reply::NotFound, |task| Reply::MayHaveJob(task.may_have_job())));
            }
            Message::OwnsJob(claim) => {
                let task = self.store.load()?;
                return Ok(task.map_or(Reply::NotFound, |task| Reply::Owns(task.ownership_of(&claim))));
            }
            Message::Deliveries => {
                let task = self.store.load()?.filter(|task| task.is_visible());
                return Ok(task.map_or(Reply::NotFound, |task| {
                    let webhook = task.owner_webhook.as_ref();
                    Reply::Deliveries(webhook.map_or_else(Vec::new, |webhook| webhook.deliveries.for_owner()))
                }));
            }
            Message::Inspect => return self.inspect(),
            Message::MakeThumbnail => return self.store.make_thumbnail().boxed_local().await,
            Message::Redrive => match self.store.react(Event::RedriveRequested).await? {
                Some(task) if matches!(task.phase, Phase::Ended { .. }) => return Ok(Reply::AlreadyFinished),
                task => task,
            },
            Message::SlotGranted => return self.report_after(Event::SlotGranted).await,
            Message::Reconcile(as_of) => {
                self.store.storage.invalidate_alarm_cache();
                return self.report_after(Event::Reconciled(as_of)).await;
            }
        };
        Ok(to_public(task))
    }

    fn created_with(&self, digest: &str) -> Result<Reply, TaskError> {
        let task = self.store.load()?.filter(|task| task.is_visible());
        let is_same = task.is_some_and(|task| task.challenge.as_deref() == Some(digest));
        Ok(if is_same { Reply::Ack } else { Reply::NotFound })
    }

    /// Another challenge may have created the video since [`Message::CreatedWith`] was answered.
    async fn replay(&self, new: Task) -> Result<Reply, TaskError> {
        let task = self.store.load()?.filter(|task| task.is_visible());
        if task.is_some_and(|task| task.challenge != new.challenge) {
            return Ok(Reply::NotFound);
        }
        self.accept(new, false).await
    }

    /// Creates the video, unless an equal request has created it. Nothing else creates videos, so of several equal requests
    /// only one does.
    async fn accept(&self, new: Task, may_create: bool) -> Result<Reply, TaskError> {
        let mut admission = self.store.admit(&new.fingerprint)?;
        if admission == Admission::Wait {
            self.store.wait_until(|_| false, REMOVAL_TIMEOUT).await?;
            admission = self.store.admit(&new.fingerprint)?;
        }
        if admission == Admission::New && may_create {
            if let Some(shortage) = Box::pin(self.reserve(&new)).await? {
                return Ok(Reply::Unaffordable(shortage));
            }
            // An equal request may have created it meanwhile.
            admission = self.store.admit(&new.fingerprint)?;
        }
        let task = match admission {
            Admission::Deleted => return Ok(Reply::Deleted),
            Admission::OtherRequest => return Ok(Reply::OtherRequest),
            Admission::New if may_create => Some(self.store.persist(new).await?),
            Admission::New | Admission::Wait => return Ok(Reply::NotFound),
            Admission::Replay => self.store.load()?,
        };
        if task.is_some_and(|task| task.phase == Phase::Receiving) {
            return Ok(Reply::SendImage);
        }
        match self.first_answer().await? {
            Reply::Video(record) if admission == Admission::Replay => Ok(Reply::Replayed(record)),
            reply => Ok(reply),
        }
    }

    /// The answer to a submit, as soon as there is one.
    async fn first_answer(&self) -> Result<Reply, TaskError> {
        let has_answer = |task: &Task| task.answerable || !task.is_visible();
        let task = self.store.wait_until(has_answer, SUBMIT_TIMEOUT).await?;
        match task {
            Some(task) if task.is_visible() => Ok(to_public(Some(task))),
            _ if self.store.admit("")? == Admission::Deleted => Ok(Reply::Deleted),
            Some(task) if task.record.has_failed_with(FailureCode::UpstreamUnavailable) => {
                Ok(Reply::Unavailable)
            }
            _ => Ok(Reply::NotFound),
        }
    }

    /// Reserves the price of a new video, if there is a limit.
    async fn reserve(&self, new: &Task) -> Result<Option<Shortage>, TaskError> {
        let config = Config::of(&self.store.env)?;
        let managed = if config.operator_token.is_some() {
            managed_clients(&self.store.env).await
        } else {
            Some(Rc::default())
        };
        if managed.is_some_and(|managed| config.limits(&new.owner, &managed).is_unlimited()) {
            return Ok(None);
        }
        let dispatcher = DispatcherClient::new(&self.store.env)?;
        Ok(dispatcher.reserve(new.ownership(), new.kind()).await?)
    }

    /// The record; with the current position if the job is queued.
    async fn read(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.store.load()? else { return Ok(Reply::NotFound) };
        let mut reply = to_public(Some(Rc::clone(&task)));
        if matches!(task.phase, Phase::Queued(_)) {
            let id = &task.record.id;
            let known = self.store.position.get(clock::now());
            let position = match known {
                Some(_) => Ok(known),
                None => DispatcherClient::new(&self.store.env)?.position(id).await,
            };
            if let Some(position) = log_error(position, "reading the queue position failed", id) {
                if known.is_none() {
                    self.store.position.set(position, clock::now());
                }
                if let Reply::Video(record) = &mut reply {
                    record.queue_position = position;
                }
                if position.is_none() {
                    // The job got a slot, or lost its place in the queue: either way it must ask again.
                    self.store.react(Event::SlotGranted).await?;
                }
            }
        }
        Ok(reply)
    }

    fn inspect(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.store.load()?.filter(|task| task.is_visible()) else {
            return Ok(self.store.tombstone()?.map_or(Reply::NotFound, Reply::Removed));
        };
        let is_ended = matches!(task.phase, Phase::Ended { .. });
        Ok(Reply::Inspected(Box::new(Inspected {
            record: task.record_at(clock::now()),
            owner: task.owner.clone(),
            request_id: task.request_id.clone(),
            upstream: UpstreamState {
                task_id: task.job().map(|job| job.task_id.clone()),
                attempts: task.run_attempts,
                last_error: task.last_error.clone(),
                next_check_at: task.wake_at.filter(|_| !is_ended).map(UnixMillis::seconds),
            },
            deliveries: task.deliveries.attempts().to_vec(),
            next_delivery_at: task.deliveries.next_due().map(UnixMillis::seconds),
        })))
    }

    async fn wait_for_change(&self, timeout: Duration) -> Result<(), TaskError> {
        let Some(known) = self.store.load()? else { return Ok(()) };
        let before = &known.record;
        let has_changed = |task: &Task| {
            let Record { status, stage, .. } = &task.record;
            status.is_final() || *status != before.status || *stage != before.stage || !task.is_visible()
        };
        self.store.wait_until(has_changed, timeout).await.map(|_| ())
    }

    async fn cancel(&self) -> Result<Reply, TaskError> {
        let Some(task) = self.store.load()?.filter(|task| task.is_visible()) else {
            return Ok(Reply::NotFound);
        };
        if matches!(task.record.status, Status::Completed | Status::Failed) {
            return Ok(Reply::AlreadyFinished);
        }
        self.store.react(Event::CancelRequested).await?;
        Ok(to_public(self.store.wait_until(|task| !task.is_stopping(), CANCEL_TIMEOUT).await?))
    }

    /// Returns the record before the deletion.
    async fn delete(&self, request: Event) -> Result<Reply, TaskError> {
        let record = to_public(self.store.load()?);
        self.store.react(request).await?;
        // A record that is being written would arrive in KV after the deletion.
        if let Some(published) = self.store.publishing.take() {
            let _ = with_timeout(PUBLISH_TIMEOUT, published).await;
        }
        Ok(record)
    }

    async fn report_after(&self, event: Event) -> Result<Reply, TaskError> {
        let task = self.store.react(event).await?;
        Ok(task.map_or(Reply::NotFound, |task| Reply::Report(task.slot_report(clock::now()))))
    }
}

fn to_public(task: Option<Rc<Task>>) -> Reply {
    task.filter(|task| task.is_visible())
        .map_or(Reply::NotFound, |task| Reply::Video(task.record_at(clock::now())))
}
