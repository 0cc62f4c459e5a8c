//! Deliveries to the operator's webhook: one for each ending and for nothing else. No other work waits for them.

use super::life::{COPY_DEADLINE_MS, Life, job, succeeded};
use hailuo_worker::video::delivery::{DeliveryResponse, OwnerWebhook, Recipient};
use hailuo_worker::video::lifecycle::event::{Effect, Event, RunOutcome, SlotReply};
use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::lifecycle::retry_schedule::RetrySchedule;
use hailuo_worker::video::record::{FailureCode, Status};
use hailuo_worker::video::time::UnixMillis;

fn begin() -> Life {
    let mut life = Life::begin();
    life.policy.notify = Some(RetrySchedule::parse("5,300").unwrap());
    life
}

fn cancelled() -> Life {
    let mut life = begin();
    life.on(Event::CancelRequested);
    assert_eq!(life.status(), Status::Cancelled);
    life
}

fn storage_failed() -> Life {
    let mut life = begin();
    life.wake();
    life.on(Event::SlotReplied(SlotReply::Granted(None))).wake();
    life.on(Event::RunAnswered(RunOutcome::Started(job()))).observe(succeeded());
    life.now += COPY_DEADLINE_MS;
    life.on(Event::Copied(None));
    assert_eq!(life.failure(), Some(FailureCode::StorageFailed));
    life
}

/// The delivery at the next alarm; all other effects succeed.
fn told(life: &mut Life) -> Option<String> {
    let mut told = None;
    for effect in life.wake() {
        match effect {
            Effect::Perform(item) => {
                life.on(Event::WorkDone { item, succeeded: true });
            }
            Effect::Notify(Recipient::Operator, webhook_id) => told = Some(webhook_id),
            _ => {}
        }
    }
    told
}

fn answer(life: &mut Life, webhook_id: &str, status: u16) {
    answer_of(life, Recipient::Operator, webhook_id, status);
}

#[test]
fn an_ending_is_delivered_last_and_retried_until_accepted() {
    let mut life = cancelled();
    let effects = life.wake();
    let [
        Effect::Perform(WorkItem::Report),
        Effect::Perform(WorkItem::Publish),
        Effect::Notify(Recipient::Operator, first),
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    for item in [WorkItem::Report, WorkItem::Publish] {
        life.on(Event::WorkDone { item, succeeded: true });
    }
    answer(&mut life, first, 500);
    let now = life.now;
    assert_eq!(told(&mut life).as_ref(), Some(first));
    assert_eq!(life.now - now, 5000);
    answer(&mut life, first, 204);
    assert!(life.is_at_rest());
}

fn answer_of(life: &mut Life, recipient: Recipient, webhook_id: &str, status: u16) {
    let response = Ok(DeliveryResponse { status, retry_after: None });
    life.on(Event::Notified { recipient, webhook_id: webhook_id.to_owned(), response });
}

/// The deliveries at the next alarm; all other effects succeed.
fn all_told(life: &mut Life) -> Vec<(Recipient, String)> {
    let mut told = Vec::new();
    for effect in life.wake() {
        match effect {
            Effect::Perform(item) => {
                life.on(Event::WorkDone { item, succeeded: true });
            }
            Effect::Notify(recipient, webhook_id) => told.push((recipient, webhook_id)),
            _ => {}
        }
    }
    told
}

#[test]
fn both_webhooks_get_the_event_and_do_not_depend_on_each_other() {
    let mut life = begin();
    life.task.owner_webhook = Some(OwnerWebhook::new("https://hooks.example.com/".to_owned()));
    life.on(Event::CancelRequested);
    let told = all_told(&mut life);
    let [(Recipient::Operator, id), (Recipient::Owner, same)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(id, same);
    answer_of(&mut life, Recipient::Operator, id, 410);
    answer_of(&mut life, Recipient::Owner, id, 500);
    assert_eq!(all_told(&mut life), [(Recipient::Owner, id.clone())]);
    answer_of(&mut life, Recipient::Owner, id, 204);
    assert!(life.is_at_rest());
}

#[test]
fn a_callback_url_needs_no_webhook_of_the_operator_and_stops_with_the_video() {
    let mut life = Life::begin();
    life.task.owner_webhook = Some(OwnerWebhook::new("https://hooks.example.com/".to_owned()));
    life.on(Event::CancelRequested);
    let told = all_told(&mut life);
    let [(Recipient::Owner, id)] = &told[..] else { panic!("{told:?}") };
    answer_of(&mut life, Recipient::Owner, id, 500);
    life.on(Event::DeleteRequested);
    assert_eq!(life.wake(), [Effect::Remove { purge: None }]);
}

#[test]
fn without_a_webhook_nothing_is_delivered() {
    let mut life = Life::begin();
    life.on(Event::CancelRequested);
    assert_eq!((told(&mut life), life.is_at_rest()), (None, true));

    let mut life = cancelled();
    life.policy.notify = None;
    assert_eq!((told(&mut life), life.is_at_rest()), (None, true));
}

#[test]
fn a_deleted_or_expired_video_is_not_delivered() {
    for delete in [Event::DeleteRequested, Event::Reconciled(UnixMillis::new(i64::MAX))] {
        let mut life = cancelled();
        life.on(delete);
        assert_eq!(life.wake(), [Effect::Remove { purge: None }]);
    }
}

#[test]
fn a_redriven_video_is_delivered_again() {
    let mut life = storage_failed();
    let first = told(&mut life).unwrap();
    life.on(Event::RedriveRequested);
    assert!(!life.task.deliveries.is_pending(&first));
    answer(&mut life, &first, 500);
    assert_eq!(told(&mut life), None, "it goes on");
    life.observe(succeeded());
    life.now += COPY_DEADLINE_MS;
    life.on(Event::Copied(None));
    let second = told(&mut life);
    assert!(second.is_some() && second != Some(first));
}
