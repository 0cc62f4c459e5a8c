//! Written scenarios for each phase.

use super::life::{
    COPY_DEADLINE_MS, Life, RETENTION_SECONDS, START, TASK_DEADLINE_MS, failed, job, output, search, source,
    succeeded,
};
use hailuo_worker::video::lifecycle::event::{Effect, Event, Observation, RunOutcome, SlotReply};
use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::lifecycle::retry_schedule::RetrySchedule;
use hailuo_worker::video::money::Usd;
use hailuo_worker::video::record::{Failure, FailureCode, Image, Status};
use hailuo_worker::video::request::ImageType;
use hailuo_worker::video::task::Phase;
use hailuo_worker::video::task::search::SearchOutcome;
use hailuo_worker::video::task::tombstone::Tombstone;
use hailuo_worker::video::time::{Millis, UnixMillis};

const ENTER: Option<Effect> = Some(Effect::AcquireSlot { retry_after: None });
const IMAGE: Image = Image { content_type: ImageType::Png, size: 7 };

fn working(status: &str) -> Observation {
    Observation::Working { status: status.to_owned(), ignored: None }
}

/// A task that has a slot and has sent Run.
fn submitting() -> Life {
    let mut life = Life::begin();
    assert_eq!(life.next(), ENTER);
    life.on(Event::SlotReplied(SlotReply::Granted(None)));
    assert_eq!(life.next(), Some(Effect::Run));
    life
}

fn in_line(position: u32) -> Life {
    let mut life = Life::begin();
    assert_eq!(life.next(), ENTER);
    life.on(Event::SlotReplied(SlotReply::Queued(position)));
    life
}

fn unknown() -> Life {
    let mut life = submitting();
    life.on(Event::RunAnswered(RunOutcome::Unknown));
    life
}

fn running() -> Life {
    let mut life = submitting();
    life.on(Event::RunAnswered(RunOutcome::Started(job())));
    life
}

fn checking() -> Life {
    let mut life = running();
    assert_eq!(life.next(), Some(Effect::Check(job())));
    life
}

fn storing() -> Life {
    let mut life = checking();
    life.observe(succeeded());
    life
}

fn given_up() -> Life {
    let mut life = unknown();
    while life.next().is_some() {
        life.on(Event::Searched(SearchOutcome::NotFound));
    }
    assert_eq!(life.failure(), Some(FailureCode::SubmissionUnknown));
    life
}

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
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::SyncSlot), Effect::Copy(source())]);
    life.on(Event::WorkDone { item: WorkItem::SyncSlot, succeeded: true }).on(Event::Copied(Some(output())));
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::Purge), Effect::Perform(WorkItem::Publish)]);
    life.on(Event::WorkDone { item: WorkItem::Purge, succeeded: true });
    life.on(Event::WorkDone { item: WorkItem::Publish, succeeded: true });
    let record = &life.task.record;
    assert_eq!((record.status, record.stage.as_str(), record.progress), (Status::Completed, "done", 100));
    assert_eq!(record.cost_usd.as_deref(), Some("0.28"));
    let retention = i64::try_from(RETENTION_SECONDS).unwrap();
    assert_eq!(record.expires_at, Some(record.completed_at.unwrap() + retention));
    assert_eq!(life.task.alarm(), None);
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
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::SyncSlot), Effect::Perform(WorkItem::Publish)]);
}

#[test]
fn an_unknown_run_is_never_sent_again() {
    // The answer is lost; or the object crashes before it arrives, and the crash guard wakes it.
    for crashed in [false, true] {
        let mut life = submitting();
        if crashed {
            assert_eq!(life.wakes_in(), 10_000);
            assert_eq!(life.wake(), []);
        } else {
            life.on(Event::RunAnswered(RunOutcome::Unknown));
        }
        assert_eq!(life.status(), Status::InProgress);
        let lost_at = life.now;
        while life.next().is_some_and(|effect| effect == search(None)) {
            life.on(Event::Searched(SearchOutcome::NotFound));
        }
        assert_eq!(life.failure(), Some(FailureCode::SubmissionUnknown));
        assert_eq!(life.now - lost_at, TASK_DEADLINE_MS);
    }
}

