//! Scenarios from the submit to the answer to Run.

use super::{ENTER, IMAGE, in_line, submitting, working};
use crate::life::{Life, RETENTION_SECONDS, START, TASK_DEADLINE_MS, job, output, source, succeeded};
use hailuo_worker::video::lifecycle::event::{Effect, Event, RunOutcome, SlotReply};
use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::money::Usd;
use hailuo_worker::video::record::{Failure, FailureCode, Status};
use hailuo_worker::video::task::Phase;
use hailuo_worker::video::task::tombstone::Tombstone;
use hailuo_worker::video::time::{Millis, UnixMillis};

#[test]
fn a_video_without_faults_completes() {
    let mut life = Life::begin();
    assert_eq!((life.status(), life.wakes_in()), (Status::Queued, 0));
    assert_eq!(life.wake(), [Effect::AcquireSlot { retry_after: None }]);
    life.on(Event::SlotReplied(SlotReply::Granted(None)));
    assert_eq!(life.wake(), [Effect::Run]);
    assert!(!life.task.answerable);
    life.on(Event::RunAnswered(RunOutcome::Started(job())));
    assert_eq!((life.status(), life.wakes_in()), (Status::InProgress, 30_000));
    assert!(life.task.answerable);
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::Publish)]);
    life.on(Event::WorkDone { item: WorkItem::Publish, succeeded: true });
    assert_eq!(life.wake(), [Effect::Check(job())]);
    life.observe(working("task_start"));
    assert_eq!((life.task.record.stage.as_str(), life.wakes_in()), ("task_start", 60_000));
    assert_eq!(life.next(), Some(Effect::Check(job())));
    life.observe(succeeded());
    assert_eq!(life.task.record.stage, "storing");
    // Its slot is released when the upstream has finished.
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::Report), Effect::Copy(source())]);
    life.on(Event::WorkDone { item: WorkItem::Report, succeeded: true }).on(Event::Copied(Some(output())));
    let work = [WorkItem::Purge, WorkItem::Report, WorkItem::Publish];
    assert_eq!(life.wake(), work.map(Effect::Perform));
    life.on(Event::WorkDone { item: WorkItem::Purge, succeeded: true });
    life.on(Event::WorkDone { item: WorkItem::Report, succeeded: true });
    life.on(Event::WorkDone { item: WorkItem::Publish, succeeded: true });
    let record = &life.task.record;
    assert_eq!((record.status, record.stage.as_str(), record.progress), (Status::Completed, "done", 100));
    assert_eq!(record.cost_usd.as_deref(), Some("0.28"));
    let retention = i64::try_from(RETENTION_SECONDS).unwrap();
    assert_eq!(record.expires_at, Some(record.completed_at.unwrap() + retention));
    assert!(life.is_at_rest());
}

#[test]
fn a_job_waits_for_its_image_and_is_removed_without_it() {
    let mut life = Life::begin_with(Some(IMAGE));
    assert!(!life.task.answerable);
    life.on(Event::CallbackReceived(None)).on(Event::ImageStored);
    assert_eq!(life.next(), ENTER);
    life.on(Event::ImageStored).on(Event::SlotReplied(SlotReply::Granted(None)));
    assert_eq!(life.next(), Some(Effect::Run));
    life.on(Event::ImageStored);
    assert!(matches!(life.task.phase, Phase::Submitting { .. }), "stored twice");

    let mut life = Life::begin_with(Some(IMAGE));
    assert_eq!(life.wake(), [Effect::Remove { purge: None }]);
    assert_eq!(life.now - START, 600_000);
}

#[test]
fn a_queued_job_has_a_position_and_starts_with_its_slot() {
    let mut life = in_line(4);
    assert_eq!((life.status(), life.task.record.queue_position), (Status::Queued, Some(4)));
    assert!(life.task.answerable);
    life.now += 5000;
    life.on(Event::SlotGranted);
    assert_eq!((life.wakes_in(), life.next()), (0, ENTER));
    life.on(Event::SlotReplied(SlotReply::Granted(None)));
    assert_eq!((life.task.record.queue_position, life.next()), (None, Some(Effect::Run)));
    life.on(Event::SlotGranted).on(Event::SlotReplied(SlotReply::Granted(None)));
    assert!(matches!(life.task.phase, Phase::Submitting { .. }), "called twice");
}

#[test]
fn a_queued_job_asks_every_minute_until_its_deadline() {
    let mut life = in_line(4);
    let mut asked = 0;
    while life.next().is_some() {
        life.on(Event::SlotReplied(SlotReply::Queued(4)));
        asked += 1;
    }
    assert_eq!((asked, life.failure()), (10, Some(FailureCode::UpstreamUnavailable)));
    assert_eq!(life.now - START, TASK_DEADLINE_MS + 999);
}

