//! The lifecycle against every order of events: each phase by hand, then any sequence at all.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use hailuo_worker::video::event::{Effect, Event, Observation, RunOutcome};
use hailuo_worker::video::keys::SigningKeys;
use hailuo_worker::video::lifecycle::{Moment, Policy};
use hailuo_worker::video::record::{Failure, FailureCode, Image, Input, Output, Status};
use hailuo_worker::video::request::{ImageType, Resolution};
use hailuo_worker::video::schedule::Ladder;
use hailuo_worker::video::task::{Job, NewTask, Phase, Source, Task};
use hailuo_worker::video::time::{Millis, UnixMillis};
use proptest::prelude::*;

const START: i64 = 1_800_000_000_000;
const TASK_DEADLINE_MS: i64 = 600_000;
const COPY_DEADLINE_MS: i64 = 900_000;

fn policy() -> Policy {
    Policy {
        poll: Ladder::parse("30,60").unwrap(),
        retry: Ladder::parse("2,5").unwrap(),
        task_deadline: Millis::new(TASK_DEADLINE_MS.unsigned_abs()),
        copy_deadline: Millis::new(COPY_DEADLINE_MS.unsigned_abs()),
        retention: Millis::from_seconds(86_400),
    }
}

fn job() -> Job {
    Job { task_id: "1".to_owned(), token: Some("t".to_owned()) }
}

fn source() -> Source {
    Source { url: "https://cdn1.wiro.ai/0.mp4".to_owned(), size: Some(7) }
}

fn output() -> Output {
    Output {
        content_type: "video/mp4".to_owned(),
        size: 7,
        sha256: "00".to_owned(),
        etag: "\"e\"".to_owned(),
    }
}

fn succeeded() -> Event {
    Event::Observed(Observation::Succeeded { source: source(), cost_usd: Some("0.28".to_owned()) })
}

fn working(status: &str) -> Event {
    Event::Observed(Observation::Working { status: status.to_owned() })
}

/// A task, the time, and what was asked for last.
struct Life {
    task: Task,
    now: i64,
    effects: Vec<Effect>,
}

impl Life {
    fn begin() -> Self {
        Self::begin_with(None)
    }

    fn begin_with(input_image_first: Option<Image>) -> Self {
        let id = SigningKeys::derive(&[7; 32]).unwrap().mint([1; 16]);
        let input = Input {
            prompt: "a cat".to_owned(),
            prompt_optimizer: true,
            resolution: Resolution::P768,
            duration: 6,
            input_image_first,
            input_image_first_url: None,
        };
        let new = NewTask {
            id,
            model: "m/m".to_owned(),
            input,
            callback_url: "https://w.example/hook".to_owned(),
            fingerprint: "f".to_owned(),
        };
        let task = Task::accept(new, UnixMillis::new(START));
        Self { task, now: START, effects: Vec::new() }
    }

    fn running() -> Self {
        let mut life = Self::begin();
        life.wake();
        life.on(Event::RunAnswered(RunOutcome::Started(job())));
        life.on(Event::Published(true));
        life
    }

    fn storing() -> Self {
        let mut life = Self::running();
        life.wake();
        life.on(succeeded());
        life
    }

    fn on(&mut self, event: Event) -> &mut Self {
        let at = Moment { now: UnixMillis::new(self.now), chance: u16::MAX / 2 };
        self.effects = self.task.apply(event, &policy(), at);
        self
    }

    /// Time goes on to the alarm, which fires.
    fn wake(&mut self) -> &mut Self {
        self.now = self.now.max(self.task.wake_at.expect("an alarm").millis());
        self.on(Event::Woken)
    }

    fn status(&self) -> Status {
        self.task.record.status
    }

    fn failure(&self) -> Option<FailureCode> {
        self.task.record.error.as_ref().map(|failure| failure.code)
    }

    fn wakes_in(&self) -> i64 {
        self.task.wake_at.unwrap().millis() - self.now
    }
}

