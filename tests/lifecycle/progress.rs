//! Simulates a thousand videos and reads their progress repeatedly: it never falls, does not reach 100 before the end, and is
//! close to the true value, which is the elapsed part of the total time.

use std::collections::HashMap;

use hailuo_worker::video::lifecycle::event::{Event, Observation, RunOutcome, SlotReply, SocketUpdate};
use hailuo_worker::video::lifecycle::retry_schedule::RetrySchedule;
use hailuo_worker::video::record::{ProgressSource, Record, Status};
use hailuo_worker::video::request::Resolution;
use hailuo_worker::video::task::search::SearchOutcome;
use hailuo_worker::video::time::{Millis, UnixMillis};
use hailuo_worker::video::typical_duration::{TypicalDuration, kind};

use super::life::{Life, job, output, succeeded};

const LIVES: u32 = 1000;
const READS: u32 = 25;

/// Percent at the start of each stage: a simple estimate that the real one must improve on.
const BY_STAGE: [(&str, u8); 11] = [
    ("task_queue", 2),
    ("task_accept", 5),
    ("task_preprocess_start", 8),
    ("task_preprocess_end", 10),
    ("task_assign", 12),
    ("task_start", 15),
    ("task_output", 40),
    ("task_output_full", 85),
    ("task_end", 88),
    ("task_postprocess_start", 90),
    ("storing", 95),
];

/// Reproducible random numbers (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.next().is_multiple_of(many)
    }

    /// A factor around 1, mostly between two thirds and four thirds.
    fn spread(&mut self) -> f64 {
        (0..3).map(|_| self.between(0.85, 1.18)).product()
    }
}

/// The times of one job at the upstream, in milliseconds after Run was accepted.
struct Making {
    stages: Vec<(i64, &'static str)>,
    percentages: Vec<(i64, u8)>,
    generated_at: i64,
    copied_at: i64,
}

fn millis(seconds: f64) -> i64 {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "some minutes")]
    let millis = (seconds * 1000.0) as i64;
    millis
}

/// A job with this typical duration in seconds. Some wait long in the upstream's queue; some are slow, some fast.
fn make(usual: f64, tells_percentages: bool, chance: &mut Chance) -> Making {
    let outlier = match chance.next() % 20 {
        0 => 3.0,
        1 => 0.4,
        _ => 1.0,
    };
    let queue = if chance.one_in(10) { chance.between(0.5, 2.0) } else { chance.between(0.01, 0.1) };
    let generation = 0.85 * outlier * chance.spread();
    let mut at = 0.0;
    let mut stages = Vec::new();
    let mut percentages = Vec::new();
    for (stage, takes) in [
        ("task_queue", queue),
        ("task_accept", 0.01),
        ("task_preprocess_start", 0.01),
        ("task_preprocess_end", 0.005),
        ("task_assign", 0.01),
        ("task_start", 0.02),
        ("task_output", generation),
        ("task_output_full", 0.01),
        ("task_end", 0.005),
        ("task_postprocess_start", 0.03),
    ] {
        stages.push((millis(at * usual), stage));
        let lasts = if stage == "task_output" { takes } else { takes * chance.spread() };
        if stage == "task_output" && tells_percentages {
            percentages.extend((1..=20).map(|step| {
                let reached_at = at + lasts * f64::from(step) / 20.0;
                (millis(reached_at * usual) - 1, step * 5)
            }));
        }
        at += lasts;
    }
    let generated_at = millis(at * usual);
    Making { stages, percentages, generated_at, copied_at: generated_at + millis(chance.between(1.0, 6.0)) }
}

enum Happening {
    Hears(Event),
    IsChecked,
    IsRead,
}

/// The sum and number of the errors of the reads, in percent.
#[derive(Default)]
struct Wrong(f64, f64);

impl Wrong {
    fn add(&mut self, shown: u8, truth: f64) {
        self.0 += (f64::from(shown) - truth).abs();
        self.1 += 1.0;
    }

    fn mean(&self) -> f64 {
        self.0 / self.1
    }
}

