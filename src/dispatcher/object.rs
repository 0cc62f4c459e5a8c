//! The `Dispatcher` Durable Object, one for the whole deployment. It grants slots (permissions to start a job at Wiro), as
//! many as `MAX_ACTIVE` and Wiro allow; it knows each video's owner and when to check on the video; it keeps the budget.
//!
//! - Stored: the tables of `Queue`, `Accounts` and `TypicalDurations`, the descriptions of Wiro's models,
//!   and the folder for uploads.
//! - Messages: [`Message`], each with its own answer.
//!
//! It cannot lose a job, because every entry can be rebuilt: a queued job asks again by itself, an unanswered
//! `SlotGranted` is sent again, and the sweep finds slots whose holder is gone.

use std::rc::Rc;

use serde_json::{Value, json};
use thiserror::Error;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::Request;
use worker::worker_sys::DurableObjectState;

use super::accounts::Accounts;
use super::clients::ClientTable;
use super::health::store_sweep;
use super::job_claims::claim_job;
use super::model_catalog::{ModelCatalog, known_price};
use super::queue::{Queue, QueueMemory, SlotDecision};
use super::spending::SpendingTotals;
use super::submit_attempts::video_of;
use super::sweep::ended_videos::EndedVideos;
use super::typical_durations::TypicalDurations;
use super::upload_folder::UploadFolder;
use super::uploads::count_upload;
use crate::calls::dispatcher::{Message, Removal, SubmitAttempt, SweepPosition};
use crate::calls::objects;
use crate::config::{Config, ConfigError};
use crate::runtime::clock;
use crate::runtime::executor::{promised, spawn};
use crate::runtime::log::{self, Level};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::managed_clients::ManagedClients;
use crate::video::lifecycle::event::SlotReply;
use crate::video::task::VideoOwnership;
use crate::video::task::report::{End, TaskReport};
use crate::video::time::Millis;
use crate::video::typical_duration::model_and_format;

/// Wait before the next alarm after an internal error.
const ERROR_RETRY_DELAY: Millis = Millis::new(30_000);

#[derive(Debug, Error)]
pub(super) enum DispatcherError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
}

#[wasm_bindgen]
pub struct Dispatcher {
    inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub(super) storage: ObjectStorage,
    folder: UploadFolder,
    models: ModelCatalog,
    pub(super) clients: ClientTable,
    queue_memory: QueueMemory,
    spending_totals: SpendingTotals,
    pub(super) env: Env,
}

/// The methods that the runtime calls.
#[wasm_bindgen]
impl Dispatcher {
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: &DurableObjectState, env: Env) -> Self {
        let inner = Inner {
            storage: ObjectStorage::of(state),
            folder: UploadFolder::default(),
            models: ModelCatalog::default(),
            clients: ClientTable::default(),
            queue_memory: QueueMemory::default(),
            spending_totals: SpendingTotals::default(),
            env,
        };
        Self { inner: Rc::new(inner) }
    }

    /// Answers a [`Message`].
    pub fn fetch(&self, request: Request) -> Promise {
        let inner = Rc::clone(&self.inner);
        promised(async move {
            Config::prepare(&inner.env).await;
            let message = objects::message(&request).await?;
            objects::answer(inner.answer(message).await)
        })
    }

    /// Runs the alarm. It fails only if no other alarm can be set, because the runtime drops an alarm that failed six
    /// times.
    pub fn alarm(&self) -> Promise {
        let inner = Rc::clone(&self.inner);
        promised(async move {
            inner.storage.invalidate_alarm_cache();
            Config::prepare(&inner.env).await;
            if let Err(error) = inner.on_alarm().await {
                log::write(Level::Error, "granting slots failed", [("error", error.to_string().into())]);
                inner.storage.set_alarm(Some(clock::now().after(ERROR_RETRY_DELAY))).await?;
            }
            Ok(JsValue::UNDEFINED)
        })
    }
}