#[test]
fn a_found_job_continues_with_an_immediate_check() {
    let mut life = unknown();
    life.next();
    life.on(Event::Searched(SearchOutcome::Found(job())));
    assert_eq!((life.status(), life.wakes_in()), (Status::InProgress, 0));
    assert_eq!(life.next(), Some(Effect::Check(job())));
}

#[test]
fn a_callback_names_the_job_for_the_search() {
    let mut life = unknown();
    life.on(Event::CallbackReceived(Some(job()))).on(Event::CallbackReceived(None));
    assert_eq!((life.wakes_in(), life.next()), (0, Some(search(Some(job())))));
}

#[test]
fn a_callback_during_run_names_the_job_if_the_answer_is_lost() {
    for crashed in [false, true] {
        let mut life = submitting();
        life.on(Event::CallbackReceived(Some(job()))).on(Event::CallbackReceived(None));
        if crashed {
            assert_eq!(life.wake(), []);
        } else {
            life.on(Event::RunAnswered(RunOutcome::Unknown));
        }
        assert_eq!((life.wakes_in(), life.next()), (0, Some(search(Some(job())))));
    }
    // A second Run would be another job.
    let mut life = submitting();
    life.on(Event::CallbackReceived(Some(job())));
    life.on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: None }));
    assert_eq!(life.next(), ENTER);
    life.on(Event::SlotReplied(SlotReply::Granted(None)));
    assert_eq!(life.next(), Some(Effect::Run));
    life.on(Event::RunAnswered(RunOutcome::Unknown));
    assert_eq!(life.next(), Some(search(None)));
}

#[test]
fn a_callback_after_the_deadline_resumes_a_failed_video() {
    let mut life = given_up();
    life.now += 3_600_000;
    life.on(Event::CallbackReceived(None));
    assert_eq!(life.failure(), Some(FailureCode::SubmissionUnknown), "not before it is found");
    life.next();
    life.on(Event::Searched(SearchOutcome::Found(job())));
    assert_eq!((life.status(), life.failure()), (Status::InProgress, None));
    // The record in KV, which says failed, is replaced at once.
    assert!(life.wake().contains(&Effect::Perform(WorkItem::Publish)));
    life.observe(succeeded()).on(Event::Copied(Some(output())));
    assert_eq!(life.status(), Status::Completed);
}

#[test]
fn a_resumed_search_without_result_keeps_the_failure() {
    let mut life = given_up();
    let record = life.task.record.clone();
    life.now += 3_600_000;
    life.on(Event::CallbackReceived(None));
    while life.next().is_some() {
        life.on(Event::Searched(SearchOutcome::NotFound));
    }
    assert_eq!((life.task.record, life.task.phase), (record, Phase::Ended { job: None }));
}

#[test]
fn a_late_answer_to_run_is_used() {
    let mut life = submitting();
    life.wake();
    assert!(matches!(life.task.phase, Phase::Unknown { .. }));
    life.on(Event::RunAnswered(RunOutcome::Started(job())));
    assert!(matches!(life.task.phase, Phase::Running { .. }));
}

#[test]
fn a_callback_causes_a_check() {
    let mut life = running();
    life.now += 5000;
    life.on(Event::CallbackReceived(None));
    assert_eq!((life.status(), life.wakes_in()), (Status::InProgress, 0));
    assert_eq!(life.next(), Some(Effect::Check(job())));
    // Only Detail decides, and a second callback during the check is not lost.
    life.on(Event::CallbackReceived(None)).observe(working("task_start"));
    assert_eq!(life.wakes_in(), 1000);
}

#[test]
fn a_callback_before_detail_shows_the_end_causes_fast_checks() {
    let mut life = running();
    life.now += 5000;
    life.on(Event::CallbackReceived(None)).next();
    life.observe(working("task_end"));
    assert!((1900..2100).contains(&life.wakes_in()));
    life.next();
    life.observe(Observation::Unreadable);
    assert!((4900..5100).contains(&life.wakes_in()));
}