#[test]
fn an_ordinary_life() {
    let mut life = Life::begin();
    assert_eq!((life.status(), life.wakes_in()), (Status::Queued, 0));
    assert_eq!(life.wake().effects, [Effect::Run]);
    life.on(Event::RunAnswered(RunOutcome::Started(job())));
    assert_eq!((life.status(), life.wakes_in()), (Status::InProgress, 30_000));
    assert_eq!(life.effects, [Effect::Publish]);
    assert!(life.on(Event::Published(true)).effects.is_empty());
    assert_eq!(life.wake().effects, [Effect::Check(job())]);
    assert!(life.on(working("task_start")).effects.is_empty());
    assert_eq!((life.task.record.stage.as_str(), life.wakes_in()), ("task_start", 60_000));
    life.wake();
    assert_eq!(life.on(succeeded()).effects, [Effect::Copy(source())]);
    assert_eq!(life.task.record.stage, "storing");
    assert_eq!(life.on(Event::Copied(Some(output()))).effects, [Effect::Publish]);
    life.on(Event::Published(true));
    let record = &life.task.record;
    assert_eq!((record.status, record.stage.as_str(), record.progress), (Status::Completed, "done", 100));
    assert_eq!(record.cost_usd.as_deref(), Some("0.28"));
    assert_eq!(record.expires_at, Some(record.completed_at.unwrap() + 86_400));
    assert_eq!(life.task.wake_at, None);
}

#[test]
fn a_job_with_an_image_waits_for_it_and_is_forgotten_without() {
    let image = Image { content_type: ImageType::Png, size: 7 };
    let mut life = Life::begin_with(Some(image));
    assert!(!life.task.is_settled());
    life.on(Event::Woken).on(Event::Nudged(None));
    assert!(life.effects.is_empty());
    life.on(Event::Received);
    assert_eq!(life.wake().effects, [Effect::Run]);
    assert!(life.on(Event::Received).effects.is_empty(), "stored twice");
    assert!(matches!(life.task.phase, Phase::Submitting { .. }));

    let mut life = Life::begin_with(Some(image));
    assert_eq!(life.wake().effects, [Effect::Discard]);
    assert_eq!(life.now - START, 600_000);
}

#[test]
fn a_run_that_did_not_start_is_sent_again_on_the_ladder_until_the_deadline() {
    let mut life = Life::begin();
    let mut waits = Vec::new();
    while life.status() == Status::Queued {
        if life.wake().effects != [Effect::Run] {
            break;
        }
        life.on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: None })).on(Event::Published(true));
        assert_eq!(life.task.record.stage, "waiting");
        waits.push(life.wakes_in());
    }
    assert!((1900..2100).contains(&waits[0]) && (4900..5100).contains(&waits[1]), "{waits:?}");
    assert_eq!((life.status(), life.failure()), (Status::Failed, Some(FailureCode::UpstreamUnavailable)));
    assert_eq!(life.now - START, TASK_DEADLINE_MS);
}

#[test]
fn retry_after_is_a_lower_bound() {
    let mut life = Life::begin();
    life.wake().on(Event::RunAnswered(RunOutcome::NotStarted { retry_after: Some(Millis::new(20_000)) }));
    assert_eq!(life.wakes_in(), 20_000);
}

#[test]
fn a_refused_run_fails_at_once() {
    let failure = Failure { code: FailureCode::UpstreamRejected, message: "no".to_owned() };
    let mut life = Life::begin();
    life.wake().on(Event::RunAnswered(RunOutcome::Refused(failure.clone())));
    assert_eq!((life.status(), life.task.record.error.clone()), (Status::Failed, Some(failure)));
}

#[test]
fn an_unknown_run_is_never_sent_again() {
    let lost: [fn(&mut Life); 2] =
        // The answer is lost; or the object dies before it comes, and wakes after the crash guard.
        [|life| { life.on(Event::RunAnswered(RunOutcome::Unknown)); }, |life| { life.wake(); }];
    for lose in lost {
        let mut life = Life::begin();
        life.wake();
        lose(&mut life);
        assert_eq!(life.status(), Status::InProgress);
        assert_eq!(life.effects, [Effect::Publish]);
        life.on(Event::Published(true));
        let lost_at = life.now;
        while !life.status().is_final() {
            assert_eq!(life.wake().effects, [Effect::Search(None)]);
            life.on(Event::Searched(None));
        }
        assert_eq!(life.failure(), Some(FailureCode::SubmissionUnknown));
        assert_eq!(life.now - lost_at, TASK_DEADLINE_MS);
    }
}

fn unknown() -> Life {
    let mut life = Life::begin();
    life.wake().on(Event::RunAnswered(RunOutcome::Unknown)).on(Event::Published(true));
    life
}

#[test]
fn a_lost_job_that_is_found_goes_on_and_is_looked_at_at_once() {
    let mut life = unknown();
    life.wake().on(Event::Searched(Some(job()))).on(Event::Published(true));
    assert_eq!((life.status(), life.wakes_in()), (Status::InProgress, 0));
    assert_eq!(life.wake().effects, [Effect::Check(job())]);
}