impl Inner {
    async fn answer(self: &Rc<Self>, message: Message) -> Result<Value, DispatcherError> {
        let answer = match message {
            Message::Folder => {
                return Ok(json!(self.folder.get(&self.storage, &*Config::of(&self.env)?).await?));
            }
            Message::CountUpload(owner, bytes) => {
                let Some(limit) = Config::of(&self.env)?.upload_bytes_per_day else { return Ok(json!(true)) };
                return Ok(json!(count_upload(&self.storage, &owner, bytes, limit, clock::now())?));
            }
            Message::ForgetFolder(id) => return Ok(json!(UploadFolder::forget(&self.storage, &id)?)),
            Message::DescribeModel(model) => {
                let config = Config::of(&self.env)?;
                let description = self.models.describe(&self.storage, &self.env, &config, &model).await?;
                return Ok(json!(description.and_then(|known| serde_json::to_string(&known).ok())));
            }
            Message::ClaimJob(id, claim) => {
                return Ok(json!(claim_job(&self.storage, &self.env, &id, *claim).await?));
            }
            Message::RefreshModel(model) => {
                ModelCatalog::mark_stale(&self.storage, &model)?;
                self.refresh_model_if_stale(&model)?;
                return Ok(Value::Null);
            }
            Message::SubmitAttempt(SubmitAttempt { request, id, retry_count }) => {
                return Ok(json!(video_of(&self.storage, &request, id, retry_count, clock::now())?));
            }
            Message::Operator(message) => self.answer_operator(message)?,
            Message::Reserve(video, kind) => return self.reserve(video, &kind).await,
            Message::Usage(owner) => return Ok(json!(self.accounts()?.usage_of(&owner)?)),
            Message::AcquireSlot(video, kind, capacity_retry_after) => {
                json!(self.acquire_slot(&video, &kind, capacity_retry_after)?)
            }
            Message::Position(id) => return Ok(json!(self.queue()?.position(&id)?)),
            Message::Report(video, kind, report) => json!(self.apply_report(&video, &kind, report)?),
            Message::RunAnswered(is_known) => json!(self.queue()?.run_answered(is_known)?),
            Message::Forget(Removal { video, cost, is_refused, expires_at }) => {
                self.accounts()?.remove(&video, cost, is_refused)?;
                if let Some(expires_at) = expires_at {
                    EndedVideos::open(&self.storage)?.remove(&video.id, expires_at)?;
                }
                json!(self.queue()?.remove(&video.id)?)
            }
            Message::List(owner, listing) => {
                return Ok(json!(self.accounts()?.lists().page(&owner, &listing)?));
            }
            Message::Sweep(as_of, SweepPosition { ended }) => {
                for model in Config::of(&self.env)?.models.all() {
                    self.refresh_model_if_stale(&model.path)?;
                }
                self.accounts()?.forget_old(clock::now())?;
                self.queue()?.grant_free_slots()?;
                let next = self.reconcile(as_of, ended).await?;
                store_sweep(&self.storage, clock::now())?;
                json!(next)
            }
        };
        self.update_alarm().await?;
        Ok(answer)
    }

    fn acquire_slot(
        &self,
        video: &VideoOwnership,
        kind: &str,
        capacity_retry_after: Option<Millis>,
    ) -> Result<SlotReply, DispatcherError> {
        self.accounts()?.accept(video)?;
        self.reserve_known_price(video, kind)?;
        Ok(match self.queue()?.acquire_slot(&video.id, &video.owner, capacity_retry_after)? {
            SlotDecision::Queued(position) => SlotReply::Queued(position),
            SlotDecision::QueueFull => SlotReply::QueueFull,
            SlotDecision::Granted { report_run } => {
                let typical = self.typical_durations()?.get(kind)?.map(|known| known.typical);
                if report_run { SlotReply::GrantedWithReport(typical) } else { SlotReply::Granted(typical) }
            }
        })
    }