#[test]
fn the_deadline_precedes_a_later_check() {
    for outcome in [RunOutcome::Started(job()), RunOutcome::Unknown] {
        let mut life = submitting();
        life.policy.poll = RetrySchedule::parse("3600").unwrap();
        life.policy.search = life.policy.poll.clone();
        life.on(Event::RunAnswered(outcome));
        assert_eq!(life.wakes_in(), TASK_DEADLINE_MS);
    }
}

#[test]
fn a_callback_does_not_postpone_a_check() {
    let mut life = checking();
    life.observe(working("task_start"));
    life.now = life.task.wake_at.unwrap().millis() - 5;
    life.on(Event::CallbackReceived(None));
    assert_eq!(life.wakes_in(), 0);
    life.next();
    life.policy.poll = RetrySchedule::parse("0.2").unwrap();
    life.on(Event::CallbackReceived(None)).observe(working("task_start"));
    assert_eq!(life.wakes_in(), 200);
    life.now += 195;
    life.on(Event::CallbackReceived(None));
    assert_eq!(life.wakes_in(), 5);
}

#[test]
fn callbacks_during_a_slow_check_change_the_task_once() {
    let mut life = running();
    life.now += 5000;
    life.on(Event::CallbackReceived(None)).next();
    life.now += 400;
    life.on(Event::CallbackReceived(None)).observe(working("task_start"));
    assert_eq!(life.wakes_in(), 600);
    let before = life.task.clone();
    life.on(Event::CallbackReceived(None));
    assert_eq!(life.task, before);
}

#[test]
fn callbacks_cause_one_check_a_second_at_most() {
    let mut life = running();
    life.now += 5000;
    life.on(Event::CallbackReceived(None)).next();
    life.observe(working("task_start"));
    life.now += 10;
    for _ in 0..100 {
        life.on(Event::CallbackReceived(None));
    }
    assert_eq!(life.wakes_in(), 990);
}

#[test]
fn repeated_callbacks_change_nothing() {
    for mut life in [submitting(), unknown(), running()] {
        life.on(Event::CallbackReceived(Some(job())));
        let told = life.task.clone();
        for _ in 0..10 {
            life.now += 1000;
            life.on(Event::CallbackReceived(Some(job())));
        }
        assert_eq!(life.task, told);
    }
}

#[test]
fn a_callback_during_run_causes_a_check_afterwards() {
    let mut life = submitting();
    life.on(Event::CallbackReceived(None)).on(Event::RunAnswered(RunOutcome::Started(job())));
    assert_eq!(life.wakes_in(), 0);
}

#[test]
fn a_job_that_never_ends_times_out_after_a_last_check() {
    let mut life = running();
    while life.next() == Some(Effect::Check(job())) {
        life.observe(Observation::Unreadable);
    }
    assert_eq!(life.failure(), Some(FailureCode::UpstreamTimeout));
    assert_eq!(life.now - START, TASK_DEADLINE_MS);
}

#[test]
fn failed_and_cancelled_jobs_have_no_video() {
    for (observation, status, code) in [
        (failed(), Status::Failed, Some(FailureCode::GenerationFailed)),
        (Observation::Cancelled { cost_usd: None }, Status::Cancelled, None),
    ] {
        let mut life = checking();
        life.observe(observation);
        assert_eq!((life.status(), life.failure()), (status, code));
        assert_eq!((life.task.record.stage.as_str(), &life.task.record.output), ("done", &None));
    }
}

#[test]
fn a_failed_copy_is_retried_until_its_deadline() {
    let mut life = storing();
    let began = life.now;
    assert_eq!(life.next(), Some(Effect::Copy(source())));
    life.on(Event::Copied(None));
    assert!((1900..2100).contains(&life.wakes_in()));
    while life.next().is_some() {
        life.on(Event::Copied(None));
    }
    assert_eq!(life.failure(), Some(FailureCode::StorageFailed));
    assert_eq!(life.now - began, COPY_DEADLINE_MS);
}

#[test]
fn an_interrupted_copy_starts_again() {
    let mut life = storing();
    assert_eq!(life.next(), Some(Effect::Copy(source())));
    assert_eq!(life.next(), Some(Effect::Copy(source())));
    life.on(Event::Copied(Some(output())));
    assert_eq!(life.status(), Status::Completed);
}

