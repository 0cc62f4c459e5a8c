//! The `Dispatcher` Durable Object: one for the whole deployment. It lets jobs in at the upstream, as many
//! at once as `MAX_ACTIVE` and the upstream allow, knows of every video when to look after it and whose it is, and keeps
//! the budget.
//!
//! - Stored: the tables of `WaitingLine`, `OwnedVideos`, `Paces` and `Spending`, what Wiro tells of its models, and
//!   the folder for uploads.
//! - Messages: [`Message`], each with its own answer.
//!
//! It cannot lose a job: all it keeps can be asked for again. A job in line asks again by itself, a call
//! that was not heard is repeated, and a place whose holder is gone is found by the sweep.

use std::rc::Rc;

use serde_json::{Value, json};
use thiserror::Error;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::Request;
use worker::worker_sys::DurableObjectState;

use super::durations::Paces;
use super::job_claims::claim_job;
use super::model_catalog::{ModelCatalog, known_price};
use super::owned_videos::OwnedVideos;
use super::queue::{Standing, State, WaitingLine};
use super::spending::Spending;
use super::upload_folder::UploadFolder;
use crate::calls::dispatcher::Message;
use crate::calls::objects;
use crate::calls::task::{self, Reply, Tasks};
use crate::config::{Config, ConfigError};
use crate::runtime::clock;
use crate::runtime::executor::{promised, spawn};
use crate::runtime::log::{self, Level};
use crate::storage::object_storage::ObjectStorage;
use crate::video::id::VideoId;
use crate::video::lifecycle::event::Entry;
use crate::video::task::{Owned, Report};
use crate::video::time::{Millis, UnixMillis};

/// Videos looked after in one go; each is a request to its object.
const BATCH: u32 = 100;

/// When work fails for a reason of our own, it is tried again after this.
const FAULT_PAUSE: Millis = Millis::new(30_000);

#[derive(Debug, Error)]
enum DispatchError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
}

#[wasm_bindgen]
pub struct Dispatcher {
    desk: Rc<Desk>,
}

/// What the dispatcher works with.
struct Desk {
    storage: ObjectStorage,
    folder: UploadFolder,
    models: ModelCatalog,
    env: Env,
}

/// What the runtime calls.
#[wasm_bindgen]
impl Dispatcher {
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: &DurableObjectState, env: Env) -> Self {
        let desk = Desk {
            storage: ObjectStorage::of(state),
            folder: UploadFolder::default(),
            models: ModelCatalog::default(),
            env,
        };
        Self { desk: Rc::new(desk) }
    }

    /// A promise of the answer to a [`Message`].
    pub fn fetch(&self, request: Request) -> Promise {
        let desk = Rc::clone(&self.desk);
        promised(async move {
            Config::prepare(&desk.env).await;
            let message = objects::message(&request).await?;
            objects::answer(desk.answer(message).await)
        })
    }

    /// Does what is due. Fails only when not even another alarm can be set: the runtime gives a failing one up after
    /// six tries.
    pub fn alarm(&self) -> Promise {
        let desk = Rc::clone(&self.desk);
        promised(async move {
            desk.storage.forget_alarm();
            Config::prepare(&desk.env).await;
            if let Err(error) = desk.call_up().await {
                log::write(Level::Error, "calling up failed", [("error", error.to_string().into())]);
                desk.storage.set_alarm(Some(clock::now().after(FAULT_PAUSE))).await?;
            }
            Ok(JsValue::UNDEFINED)
        })
    }
}

impl Desk {
    async fn answer(self: &Rc<Self>, message: Message) -> Result<Value, DispatchError> {
        let answer = match message {
            Message::Folder => {
                return Ok(json!(self.folder.get(&self.storage, &*Config::of(&self.env)?).await?));
            }
            Message::ForgetFolder(id) => return Ok(json!(UploadFolder::forget(&self.storage, &id)?)),
            Message::DescribeModel(model) => {
                let config = Config::of(&self.env)?;
                let told = self.models.describe(&self.storage, &self.env, &config, &model).await?;
                return Ok(json!(told.and_then(|told| serde_json::to_string(&told).ok())));
            }
            Message::ClaimJob(id, claim) => {
                return Ok(json!(claim_job(&self.storage, &self.env, &id, *claim).await?));
            }
            Message::DistrustModel(model) => {
                ModelCatalog::distrust(&self.storage, &model)?;
                self.refresh_model(&model)?;
                return Ok(Value::Null);
            }
            Message::Reserve(owned, kind) => return self.reserve(owned, &kind).await,
            Message::Usage(owner) => return Ok(json!(self.spending()?.usage(&owner)?)),
            Message::Enter(owned, kind, turned_away) => {
                self.owned()?.add(&owned)?;
                self.expect_charge(&owned, &kind)?;
                json!(match self.line()?.enter(&owned.id, turned_away)? {
                    Standing::Behind(position) => Entry::Behind(position),
                    Standing::LineFull => Entry::LineFull,
                    Standing::Placed { to_report } => {
                        let pace = self.paces()?.of(&kind)?.map(|pace| pace.usual);
                        if to_report { Entry::PlacedToReport(pace) } else { Entry::Placed(pace) }
                    }
                })
            }
            Message::Position(id) => return Ok(json!(self.line()?.position(&id)?)),
            Message::Leave(owned, kind, took, cost) => {
                self.owned()?.add(&owned)?;
                self.spending()?.settle(&owned, cost)?;
                if let Some(took) = took {
                    self.paces()?.learn(&kind, took)?;
                }
                json!(self.line()?.leave(&owned.id)?)
            }
            Message::TakePlace(owned, kind, cost) => {
                self.owned()?.add(&owned)?;
                if cost.is_none() {
                    self.expect_charge(&owned, &kind)?;
                }
                json!(self.line()?.place(&owned.id)?)
            }
            Message::RunAnswered(is_known) => json!(self.line()?.run_answered(is_known)?),
            Message::Forget(owned, cost) => {
                self.spending()?.settle(&owned, cost)?;
                json!(self.forget(&owned.id)?)
            }
            Message::List(owner, listing) => return Ok(json!(self.owned()?.page(&owner, &listing)?)),
            Message::Sweep(as_of) => {
                self.refresh_model(&Config::of(&self.env)?.wiro_model)?;
                self.line()?.advance()?;
                json!(self.look_after(Some(as_of)).await?)
            }
        };
        self.keep_alarm().await?;
        Ok(answer)
    }