#[test]
fn an_unreachable_queue_stops_jobs_only_with_max_active() {
    let mut life = Life::begin();
    life.policy.max_active = None;
    life.next();
    life.on(Event::SlotReplied(SlotReply::Unreachable));
    assert_eq!(life.next(), Some(Effect::Run));

    let mut life = Life::begin();
    life.next();
    life.on(Event::SlotReplied(SlotReply::Unreachable));
    assert!((1900..2100).contains(&life.wakes_in()) && life.task.answerable);
    assert_eq!(life.next(), ENTER);
}

#[test]
fn a_job_refused_for_capacity_returns_to_the_queue() {
    let mut life = submitting();
    life.on(Event::RunAnswered(RunOutcome::AtCapacity { retry_after: Some(Millis::new(9000)) }));
    assert_eq!((life.status(), life.task.record.stage.as_str()), (Status::Queued, "waiting"));
    assert_eq!(life.next(), Some(Effect::AcquireSlot { retry_after: Some(Millis::new(9000)) }));
    life.on(Event::SlotReplied(SlotReply::Queued(1)));
    assert_eq!(life.next(), ENTER);
}

#[test]
fn a_run_that_did_not_start_is_retried_until_the_deadline() {
    let mut life = submitting();
    let mut waits = Vec::new();
    loop {
        life.on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: None }));
        assert_eq!(life.task.record.stage, "waiting");
        waits.push(life.wakes_in());
        // Through the queue, because the circuit breaker may have opened meanwhile.
        if life.next() != ENTER {
            break;
        }
        life.on(Event::SlotReplied(SlotReply::Granted(None)));
        assert_eq!(life.next(), Some(Effect::Run));
    }
    assert!((1900..2100).contains(&waits[0]) && (4900..5100).contains(&waits[1]), "{waits:?}");
    assert_eq!((life.status(), life.failure()), (Status::Failed, Some(FailureCode::UpstreamUnavailable)));
    assert_eq!(life.now - START, TASK_DEADLINE_MS + 999);
}

#[test]
fn retry_after_is_the_minimum_delay() {
    let mut life = submitting();
    life.on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: Some(Millis::new(20_000)) }));
    assert_eq!(life.wakes_in(), 20_000);
}

#[test]
fn a_refused_run_fails_at_once() {
    let failure = Failure { code: FailureCode::UpstreamRejected, message: "no".to_owned() };
    let mut life = submitting();
    life.on(Event::RunAnswered(RunOutcome::Refused(failure.clone())));
    assert_eq!((life.status(), life.task.record.error.clone()), (Status::Failed, Some(failure)));
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::Report), Effect::Perform(WorkItem::Publish)]);
}

#[test]
fn unknown_and_requested_outcomes_of_run_are_reported() {
    let report = Effect::Perform(WorkItem::ReportRun);
    let outcomes = [
        (RunOutcome::Unknown, SlotReply::Granted(None), true),
        (RunOutcome::Unknown, SlotReply::GrantedWithReport(None), true),
        (RunOutcome::Started(job()), SlotReply::Granted(None), false),
        (RunOutcome::Started(job()), SlotReply::GrantedWithReport(None), true),
        (RunOutcome::NotStarted { retry_after: None }, SlotReply::GrantedWithReport(None), true),
    ];
    for (outcome, entry, is_reported) in outcomes {
        let mut life = Life::begin();
        assert_eq!(life.next(), ENTER);
        life.on(Event::SlotReplied(entry));
        assert_eq!(life.next(), Some(Effect::Run));
        life.on(Event::RunAnswered(outcome.clone()));
        assert_eq!(life.wake().contains(&report), is_reported, "{outcome:?} {entry:?}");
    }
}

#[test]
fn a_submit_to_a_full_queue_is_refused_without_a_trace() {
    let mut life = Life::begin();
    assert_eq!(life.next(), ENTER);
    life.on(Event::SlotReplied(SlotReply::QueueFull));
    assert_eq!(life.failure(), Some(FailureCode::UpstreamUnavailable));
    assert_eq!(life.wake(), [Effect::Remove { purge: None }]);
    assert_eq!(Tombstone::of(&life.task, UnixMillis::new(life.now)), None);
    assert_eq!(life.task.charge(), Some(Usd::default()));
    // A job that is already queued stays queued.
    let mut life = in_line(4);
    assert_eq!(life.next(), ENTER);
    life.on(Event::SlotReplied(SlotReply::QueueFull));
    assert!(matches!(life.task.phase, Phase::Queued(0)));
}