#[test]
fn a_cancel_before_run_ends_the_video() {
    let waiting = Life::begin;
    let placed = || {
        let mut life = submitting();
        life.on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: None }));
        life
    };
    let receiving = || Life::begin_with(Some(IMAGE));
    for mut life in [waiting(), in_line(2), placed(), receiving()] {
        life.on(Event::CancelRequested);
        assert_eq!((life.status(), life.failure()), (Status::Cancelled, None));
        // A slot that is granted after the cancel has no effect.
        life.on(Event::SlotReplied(SlotReply::Granted(None))).on(Event::SlotGranted).on(Event::ImageStored);
        assert_eq!(life.next(), None);
    }
}

#[test]
fn a_cancel_during_run_is_applied_after_the_answer() {
    let mut life = submitting();
    life.on(Event::CancelRequested).on(Event::RunAnswered(RunOutcome::Started(job())));
    assert!(life.task.is_stopping());
    assert_eq!((life.wakes_in(), life.next()), (0, Some(Effect::Stop(job()))));
    life.observe(Observation::Cancelled { cost_usd: None });
    assert_eq!((life.status(), life.task.is_stopping()), (Status::Cancelled, false));

    for outcome in
        [RunOutcome::NotStarted { retry_after: None }, RunOutcome::AtCapacity { retry_after: None }]
    {
        let mut life = submitting();
        life.on(Event::CancelRequested).on(Event::RunAnswered(outcome));
        assert_eq!(life.status(), Status::Cancelled);
    }

    let mut life = unknown();
    life.on(Event::CancelRequested).next();
    life.on(Event::Searched(SearchOutcome::Found(job())));
    assert_eq!(life.next(), Some(Effect::Stop(job())));
}

#[test]
fn a_cancel_is_retried_and_a_finished_video_is_kept() {
    let mut life = checking();
    life.observe(working("task_start")).on(Event::CancelRequested);
    assert_eq!((life.wakes_in(), life.next()), (1000, Some(Effect::Stop(job()))));
    life.observe(working("task_start"));
    assert!((1900..2100).contains(&life.wakes_in()));
    assert_eq!(life.next(), Some(Effect::Stop(job())));
    life.observe(succeeded()).on(Event::CancelRequested);
    assert!(!life.task.is_stopping());
    assert_eq!(life.next(), Some(Effect::Copy(source())));
    life.on(Event::Copied(Some(output()))).on(Event::CancelRequested);
    assert_eq!(life.status(), Status::Completed);
}

#[test]
fn a_redrive_resumes_a_video_that_may_have_been_charged() {
    let mut life = storing();
    while life.next().is_some() {
        life.on(Event::Copied(None));
    }
    assert_eq!(life.failure(), Some(FailureCode::StorageFailed));
    life.on(Event::RedriveRequested);
    assert_eq!(
        (life.status(), life.failure(), life.task.record.expires_at),
        (Status::InProgress, None, None)
    );
    assert_eq!(life.next(), Some(Effect::Check(job())));
    life.observe(succeeded()).next();
    life.on(Event::Copied(Some(output())));
    assert_eq!(life.status(), Status::Completed);

    let mut life = given_up();
    life.on(Event::RedriveRequested);
    assert_eq!((life.status(), life.next()), (Status::Failed, Some(search(None))));

    let mut life = checking();
    life.observe(failed()).on(Event::RedriveRequested);
    assert_eq!(life.failure(), Some(FailureCode::GenerationFailed), "it was not paid for");
}

