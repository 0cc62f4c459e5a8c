//! Scenarios of a Run whose answer was lost.

use super::{ENTER, given_up, submitting, unknown};
use crate::life::{TASK_DEADLINE_MS, job, output, search, succeeded};
use hailuo_worker::video::lifecycle::event::{Effect, Event, RunOutcome, SlotReply};
use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::money::Usd;
use hailuo_worker::video::record::{FailureCode, Status};
use hailuo_worker::video::task::Phase;
use hailuo_worker::video::task::search::SearchOutcome;

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
    assert_eq!(life.wake(), [Effect::Perform(WorkItem::Report)]);
    life.on(Event::WorkDone { item: WorkItem::Report, succeeded: true });
    assert_eq!(life.next(), Some(search(None)));
    life.on(Event::Searched(SearchOutcome::Found(job())));
    assert!(life.task.needs_slot());
    assert_eq!(
        (life.task.charge(), life.wake()),
        (None, vec![Effect::Perform(WorkItem::Report), Effect::Check(job())])
    );
    life.observe(succeeded());
    assert_eq!(life.task.charge(), Usd::parse("0.28"));
}
