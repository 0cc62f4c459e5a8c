//! Several videos lose the answers to their Runs, and the upstream's list may not show which job belongs to which video.
//! No job is adopted by two videos, and no video adopts a job that may belong to another.

use std::collections::BTreeMap;

use super::life::{START, policy};
use hailuo_worker::video::access::keys::SigningKeys;
use hailuo_worker::video::access::owner::Owner;
use hailuo_worker::video::lifecycle::event::{Effect, Event, RunOutcome, SlotReply};
use hailuo_worker::video::record::metadata::Metadata;
use hailuo_worker::video::record::{Image, Input};
use hailuo_worker::video::request::{ImageType, Resolution};
use hailuo_worker::video::task::search::{JobClaim, Ownership, SearchOutcome};
use hailuo_worker::video::task::{Job, NewTask, Task};
use hailuo_worker::video::time::{Tick, UnixMillis};
use hailuo_worker::wiro::http_response::HttpResponse;
use hailuo_worker::wiro::search::{LostRun, Match, TaskRow, read_rows};
use proptest::prelude::*;
use serde_json::{Value, json};

const MODEL: &str = "minimax/hailuo-2-3";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Answered,
    /// The job started, and the answer was lost.
    Unheard,
    NeverArrived,
}

/// A video. The upstream's list shows its prompt and whether it has an image, but not which image.
#[derive(Clone, Debug)]
struct Asked {
    prompt: &'static str,
    picture: Option<u8>,
    run: Run,
}

impl Asked {
    fn looks_like(&self, other: &Self) -> bool {
        self.prompt == other.prompt && self.picture.is_some() == other.picture.is_some()
    }

    fn is_equal_to(&self, other: &Self) -> bool {
        self.prompt == other.prompt && self.picture == other.picture
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let prompt = prop_oneof![Just("a cat"), Just("a dog")];
    let picture = proptest::option::of(0_u8..2);
    let run = prop_oneof![1 => Just(Run::Answered), 3 => Just(Run::Unheard), 2 => Just(Run::NeverArrived)];
    (prompt, picture, run).prop_map(|(prompt, picture, run)| Asked { prompt, picture, run })
}

struct Video {
    asked: Asked,
    task: Task,
    now: i64,
}

impl Video {
    /// Runs until Run is answered, or its answer is lost.
    fn begin(index: usize, asked: Asked) -> Self {
        let seed = [u8::try_from(index).unwrap(); 16];
        let id = SigningKeys::derive(&[7; 32]).unwrap().mint(&Owner::nobody(), seed);
        let image = Image { content_type: ImageType::Png, size: 7 };
        let new = NewTask {
            owner: Owner::nobody(),
            id,
            model: MODEL.to_owned(),
            model_path: String::new(),
            metadata: Metadata::default(),
            input: Input {
                prompt: asked.prompt.to_owned(),
                prompt_optimizer: true,
                resolution: Some(Resolution::new("768P")),
                duration: Some(6),
                input_image_first: asked.picture.map(|_| image),
                input_image_first_url: None,
                input_image_last: None,
                input_image_last_url: None,
            },
            callback_url: format!("https://w.example/hook/{index}"),
            fingerprint: format!("{} {:?}", asked.prompt, asked.picture),
        };
        let mut video = Self { task: Task::accept(new, UnixMillis::new(START)), asked, now: START };
        video.on(Event::ImageStored);
        while !video.on_alarm().contains(&Effect::Run) {
            video.on(Event::SlotReplied(SlotReply::Granted(None)));
        }
        let is_answered = video.asked.run == Run::Answered;
        video.on(Event::RunAnswered(if is_answered {
            RunOutcome::Started(job(index))
        } else {
            RunOutcome::Unknown
        }));
        video
    }

    fn at(&self) -> Tick {
        Tick { now: UnixMillis::new(self.now), jitter: u16::MAX / 2 }
    }

    fn on(&mut self, event: Event) {
        self.task.apply(event, &policy(), self.at());
    }

    fn on_alarm(&mut self) -> Vec<Effect> {
        self.now = self.now.max(self.task.alarm().unwrap().millis());
        self.task.on_alarm(&policy(), self.at())
    }

