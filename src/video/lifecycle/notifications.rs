//! The webhooks that are told of a video's end: the operator's, and the `callback_url` of the submit.

use super::Policy;
use super::event::Effect;
use super::retry_schedule::RetrySchedule;
use crate::video::delivery::{Deliveries, DeliveryResponse, Recipient};
use crate::video::task::Task;
use crate::video::time::UnixMillis;

impl Task {
    /// The deliveries to one recipient; `None` if the submit gave no `callback_url`.
    #[must_use]
    pub fn deliveries_to(&self, recipient: Recipient) -> Option<&Deliveries> {
        match recipient {
            Recipient::Operator => Some(&self.deliveries),
            Recipient::Owner => self.owner_webhook.as_ref().map(|webhook| &webhook.deliveries),
        }
    }

    fn all_deliveries(&mut self) -> impl Iterator<Item = (Recipient, &mut Deliveries)> {
        let owner = self.owner_webhook.as_mut().map(|webhook| (Recipient::Owner, &mut webhook.deliveries));
        [(Recipient::Operator, &mut self.deliveries)].into_iter().chain(owner)
    }

    /// Adds one event, which has the same id for both recipients.
    pub(super) fn add_deliveries(&mut self, policy: &Policy, now: UnixMillis) {
        let id = self.record.id.clone();
        let latest = self.all_deliveries().map(|(_, deliveries)| deliveries.events()).max();
        let number = latest.unwrap_or_default().saturating_add(1);
        for (recipient, deliveries) in self.all_deliveries() {
            if policy.schedule(recipient).is_some() {
                deliveries.add(&id, number, now);
            }
        }
    }

    pub(super) fn stop_deliveries(&mut self) {
        self.all_deliveries().for_each(|(_, deliveries)| deliveries.stop());
    }

    /// The operator's delivery first, which does not wait for a client's slow receiver.
    pub(super) fn take_due_deliveries(
        &mut self,
        policy: &Policy,
        now: UnixMillis,
        guard: UnixMillis,
    ) -> Vec<Effect> {
        let due = self.all_deliveries().filter_map(|(recipient, deliveries)| {
            if policy.schedule(recipient).is_none() {
                deliveries.stop();
            }
            Some(Effect::Notify(recipient, deliveries.take_due(now, guard)?))
        });
        due.collect()
    }

    pub(super) fn notified(
        &mut self,
        recipient: Recipient,
        webhook_id: String,
        response: Result<DeliveryResponse, String>,
        policy: &Policy,
        now: UnixMillis,
    ) {
        let mut all = self.all_deliveries();
        if let Some((_, deliveries)) = all.find(|(known, _)| *known == recipient) {
            deliveries.complete(webhook_id, response, policy.schedule(recipient), now);
        }
    }
}

impl Policy {
    /// `None` if nothing is delivered to this recipient.
    const fn schedule(&self, recipient: Recipient) -> Option<&RetrySchedule> {
        match recipient {
            Recipient::Operator => self.notify.as_ref(),
            Recipient::Owner => Some(&self.notify_owner),
        }
    }
}