    /// A task's need for a slot has changed, or it has ended.
    fn apply_report(
        &self,
        video: &VideoOwnership,
        kind: &str,
        TaskReport { needs_slot, generation_time, cost, end }: TaskReport,
    ) -> Result<(), DispatcherError> {
        let accounts = self.accounts()?;
        if needs_slot {
            accounts.resume(video)?;
            if cost.is_none() {
                self.reserve_known_price(video, kind)?;
            }
            return Ok(self.queue()?.assign_slot(&video.id, &video.owner)?);
        }
        accounts.settle(video, cost)?;
        if let Some(duration) = generation_time {
            self.typical_durations()?.add_sample(kind, duration)?;
        }
        let Some(End { ending, expires_at }) = end else { return Ok(self.queue()?.release_slot(&video.id)?) };
        accounts.end(video, &ending)?;
        EndedVideos::open(&self.storage)?.add(&video.id, expires_at)?;
        Ok(self.queue()?.remove(&video.id)?)
    }

    async fn on_alarm(&self) -> Result<(), DispatcherError> {
        self.queue()?.grant_free_slots()?;
        self.reconcile_jobs(None).await?;
        self.update_alarm().await
    }

    /// Reserves the price before the object accepts the video. If the object never does, the sweep frees the
    /// reservation.
    async fn reserve(self: &Rc<Self>, video: VideoOwnership, kind: &str) -> Result<Value, DispatcherError> {
        let config = Config::of(&self.env)?;
        let price = self.models.price(&self.storage, &self.env, &config, kind).await?;
        let (model, _) = model_and_format(kind);
        self.refresh_model_if_stale(model)?;
        let limits = config.limits(&video.owner, &*self.clients()?);
        let shortage = self.accounts()?.spending().reserve(&video, price, &limits)?;
        if shortage.is_none() {
            self.queue()?.track(&video.id)?;
        }
        Ok(json!(shortage))
    }

    /// A video that was accepted while there was no limit has no reservation yet.
    fn reserve_known_price(&self, video: &VideoOwnership, kind: &str) -> Result<(), DispatcherError> {
        let config = Config::of(&self.env)?;
        if !config.limits(&video.owner, &*self.clients()?).is_unlimited()
            && let Some(price) = known_price(&self.storage, &config, kind)?
        {
            self.accounts()?.spending().reserve_unchecked(video, price)?;
        }
        Ok(())
    }

    /// Reads a stale model description in the background.
    fn refresh_model_if_stale(self: &Rc<Self>, model: &str) -> Result<(), DispatcherError> {
        if ModelCatalog::is_stale(&self.storage, model)? {
            let inner = Rc::clone(self);
            let (config, model) = (Config::of(&self.env)?, model.to_owned());
            spawn(async move {
                if let Err(error) = inner.models.read(&inner.storage, &inner.env, &config, &model).await {
                    let fields = [("error", error.to_string().into())];
                    log::write(Level::Error, "storing a model description failed", fields);
                }
            });
        }
        Ok(())
    }

    pub(super) fn accounts(&self) -> Result<Accounts<'_>, DispatcherError> {
        let has_operator = Config::of(&self.env)?.operator_token.is_some();
        Ok(Accounts::open(&self.storage, &self.spending_totals, has_operator, clock::now())?)
    }

    fn typical_durations(&self) -> Result<TypicalDurations<'_>, DispatcherError> {
        Ok(TypicalDurations::open(&self.storage)?)
    }

    pub(super) fn clients(&self) -> Result<Rc<ManagedClients>, DispatcherError> {
        Ok(self.clients.load(&self.storage, &*Config::of(&self.env)?)?)
    }

    pub(super) fn queue(&self) -> Result<Queue<'_>, DispatcherError> {
        let config = Config::of(&self.env)?;
        Ok(Queue::open(&self.storage, &self.queue_memory, config, self.clients()?, clock::tick())?)
    }

    async fn update_alarm(&self) -> Result<(), DispatcherError> {
        let due = self.queue()?.next_alarm()?;
        Ok(self.storage.set_alarm(due).await?)
    }
}