#[test]
fn a_callback_tells_where_to_search() {
    let mut life = unknown();
    life.on(Event::Nudged(Some(job()))).on(Event::Nudged(None));
    assert_eq!(life.wakes_in(), 0);
    assert_eq!(life.wake().effects, [Effect::Search(Some(job()))]);
}

#[test]
fn a_callback_after_the_deadline_rescues_a_job_that_was_given_up() {
    let mut life = unknown();
    while !life.status().is_final() {
        life.wake().on(Event::Searched(None));
    }
    life.on(Event::Published(true));
    life.now += 3_600_000;
    life.on(Event::Nudged(None));
    assert_eq!(life.failure(), Some(FailureCode::SubmissionUnknown), "not before it is found");
    life.wake().on(Event::Searched(Some(job())));
    assert_eq!((life.status(), life.failure()), (Status::InProgress, None));
    life.wake().on(succeeded()).on(Event::Copied(Some(output())));
    assert_eq!(life.status(), Status::Completed);
}

#[test]
fn a_rescue_that_finds_nothing_leaves_the_failure_as_it_was() {
    let mut life = unknown();
    while !life.status().is_final() {
        life.wake().on(Event::Searched(None));
    }
    life.on(Event::Published(true));
    let record = life.task.record.clone();
    life.now += 3_600_000;
    life.on(Event::Nudged(None));
    while life.task.wake_at.is_some() {
        life.wake().on(Event::Searched(None));
    }
    assert_eq!(life.task.record, record);
    assert_eq!(life.task.phase, Phase::Ended { job: None });
}

#[test]
fn a_late_answer_to_run_is_still_the_truth() {
    let mut life = Life::begin();
    life.wake().wake();
    assert!(matches!(life.task.phase, Phase::Unknown { .. }));
    life.on(Event::RunAnswered(RunOutcome::Started(job())));
    assert!(matches!(life.task.phase, Phase::Running { .. }));
}

#[test]
fn a_callback_is_a_nudge() {
    let mut life = Life::running();
    life.now += 5000;
    assert!(life.on(Event::Nudged(None)).effects.is_empty());
    assert_eq!((life.status(), life.wakes_in()), (Status::InProgress, 0));
    assert_eq!(life.wake().effects, [Effect::Check(job())]);
    // What Detail says counts, and a second callback during the check is not lost.
    life.on(Event::Nudged(None)).on(working("task_start"));
    assert_eq!(life.wakes_in(), 1000);
}

#[test]
fn a_callback_that_runs_ahead_of_detail_is_looked_into_again_soon() {
    let mut life = Life::running();
    life.now += 5000;
    life.on(Event::Nudged(None)).wake().on(working("task_end"));
    assert!((1900..2100).contains(&life.wakes_in()));
    life.wake().on(Event::Observed(Observation::Unreadable));
    assert!((4900..5100).contains(&life.wakes_in()));
    life.wake();
    assert_eq!(life.on(succeeded()).effects, [Effect::Copy(source())]);
}

#[test]
fn the_deadline_comes_before_a_check_that_is_further_away() {
    let patient = Policy { poll: Ladder::parse("3600").unwrap(), ..policy() };
    for outcome in [RunOutcome::Started(job()), RunOutcome::Unknown] {
        let mut life = Life::begin();
        life.wake();
        let at = Moment { now: UnixMillis::new(life.now), chance: 0 };
        let _ = life.task.apply(Event::RunAnswered(outcome), &patient, at);
        assert_eq!(life.wakes_in(), TASK_DEADLINE_MS);
    }
}

#[test]
fn a_callback_postpones_no_check() {
    let mut life = Life::running();
    life.wake().on(working("task_start"));
    life.now = life.task.wake_at.unwrap().millis() - 5;
    life.on(Event::Nudged(None));
    assert_eq!(life.wakes_in(), 0);
    life.wake().on(Event::Nudged(None));
    let quick = Policy { poll: Ladder::parse("0.2").unwrap(), ..policy() };
    let at = Moment { now: UnixMillis::new(life.now), chance: 0 };
    let _ = life.task.apply(working("task_start"), &quick, at);
    assert_eq!(life.wakes_in(), 200);
    life.now += 195;
    let _ = life.task.apply(Event::Nudged(None), &quick, Moment { now: UnixMillis::new(life.now), ..at });
    assert_eq!(life.wakes_in(), 5);
}