#[derive(Default)]
struct Verdict {
    estimate: Wrong,
    /// The errors of the simple estimate.
    by_stage: Wrong,
    upstream: Wrong,
}

/// Simulates a thousand videos. `learns`: their durations are similar, so that recent ones predict the next.
fn live(learns: bool) -> Verdict {
    let mut chance = Chance(2301);
    let mut paces: HashMap<String, TypicalDuration> = HashMap::new();
    let mut verdict = Verdict::default();
    for number in 0..LIVES {
        let mut life = Life::begin();
        life.policy.task_deadline = Millis::from_seconds(7200);
        life.policy.poll = RetrySchedule::parse("30,45,60,90,120,180,300").unwrap();
        let input = &mut life.task.record.input;
        let usual = match number % 3 {
            0 => 60.0,
            1 => {
                input.duration = Some(10);
                140.0
            }
            _ => {
                input.resolution = Some(Resolution::new("1080P"));
                330.0
            }
        };
        // The second half takes longer.
        let usual = if number < LIVES / 2 { usual } else { usual * 1.5 };
        let kind = kind("m/m", input);
        let pace = paces.get(&kind).map(|known| known.typical);
        let is_watched = chance.one_in(2);
        let tells_percentages = is_watched && chance.one_in(2);
        let making = make(usual, tells_percentages, &mut chance);

        life.wake();
        life.on(Event::SlotReplied(SlotReply::Granted(pace)));
        life.wake();
        life.on(Event::RunAnswered(RunOutcome::Started(job())));
        let took = look_at(&mut life, &making, is_watched, &mut chance, &mut verdict);
        if learns {
            let learned = TypicalDuration::with_sample(paces.get(&kind).copied(), took);
            paces.insert(kind, learned);
        }
    }
    verdict
}

/// One video from the acceptance of Run to its end.
fn look_at(
    life: &mut Life,
    making: &Making,
    is_watched: bool,
    chance: &mut Chance,
    verdict: &mut Verdict,
) -> Millis {
    let start = life.now;
    let mut happenings = vec![
        (making.generated_at, Happening::Hears(Event::Observed(succeeded()))),
        (making.copied_at, Happening::Hears(Event::Copied(Some(output())))),
    ];
    let checks = [30, 75, 135, 225, 345, 525].into_iter().chain((825..7200).step_by(300));
    happenings.extend(
        checks.map(|at| (at * 1000, Happening::IsChecked)).filter(|(at, _)| *at < making.generated_at),
    );
    if is_watched {
        let stage = |(at, name): &(i64, &str)| {
            (*at, Happening::Hears(Event::SocketUpdated(SocketUpdate::Stage((*name).to_owned()))))
        };
        happenings.extend(making.stages.iter().map(stage));
        let percent = |(at, percent): &(i64, u8)| {
            (*at, Happening::Hears(Event::SocketUpdated(SocketUpdate::Progress(*percent))))
        };
        happenings.extend(making.percentages.iter().map(percent));
    }
    let read = |_| (i64::try_from(chance.next() >> 1).unwrap() % making.copied_at, Happening::IsRead);
    happenings.extend((0..READS).map(read));
    happenings.sort_by_key(|(at, _)| *at);

    let mut took = None;
    let mut seen: u8 = 0;
    let mut by_stage: u8 = 0;
    for (at, happening) in happenings {
        life.now = start + at;
        let is_read = matches!(happening, Happening::IsRead);
        match happening {
            Happening::Hears(event) => {
                life.on(event);
                took = took.or_else(|| life.task.generation_time());
            }
            Happening::IsChecked => {
                let (_, stage) = making.stages.iter().rev().find(|(begins_at, _)| *begins_at <= at).unwrap();
                life.observe(Observation::Working { status: (*stage).to_owned(), ignored: None });
            }
            Happening::IsRead => {}
        }
        let Record { status, stage, progress, progress_source, .. } =
            life.task.record_at(UnixMillis::new(life.now));
        assert!(progress >= seen, "{progress} after {seen}");
        assert!(progress <= 99 || status == Status::Completed, "{progress} before the end");
        seen = progress;
        let of_stage = BY_STAGE.iter().find(|(name, _)| *name == stage);
        by_stage = by_stage.max(of_stage.map_or(0, |(_, percent)| *percent));
        if is_read {
            #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "some minutes")]
            let truth = 100.0 * at as f64 / making.copied_at as f64;
            if progress_source == ProgressSource::Upstream {
                verdict.upstream.add(progress, truth);
            } else {
                verdict.estimate.add(progress, truth);
                verdict.by_stage.add(by_stage, truth);
            }
        }
    }
    assert_eq!((life.status(), seen), (Status::Completed, 100));
    took.unwrap()
}

