//! Scenarios of Wiro's callbacks.

use super::{checking, running, submitting, unknown, working};
use crate::life::{TASK_DEADLINE_MS, job};
use hailuo_worker::video::lifecycle::event::{Effect, Event, Observation, RunOutcome};
use hailuo_worker::video::lifecycle::retry_schedule::RetrySchedule;
use hailuo_worker::video::record::Status;

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
