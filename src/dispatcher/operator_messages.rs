//! The answers to what the operator asks and decides: lists, usage, clients at run time, the pause, releases and
//! erasures.

use serde_json::{Value, json};

use super::clients::ClientTotals;
use super::health::health;
use super::object::{DispatcherError, Inner};
use super::owned_videos::OwnedVideos;
use super::uploads;
use crate::calls::dispatcher::OperatorMessage;
use crate::config::Config;
use crate::runtime::clock;
use crate::video::access::owner::Owner;

impl Inner {
    pub(super) fn answer_operator(&self, message: OperatorMessage) -> Result<Value, DispatcherError> {
        let config = Config::of(&self.env)?;
        let (storage, now) = (&self.storage, clock::now());
        Ok(match message {
            OperatorMessage::UsageReport(query) => json!(self.accounts()?.report(&query)?),
            OperatorMessage::Health => json!(health(storage, &self.queue()?, self.clients()?.paused)?),
            OperatorMessage::ListAll(client, listing) => {
                json!(self.accounts()?.lists().page_for_operator(client.as_ref(), &listing)?)
            }
            OperatorMessage::OfRequest(id) => json!(self.accounts()?.lists().of_request(&id)?),
            OperatorMessage::ManagedClients(version) => {
                let clients = self.clients()?;
                json!((version != Some(clients.version)).then_some(&*clients))
            }
            OperatorMessage::Clients(request) => {
                let (accounts, queue) = (self.accounts()?, self.queue()?);
                let totals_of = |name: &Owner| {
                    let (spent, reserved) = accounts.usage_of(name)?;
                    Ok(ClientTotals { spent, reserved, active: queue.active_of(name)? })
                };
                let reply = self.clients.answer(storage, &config, *request, &totals_of, now)?;
                self.queue()?.grant_free_slots()?;
                json!(reply)
            }
            OperatorMessage::Pause(paused) => {
                self.clients.pause(storage, &config, paused, now)?;
                json!(self.queue()?.grant_free_slots()?)
            }
            OperatorMessage::Release(id) => json!(self.accounts()?.spending().release(&id)?),
            OperatorMessage::Uploads(owner, message) => {
                json!(uploads::answer(storage, &owner, message, now)?)
            }
            OperatorMessage::EraseClient(owner) => json!(self.erase(&owner)?),
        })
    }

    /// Removes what is stored of a client besides its videos, what they cost, and the files that Wiro has of it.
    fn erase(&self, owner: &Owner) -> Result<(), DispatcherError> {
        self.queue()?.return_turn(owner)?;
        OwnedVideos::open(&self.storage, true)?.forget_removed(owner)?;
        Ok(uploads::forget_bytes(&self.storage, owner)?)
    }
}