#[test]
fn the_progress_of_1000_videos_is_plausible() {
    let first = live(false);
    let learned = live(true);
    for (name, Verdict { estimate, by_stage, upstream }) in [("supposed", &first), ("learned", &learned)] {
        #[expect(clippy::print_stdout, reason = "how near it is, for who wants to know")]
        {
            println!(
                "pace {name}: the estimate is wrong by {:.1} % on average, the stage alone by {:.1} %, the upstream's own \
             figure by {:.1} %",
                estimate.mean(),
                by_stage.mean(),
                upstream.mean()
            );
        }
    }
    assert!(first.estimate.mean() < 16.0, "with what is supposed: {}", first.estimate.mean());
    assert!(learned.estimate.mean() < 9.0, "with what was learned: {}", learned.estimate.mean());
    // The simple estimate would not stay within these bounds.
    assert!(learned.by_stage.mean() > 20.0, "by the stage alone: {}", learned.by_stage.mean());
}

fn accepted(pace: Option<Millis>) -> Life {
    let mut life = Life::begin();
    life.policy.task_deadline = Millis::from_seconds(7200);
    life.wake();
    life.on(Event::SlotReplied(SlotReply::Granted(pace)));
    life.wake();
    life
}

fn started(pace: Option<Millis>) -> Life {
    let mut life = accepted(pace);
    life.on(Event::RunAnswered(RunOutcome::Started(job())));
    life
}

/// The progress this many seconds later.
fn after(life: &mut Life, seconds: i64) -> (u8, ProgressSource) {
    life.now += seconds * 1000;
    let record = life.task.record_at(UnixMillis::new(life.now));
    (record.progress, record.progress_source)
}

#[test]
fn upstream_progress_is_used_until_it_stops() {
    let mut life = started(Some(Millis::from_seconds(100)));
    life.on(Event::SocketUpdated(SocketUpdate::Stage("task_output".to_owned())));
    assert_eq!(after(&mut life, 50), (54, ProgressSource::Estimate));
    // A lower percentage than shown: it is used from now on, and the progress does not fall.
    life.on(Event::SocketUpdated(SocketUpdate::Progress(40)));
    assert_eq!(after(&mut life, 1), (54, ProgressSource::Upstream));
    life.on(Event::SocketUpdated(SocketUpdate::Progress(60)));
    assert_eq!(after(&mut life, 29), (60, ProgressSource::Upstream));
    // 60 % took 51 s: after 81 s there are 4 s left, or the rest of the stage.
    let (progress, source) = after(&mut life, 1);
    assert!((75..85).contains(&progress) && source == ProgressSource::Estimate, "{progress}");
}

#[test]
fn a_waiting_video_has_no_progress() {
    let mut life = accepted(None);
    assert_eq!(after(&mut life, 600), (0, ProgressSource::None));
}

#[test]
fn a_job_without_known_start_gives_no_duration_sample() {
    let mut seen = started(None);
    seen.now += 70_000;
    seen.observe(succeeded());
    assert_eq!(seen.task.generation_time(), Some(Millis::from_seconds(70)));

    let mut found = accepted(None);
    found.on(Event::RunAnswered(RunOutcome::Unknown));
    found.now += 70_000;
    found.on(Event::Searched(SearchOutcome::Found(job())));
    found.observe(succeeded());
    assert_eq!(found.task.generation_time(), None);
}