#[test]
fn callbacks_cause_one_check_a_second_at_most() {
    let mut life = Life::running();
    life.now += 5000;
    life.on(Event::Nudged(None)).wake();
    life.on(working("task_start"));
    life.now += 10;
    for _ in 0..100 {
        life.on(Event::Nudged(None));
    }
    assert_eq!(life.wakes_in(), 990);
}

#[test]
fn a_callback_before_runs_answer_is_remembered() {
    let mut life = Life::begin();
    life.wake().on(Event::Nudged(None)).on(Event::RunAnswered(RunOutcome::Started(job())));
    assert_eq!(life.wakes_in(), 0);
}

#[test]
fn a_job_without_end_times_out_after_a_last_check() {
    let mut life = Life::running();
    loop {
        assert!(life.wake().effects.contains(&Effect::Check(job())));
        if life.on(Event::Observed(Observation::Unreadable)).status().is_final() {
            break;
        }
    }
    assert_eq!(life.failure(), Some(FailureCode::UpstreamTimeout));
    assert_eq!(life.now - START, TASK_DEADLINE_MS);
}

#[test]
fn ends_without_a_video() {
    for (observation, status, code) in [
        (Observation::Failed, Status::Failed, Some(FailureCode::GenerationFailed)),
        (Observation::Cancelled, Status::Cancelled, None),
    ] {
        let mut life = Life::running();
        life.wake().on(Event::Observed(observation));
        assert_eq!((life.status(), life.failure()), (status, code));
        assert_eq!((life.task.record.stage.as_str(), &life.task.record.output), ("done", &None));
    }
}

#[test]
fn a_failed_copy_is_tried_again_until_its_deadline() {
    let mut life = Life::storing();
    let began = life.now;
    life.on(Event::Copied(None));
    assert!((1900..2100).contains(&life.wakes_in()));
    while !life.status().is_final() {
        assert_eq!(life.wake().effects, [Effect::Copy(source())]);
        life.on(Event::Copied(None));
    }
    assert_eq!(life.failure(), Some(FailureCode::StorageFailed));
    assert_eq!(life.now - began, COPY_DEADLINE_MS);
}

#[test]
fn a_copy_that_died_half_way_is_begun_again() {
    let mut life = Life::storing();
    assert_eq!(life.wake().effects, [Effect::Copy(source())]);
    life.on(Event::Copied(Some(output())));
    assert_eq!(life.status(), Status::Completed);
}

#[test]
fn a_record_that_kv_refused_is_published_again() {
    let mut life = Life::storing();
    life.on(Event::Copied(Some(output()))).on(Event::Published(false));
    assert_eq!(life.wake().effects, [Effect::Publish]);
    // The object dies before KV answers.
    assert_eq!(life.wake().effects, [Effect::Publish]);
    life.on(Event::Published(true));
    assert_eq!(life.task.wake_at, None);
    assert!(life.on(Event::Woken).effects.is_empty());
}

fn rank(status: Status) -> u8 {
    match status {
        Status::Queued => 0,
        Status::InProgress => 1,
        Status::Completed | Status::Failed | Status::Cancelled => 2,
    }
}

/// What the world does next to a video.
#[derive(Clone, Debug)]
enum Move {
    /// The alarm fires and its effects are performed, with these answers in turn.
    Work(Vec<Answer>),
    /// The alarm fires and the object dies before any effect.
    Die,
    /// Something comes in between that nobody asked for.
    Stray(Event),
    Pass(i64),
}

#[derive(Clone, Debug)]
struct Answer {
    run: RunOutcome,
    observation: Observation,
    found: bool,
    copied: bool,
    published: bool,
}

fn answer() -> impl Strategy<Value = Answer> {
    let refused = Failure { code: FailureCode::UpstreamRejected, message: "no".to_owned() };
    let run = prop_oneof![
        4 => Just(RunOutcome::Started(job())),
        3 => Just(RunOutcome::NotStarted { retry_after: None }),
        1 => Just(RunOutcome::Refused(refused)),
        1 => Just(RunOutcome::Unknown),
    ];
    let observation = prop_oneof![
        4 => "task_(queue|start|output|end|odd)".prop_map(|status| Observation::Working { status }),
        2 => Just(Observation::Unreadable),
        2 => Just(Observation::Succeeded { source: source(), cost_usd: None }),
        1 => Just(Observation::Failed),
        1 => Just(Observation::Cancelled),
    ];
    (run, observation, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(run, observation, found, copied, published)| Answer { run, observation, found, copied, published },
    )
}

