//! Scenarios of deadlines, copies, cancels, redrives and removals.

use super::{IMAGE, checking, given_up, in_line, running, storing, submitting, unknown, working};
use crate::life::{
    COPY_DEADLINE_MS, Life, RETENTION_SECONDS, START, TASK_DEADLINE_MS, failed, job, output, search, source,
    succeeded,
};
use hailuo_worker::video::lifecycle::event::{Effect, Event, Observation, RunOutcome, SlotReply};
use hailuo_worker::video::record::{FailureCode, Status};
use hailuo_worker::video::task::search::SearchOutcome;
use hailuo_worker::video::time::UnixMillis;

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
    assert!(life.is_at_rest());
    // A task of an earlier version has no alarm.
    life.task.wake_at = None;
    life.on(Event::Reconciled(UnixMillis::new(expires_at * 1000 - 1)));
    assert!(life.is_at_rest());
    let mut swept = life.clone();
    swept.on(Event::Reconciled(UnixMillis::new(expires_at * 1000)));
    assert_eq!(swept.wake(), [Effect::Remove { purge: Some(job()) }]);

    assert_eq!(life.wake(), [Effect::Remove { purge: Some(job()) }]);
    assert_eq!(life.now, expires_at * 1000);
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
