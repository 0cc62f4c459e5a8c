//! What the `Dispatcher` object is asked and answers, and the callers' side of it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::Env;

use super::objects::{CallError, Objects};
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::lifecycle::event::Entry;
use crate::video::money::Usd;
use crate::video::money::budget::Shortage;
use crate::video::record::listing::{Listing, Page};
use crate::video::task::Owned;
use crate::video::task::search::JobClaim;
use crate::video::time::{Millis, UnixMillis};
use crate::wiro::files::Refusal;
use crate::wiro::model::ModelDescription;

pub const BINDING: &str = "DISPATCHER";

/// The one object's name.
pub const NAME: &str = "dispatcher";

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Reserves the price of a video of that kind, which is to be made →
    /// a [`Shortage`], or null
    Reserve(Owned, String),
    /// → what the owner has spent today, and what its jobs in flight may cost
    Usage(Owner),
    /// Asks for a place for a video of that kind, perhaps after the upstream has turned it away for so long →
    /// [`Entry`]
    Enter(Owned, String, Option<Millis>),
    /// → a number or null
    Position(VideoId),
    /// Gives the place back; a video of that kind took so long, and cost so much → null
    Leave(Owned, String, Option<Millis>, Option<Usd>),
    /// Takes a place again, above the limits if need be, for a video of that kind, which cost so much → null
    TakePlace(Owned, String, Option<Usd>),
    /// Whether the outcome of a Run is known → null
    RunAnswered(bool),
    /// → null
    Forget(Owned, Option<Usd>),
    /// A page of the owner's videos → [`Page`], or null
    List(Owner, Listing),
    /// Look after a batch of what is due as of then → whether it was the last one.
    Sweep(UnixMillis),
    /// Which folder uploads go to → its id, or a [`Refusal`]
    Folder,
    /// There is no such folder any more → null
    ForgetFolder(String),
    /// What Wiro tells of a model → [`ModelDescription`] as a text of JSON, or null
    DescribeModel(String),
    /// Takes a job of the upstream for that video → whether it may have it
    ClaimJob(VideoId, Box<JobClaim>),
    /// Run refused parameters: what is known of the model may be wrong → null
    DistrustModel(String),
}

/// Most batches that one sweep asks for.
const MAX_SWEEP_BATCHES: u32 = 10;

pub struct Dispatch {
    objects: Objects,
}

impl Dispatch {
    /// Fails when the binding is missing; everything else when the object does not answer.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { objects: Objects::bound(env, BINDING)? })
    }

    async fn ask<R: DeserializeOwned>(&self, message: Message) -> Result<R, CallError> {
        self.objects.call(NAME, &message).await
    }

    /// Asks for the price of a video of that kind, before there is one; again is once.
    pub async fn reserve(&self, owned: Owned, kind: String) -> Result<Option<Shortage>, CallError> {
        self.ask(Message::Reserve(owned, kind)).await
    }

    /// What that client has spent today, and what its jobs in flight may cost.
    pub async fn usage(&self, owner: &Owner) -> Result<(Usd, Usd), CallError> {
        self.ask(Message::Usage(owner.clone())).await
    }

    /// Asks for a place at the upstream, or for one's position; see
    /// [`Effect::Enter`](crate::video::lifecycle::event::Effect::Enter).
    pub async fn enter(
        &self,
        owned: Owned,
        kind: String,
        turned_away: Option<Millis>,
    ) -> Result<Entry, CallError> {
        self.ask(Message::Enter(owned, kind, turned_away)).await
    }

    /// The position in line, counted from 1, of a job that waits.
    pub async fn position(&self, id: &VideoId) -> Result<Option<u32>, CallError> {
        self.ask(Message::Position(id.clone())).await
    }

    /// The job needs no place at the upstream any more; it took so long, if that is known, and cost so much, if
    /// that is.
    pub async fn leave(
        &self,
        owned: Owned,
        kind: String,
        took: Option<Millis>,
        cost: Option<Usd>,
    ) -> Result<(), CallError> {
        self.ask(Message::Leave(owned, kind, took, cost)).await
    }

    /// A job that had given its place up needs one again, whether or not one is free; it cost so much, if that is known.
    pub async fn take_place(&self, owned: Owned, kind: String, cost: Option<Usd>) -> Result<(), CallError> {
        self.ask(Message::TakePlace(owned, kind, cost)).await
    }

    /// Whether the upstream answered a Run, so that its outcome is known.
    pub async fn run_answered(&self, is_known: bool) -> Result<(), CallError> {
        self.ask(Message::RunAnswered(is_known)).await
    }

    /// A page of the owner's videos; `None` when there is no such video as it is to start behind.
    pub async fn list(&self, owner: &Owner, listing: Listing) -> Result<Option<Page>, CallError> {
        self.ask(Message::List(owner.clone(), listing)).await
    }

    /// There is nothing left to look after, and nothing more to learn of the cost.
    pub async fn forget(&self, owned: Owned, cost: Option<Usd>) -> Result<(), CallError> {
        self.ask(Message::Forget(owned, cost)).await
    }

    /// Which folder uploads go to.
    pub async fn folder(&self) -> Result<Result<String, Refusal>, CallError> {
        self.ask(Message::Folder).await
    }

    /// The upstream does not know this folder any more.
    pub async fn forget_folder(&self, id: String) -> Result<(), CallError> {
        self.ask(Message::ForgetFolder(id)).await
    }

    /// Takes a job of the upstream for this video, unless another has it or may have it.
    pub async fn claim_job(&self, id: &VideoId, claim: JobClaim) -> Result<bool, CallError> {
        self.ask(Message::ClaimJob(id.clone(), Box::new(claim))).await
    }

    /// What Wiro tells of a model; `None` while it tells nothing.
    pub async fn describe_model(&self, slug: &str) -> Result<Option<ModelDescription>, CallError> {
        let json: Option<String> = self.ask(Message::DescribeModel(slug.to_owned())).await?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// What is known of the model may be wrong: it is read again.
    pub async fn distrust_model(&self, slug: &str) -> Result<(), CallError> {
        self.ask(Message::DistrustModel(slug.to_owned())).await
    }

    /// Looks after every video that is due for it `as_of` then, in bounded batches.
    pub async fn sweep(&self, as_of: UnixMillis) -> Result<(), CallError> {
        for _ in 0..MAX_SWEEP_BATCHES {
            let is_done: bool = self.ask(Message::Sweep(as_of)).await?;
            if is_done {
                break;
            }
        }
        Ok(())
    }
}