fn stray() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => any::<bool>().prop_map(|named| Event::Nudged(named.then(job))),
        1 => any::<bool>().prop_map(|found| Event::Searched(found.then(job))),
        1 => Just(Event::Woken),
        1 => answer().prop_map(|answer| Event::Observed(answer.observation)),
        1 => any::<bool>().prop_map(|copied| Event::Copied(copied.then(output))),
    ]
}

fn next_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => proptest::collection::vec(answer(), 1..4).prop_map(Move::Work),
        1 => Just(Move::Die),
        2 => stray().prop_map(Move::Stray),
        1 => (0_i64..400_000).prop_map(Move::Pass),
    ]
}

/// Watches a life for what must never happen.
struct Witness {
    life: Life,
    /// A Run was sent, and nobody has shown that it did not start.
    run_may_live: bool,
    rank: u8,
    progress: u8,
    last: Option<Status>,
}

impl Witness {
    fn on(&mut self, event: Event) -> Vec<Effect> {
        if matches!(event, Event::RunAnswered(RunOutcome::NotStarted { .. })) {
            self.run_may_live = false;
        }
        let was_given_up = self.life.task.record.has_failed_with(FailureCode::SubmissionUnknown);
        let effects = std::mem::take(&mut self.life.on(event).effects);
        let record = &self.life.task.record;
        if was_given_up && record.status == Status::InProgress {
            // The one way out of a failure.
            (self.rank, self.last) = (rank(Status::InProgress), None);
        }
        assert!(rank(record.status) >= self.rank, "the status went back");
        assert!(self.last.is_none_or(|last| last == record.status), "a final state changed");
        assert!(record.progress >= self.progress, "the progress fell");
        assert_eq!(record.output.is_some(), record.status == Status::Completed);
        let is_over = matches!(self.life.task.phase, Phase::Ended { .. }) && !self.life.task.unpublished;
        assert_eq!(self.life.task.wake_at.is_none(), is_over, "{:?}", self.life.task);
        self.rank = rank(record.status);
        self.progress = record.progress;
        self.last = record.status.is_final().then_some(record.status);
        if effects.contains(&Effect::Run) {
            assert!(!self.run_may_live, "Run was sent again though the first may have started");
            self.run_may_live = true;
        }
        effects
    }

    fn work(&mut self, answers: &mut dyn Iterator<Item = Answer>) {
        let Some(due) = self.life.task.wake_at else { return };
        self.life.now = self.life.now.max(due.millis());
        let mut effects = std::collections::VecDeque::from(self.on(Event::Woken));
        while let Some(effect) = effects.pop_front() {
            // Answers that run out are an object that dies.
            let Some(answer) = answers.next() else { return };
            let event = match effect {
                Effect::Run => Event::RunAnswered(answer.run),
                Effect::Check(_) => Event::Observed(answer.observation),
                Effect::Search(_) => Event::Searched(answer.found.then(job)),
                Effect::Copy(_) => Event::Copied(answer.copied.then(output)),
                Effect::Publish => Event::Published(answer.published),
                // For jobs with an image only.
                Effect::Discard => return,
            };
            effects.extend(self.on(event));
        }
    }
}

fn good_answer() -> Answer {
    Answer {
        run: RunOutcome::Started(job()),
        observation: Observation::Succeeded { source: source(), cost_usd: None },
        found: true,
        copied: true,
        published: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_life_keeps_the_invariants_and_ends(moves in proptest::collection::vec(next_move(), 0..25)) {
        let mut witness =
            Witness { life: Life::begin(), run_may_live: false, rank: 0, progress: 0, last: None };
        for next in moves {
            match next {
                Move::Work(answers) => witness.work(&mut answers.into_iter()),
                Move::Die => witness.work(&mut std::iter::empty()),
                Move::Stray(event) => {
                    witness.on(event);
                }
                Move::Pass(millis) => witness.life.now += millis,
            }
        }
        // From here on everything works: the video must come to its end within a few alarms.
        for _ in 0..8 {
            witness.work(&mut std::iter::repeat_with(good_answer));
        }
        prop_assert!(witness.last.is_some(), "{:?}", witness.life.task);
        prop_assert_eq!(witness.life.task.wake_at, None);
    }
}