    fn lost_run(&self) -> LostRun {
        let input = &self.task.record.input;
        LostRun {
            callback_url: self.task.callback_url.clone(),
            created_at: self.task.record.created_at,
            model: MODEL.to_owned(),
            prompt: input.prompt.clone(),
            resolution: Some("768P".to_owned()),
            duration: Some(6),
            pictures: input.frame_count(),
            links: Vec::new(),
        }
    }
}

fn job(index: usize) -> Job {
    Job { task_id: index.to_string(), token: Some("t".to_owned()) }
}

/// The rows of the upstream's list.
fn rows(all: &[Asked], are_urls_hidden: bool) -> Vec<TaskRow> {
    let rows = all.iter().enumerate().filter(|(_, asked)| asked.run != Run::NeverArrived);
    let rows: Vec<Value> = rows
        .map(|(index, asked)| {
            let picture = if asked.picture.is_some() { "https://cdn1.wiro.ai/copy.png" } else { "" };
            let url = if are_urls_hidden { String::new() } else { format!("https://w.example/hook/{index}") };
            json!({
                "id": index.to_string(), "socketaccesstoken": "t", "status": "task_queue",
                "createtime": (START / 1000 + 1).to_string(), "callbackurl": url,
                "modelslugowner": "minimax", "modelslugproject": "hailuo-2-3",
                "parameters": {
                    "prompt": asked.prompt, "resolution": "768P", "duration": "6", "inputImageFirst": picture,
                },
            })
        })
        .collect();
    let body = json!({ "result": true, "errors": [], "tasklist": rows }).to_string();
    read_rows(&HttpResponse { status: 200, retry_after_seconds: None, body: Some(body) }).unwrap().rows
}

/// A search like the Worker's; `claims` contains the jobs that the dispatcher has granted.
fn search(
    videos: &[Video],
    index: usize,
    rows: &[TaskRow],
    claims: &mut BTreeMap<String, usize>,
) -> SearchOutcome {
    let video = &videos[index];
    let run = video.lost_run();
    let mut candidates = Vec::new();
    for row in rows {
        match run.matches(row) {
            Match::Certain => return SearchOutcome::Found(found(row)),
            Match::Possible => candidates.push(found(row)),
            Match::No => {}
        }
    }
    let [candidate] = &candidates[..] else { return SearchOutcome::NotFound };
    if let Some(owner) = claims.get(&candidate.task_id) {
        return if *owner == index {
            SearchOutcome::Found(candidate.clone())
        } else {
            SearchOutcome::NotFound
        };
    }
    let claim = JobClaim {
        task_id: candidate.task_id.clone(),
        model: MODEL.to_owned(),
        input: video.task.record.input.clone(),
        fingerprint: video.task.fingerprint.clone(),
    };
    let mut others = videos.iter().enumerate().filter(|(other, _)| *other != index);
    if others.any(|(_, other)| other.task.ownership_of(&claim) != Ownership::None) {
        return SearchOutcome::NotFound;
    }
    claims.insert(candidate.task_id.clone(), index);
    SearchOutcome::Found(candidate.clone())
}

fn found(row: &TaskRow) -> Job {
    Job { task_id: row.remote.task_id.clone(), token: row.remote.token.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn a_lost_job_is_adopted_by_its_own_video_or_none(
        all in proptest::collection::vec(asked(), 1..6),
        are_urls_hidden in any::<bool>(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let mut videos: Vec<_> = all.iter().cloned().enumerate().map(|(index, asked)| Video::begin(index, asked)).collect();
        let rows = rows(&all, are_urls_hidden);
        let mut claims = BTreeMap::new();
        for index in order.iter().map(|at| at.index(all.len())).chain(0..all.len()) {
            if videos[index].task.job().is_none() {
                let outcome = search(&videos, index, &rows, &mut claims);
                videos[index].on(Event::Searched(outcome));
            }
        }
        let jobs: Vec<Option<usize>> =
            videos.iter().map(|video| video.task.job().map(|job| job.task_id.parse().unwrap())).collect();
        let taken: Vec<usize> = jobs.iter().flatten().copied().collect();
        let mut once = taken.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), taken.len(), "a job became two videos': {:?} of {:?}", jobs, all);
        for (index, (video, job)) in videos.iter().zip(&jobs).enumerate() {
            if let Some(job) = job {
                // Equal requests may get each other's jobs.
                prop_assert!(video.asked.is_equal_to(&all[*job]), "{index} took {job} of {all:?}");
            }
            let alike = all.iter().filter(|other| other.looks_like(&video.asked)).count();
            let must_find = video.asked.run == Run::Unheard && (!are_urls_hidden || alike == 1);
            prop_assert!(!must_find || *job == Some(index), "{index} did not find its job among {all:?}");
        }
    }
}