#[test]
fn only_expired_videos_are_removed() {
    let mut life = storing();
    life.now += i64::try_from(RETENTION_SECONDS).unwrap() * 2000;
    let now = UnixMillis::new(life.now);
    life.on(Event::Reconciled(now));
    assert_eq!(life.next(), Some(Effect::Copy(source())));
    life.on(Event::Copied(Some(output())));
    assert_eq!(life.next(), None);
    let expires_at = life.task.record.expires_at.unwrap();
    life.on(Event::Reconciled(UnixMillis::new(expires_at * 1000 - 1)));
    assert_eq!(life.task.alarm(), None);
    life.on(Event::Reconciled(UnixMillis::new(expires_at * 1000)));
    assert_eq!(life.wake(), [Effect::Remove { purge: Some(job()) }]);
    // The object crashes during the removal; then a step of the removal fails.
    assert_eq!((life.wakes_in(), life.wake()), (10_000, vec![Effect::Remove { purge: Some(job()) }]));
    life.on(Event::RemovalFailed).on(Event::CallbackReceived(None)).on(Event::RedriveRequested);
    assert!((1900..2100).contains(&life.wakes_in()));
    assert_eq!(life.wake(), [Effect::Remove { purge: Some(job()) }]);
}

#[test]
fn a_deleted_video_is_removed_after_its_job_ended() {
    let ended = || {
        let mut life = checking();
        life.observe(failed());
        life
    };
    for (mut life, purge) in [
        (Life::begin(), None),
        (in_line(2), None),
        (Life::begin_with(Some(IMAGE)), None),
        (given_up(), None),
        (storing(), Some(job())),
        (ended(), Some(job())),
    ] {
        life.on(Event::DeleteRequested);
        assert_eq!(life.wake(), [Effect::Remove { purge }]);
        assert_eq!(life.wakes_in(), 10_000);
    }
}

#[test]
fn a_deleted_running_job_is_stopped_first() {
    for observation in [Observation::Cancelled { cost_usd: None }, succeeded(), failed()] {
        let mut life = checking();
        life.observe(working("task_start")).on(Event::DeleteRequested).on(Event::CancelRequested);
        assert_eq!(life.next(), Some(Effect::Stop(job())));
        life.observe(working("task_start"));
        assert_eq!(life.next(), Some(Effect::Stop(job())));
        life.observe(observation);
        assert_eq!(life.wake(), [Effect::Remove { purge: Some(job()) }]);
    }
    let mut life = submitting();
    life.on(Event::DeleteRequested).on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: None }));
    assert_eq!(life.wake(), [Effect::Remove { purge: None }]);
    let mut life = submitting();
    life.on(Event::DeleteRequested).on(Event::RunAnswered(RunOutcome::Started(job())));
    // Nobody can read the record any more.
    assert_eq!(life.wake(), [Effect::Stop(job())]);
}

#[test]
fn the_removal_continues_if_the_upstream_never_deletes_its_files() {
    let mut life = storing();
    life.on(Event::DeleteRequested);
    let mut asked = 0;
    while life.wake() == [Effect::Remove { purge: Some(job()) }] {
        life.on(Event::RemovalFailed);
        asked += 1;
    }
    assert_eq!(asked, 50);
}

#[test]
fn a_job_that_no_search_finds_releases_its_slot_until_it_is_found() {
    let mut life = unknown();
    life.now = life.task.alarm().unwrap().millis();
    let mut waits = Vec::new();
    for outcome in
        [SearchOutcome::Failed, SearchOutcome::NotFound, SearchOutcome::NotFound, SearchOutcome::NotFound]
    {
        assert!(life.task.needs_slot());
        assert_eq!(life.task.charge(), None);
        assert_eq!(life.next(), Some(search(None)));
        life.on(Event::Searched(outcome));
        waits.push(life.wakes_in() / 1000);
    }
    assert_eq!(waits, [30, 60, 90, 90]);
    assert_eq!((life.status(), life.task.needs_slot()), (Status::InProgress, false));
    assert_eq!(life.task.charge(), Some(Usd::default()));
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::SyncSlot)]);
    life.on(Event::WorkDone { item: WorkItem::SyncSlot, succeeded: true });
    assert_eq!(life.next(), Some(search(None)));
    life.on(Event::Searched(SearchOutcome::Found(job())));
    assert!(life.task.needs_slot());
    assert_eq!(
        (life.task.charge(), life.wake()),
        (None, vec![Effect::Perform(WorkItem::SyncSlot), Effect::Check(job())])
    );
    life.observe(succeeded());
    assert_eq!(life.task.charge(), Usd::parse("0.28"));
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
