//! Written scenarios for each phase.

mod callbacks;
mod endings;
mod lost_run;
mod queue_and_run;

use crate::life::{Life, job, succeeded};
use hailuo_worker::video::lifecycle::event::{Effect, Event, Observation, RunOutcome, SlotReply};
use hailuo_worker::video::record::{FailureCode, Image};
use hailuo_worker::video::request::ImageType;
use hailuo_worker::video::task::search::SearchOutcome;

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
