//! The callers' side of [`Dispatcher`](super::dispatcher_object::Dispatcher).

use worker::{Env, ObjectNamespace};

use super::dispatcher_object::{BINDING, Message, NAME};
use super::object_call::{CallError, call};
use super::upload_folder::Folder;
use crate::video::budget::{Charge, Shortage, Usage};
use crate::video::event::Entry;
use crate::video::id::VideoId;
use crate::video::listing::Listing;
use crate::video::owner::Owner;
use crate::video::task::Owned;
use crate::video::time::{Millis, UnixMillis};

/// Most batches that one sweep asks for.
const MAX_SWEEP_BATCHES: u32 = 10;

pub struct Dispatch {
    namespace: ObjectNamespace,
}

impl Dispatch {
    /// Fails when the binding is missing; everything else when the object does not answer.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { namespace: env.durable_object(BINDING)? })
    }

    /// Asks for the price of a video of that kind, before there is one; again is once.
    pub async fn reserve(&self, owned: Owned, kind: String) -> Result<Option<Shortage>, CallError> {
        call(&self.namespace, NAME, &Message::Reserve(owned, kind)).await
    }

    /// What that client has spent today.
    pub async fn usage(&self, owner: &Owner) -> Result<Usage, CallError> {
        call(&self.namespace, NAME, &Message::Usage(owner.clone())).await
    }

    /// Asks for a place at the upstream, or for one's position; see
    /// [`Effect::Enter`](crate::video::event::Effect::Enter).
    pub async fn enter(
        &self,
        owned: Owned,
        kind: String,
        turned_away: Option<Millis>,
    ) -> Result<Entry, CallError> {
        call(&self.namespace, NAME, &Message::Enter(owned, kind, turned_away)).await
    }

    /// The position in line, counted from 1, of a job that waits.
    pub async fn position(&self, id: &VideoId) -> Result<Option<u32>, CallError> {
        call(&self.namespace, NAME, &Message::Position(id.clone())).await
    }

    /// The job needs no place at the upstream any more; it took so long, if that is known, and cost so much.
    pub async fn leave(
        &self,
        owned: Owned,
        kind: String,
        took: Option<Millis>,
        charge: Charge,
    ) -> Result<(), CallError> {
        call(&self.namespace, NAME, &Message::Leave(owned, kind, took, charge)).await
    }

    /// The ids of a page of the owner's videos, and whether more come behind it; `None` when there is no such
    /// video as they are to come behind.
    pub async fn list(
        &self,
        owner: &Owner,
        listing: Listing,
    ) -> Result<Option<(Vec<VideoId>, bool)>, CallError> {
        call(&self.namespace, NAME, &Message::List(owner.clone(), listing)).await
    }

    /// There is nothing left to look after, and nothing more to learn of the cost.
    pub async fn forget(&self, owned: Owned, charge: Charge) -> Result<(), CallError> {
        call(&self.namespace, NAME, &Message::Forget(owned, charge)).await
    }

    /// Which folder uploads go to.
    pub async fn folder(&self) -> Result<Folder, CallError> {
        call(&self.namespace, NAME, &Message::Folder).await
    }

    /// The upstream does not know this folder any more.
    pub async fn forget_folder(&self, id: String) -> Result<(), CallError> {
        call(&self.namespace, NAME, &Message::ForgetFolder(id)).await
    }

    /// Looks after every video that is due for it `as_of` then, in bounded batches.
    pub async fn sweep(&self, as_of: UnixMillis) -> Result<(), CallError> {
        for _ in 0..MAX_SWEEP_BATCHES {
            let is_done: bool = call(&self.namespace, NAME, &Message::Sweep(as_of)).await?;
            if is_done {
                break;
            }
        }
        Ok(())
    }
}
