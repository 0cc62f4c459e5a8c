//! Deliveries to the operator's webhook: one for each ending and for nothing else. No other work waits for them.

use super::life::{COPY_DEADLINE_MS, Life, job, succeeded};
use hailuo_worker::video::delivery::DeliveryResponse;
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
            Effect::Notify(webhook_id) => told = Some(webhook_id),
            _ => {}
        }
    }
    told
}

fn answer(life: &mut Life, webhook_id: &str, status: u16) {
    let answer = Ok(DeliveryResponse { status, retry_after: None });
    life.on(Event::Notified { webhook_id: webhook_id.to_owned(), response: answer });
}

#[test]
fn an_ending_is_delivered_last_and_retried_until_accepted() {
    let mut life = cancelled();
    let effects = life.wake();
    let [Effect::Perform(WorkItem::SyncSlot), Effect::Perform(WorkItem::Publish), Effect::Notify(first)] =
        &effects[..]
    else {
        panic!("{effects:?}");
    };
    for item in [WorkItem::SyncSlot, WorkItem::Publish] {
        life.on(Event::WorkDone { item, succeeded: true });
    }
    answer(&mut life, first, 500);
    let now = life.now;
    assert_eq!(told(&mut life).as_ref(), Some(first));
    assert_eq!(life.now - now, 5000);
    answer(&mut life, first, 204);
    assert_eq!(life.task.alarm(), None);
}

#[test]
fn without_a_webhook_nothing_is_delivered() {
    let mut life = Life::begin();
    life.on(Event::CancelRequested);
    assert_eq!((told(&mut life), life.task.alarm()), (None, None));

    let mut life = cancelled();
    life.policy.notify = None;
    assert_eq!((told(&mut life), life.task.alarm()), (None, None));
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