    async fn call_up(&self) -> Result<(), DispatchError> {
        self.line()?.advance()?;
        self.look_after(None).await?;
        self.keep_alarm().await
    }

    /// Asks the objects that are due how they stand, which also wakes them. Whether these were all.
    async fn look_after(&self, as_of: Option<UnixMillis>) -> Result<bool, DispatchError> {
        let tasks = Tasks::new(&self.env)?;
        let due = self.line()?.due(as_of, BATCH)?;
        let is_done = due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        for (id, state) in due {
            let message = match state {
                State::Called => task::Message::Called,
                _ => task::Message::LookAfter(as_of.unwrap_or_else(clock::now)),
            };
            match tasks.send(&id, &message).await {
                Ok(Reply::Report(report)) => self.line()?.looked_at(&id, state, report)?,
                // What it had reserved is free again: the job was never taken.
                Ok(_) => {
                    self.spending()?.release(&id)?;
                    self.forget(&id)?;
                }
                Err(error) => {
                    let fields = [("video.id", json!(id)), ("error", json!(error.to_string()))];
                    log::write(Level::Error, "a video could not be looked after", fields);
                    let report = Report::again(clock::now());
                    self.line()?.looked_at(&id, state, report)?;
                }
            }
        }
        Ok(is_done)
    }

    /// A video that is to be made: should nobody hear of it again, the sweep finds out.
    async fn reserve(self: &Rc<Self>, owned: Owned, kind: &str) -> Result<Value, DispatchError> {
        let config = Config::of(&self.env)?;
        let model = &config.wiro_model;
        let price = self.models.price(&self.storage, &self.env, &config, model, kind).await?;
        self.refresh_model(model)?;
        let Owned { id, owner, .. } = &owned;
        let shortage = self.spending()?.reserve(id, owner, price, &config.limits(owner))?;
        if shortage.is_none() {
            self.line()?.expect(id)?;
        }
        Ok(json!(shortage))
    }

    /// A job on its way that has nothing reserved was taken before there was a limit.
    fn expect_charge(&self, Owned { id, owner, .. }: &Owned, kind: &str) -> Result<(), DispatchError> {
        let config = Config::of(&self.env)?;
        if !config.limits(owner).are_none()
            && let Some(price) = known_price(&self.storage, &config, &config.wiro_model, kind)?
        {
            self.spending()?.expect(id, owner, price)?;
        }
        Ok(())
    }

    /// Reads the model in the background, if it is time for that.
    fn refresh_model(self: &Rc<Self>, model: &str) -> Result<(), DispatchError> {
        if ModelCatalog::is_stale(&self.storage, model)? {
            let desk = Rc::clone(self);
            let (config, model) = (Config::of(&self.env)?, model.to_owned());
            spawn(async move {
                if let Err(error) = desk.models.read(&desk.storage, &desk.env, &config, &model).await {
                    log::write(Level::Error, "a model cannot be kept", [("error", error.to_string().into())]);
                }
            });
        }
        Ok(())
    }

    fn forget(&self, id: &VideoId) -> Result<(), DispatchError> {
        self.spending()?.forget(id)?;
        self.owned()?.remove(id)?;
        Ok(self.line()?.forget(id)?)
    }

    fn owned(&self) -> Result<OwnedVideos<'_>, DispatchError> {
        Ok(OwnedVideos::open(&self.storage)?)
    }

    fn paces(&self) -> Result<Paces<'_>, DispatchError> {
        Ok(Paces::open(&self.storage)?)
    }

    fn spending(&self) -> Result<Spending<'_>, DispatchError> {
        Ok(Spending::open(&self.storage, clock::now())?)
    }

    /// The line as it is at this moment.
    fn line(&self) -> Result<WaitingLine<'_>, DispatchError> {
        Ok(WaitingLine::open(&self.storage, Config::of(&self.env)?, clock::moment())?)
    }

    async fn keep_alarm(&self) -> Result<(), DispatchError> {
        let due = self.line()?.alarm()?;
        Ok(self.storage.set_alarm(due).await?)
    }
}
