//! Between the domain and Wiro: performs a task's calls and says what they mean for its lifecycle. The search for a lost
//! job is in `task/search.rs`.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use worker::Env;
use worker::web_sys::ReadableStream;

use crate::calls::dispatcher::Dispatch;
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::fetch::FetchError;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::within;
use crate::storage::models;
use crate::storage::videos::{Frame, Videos};
use crate::upstream::client::WiroClient;
use crate::video::lifecycle::event::{Observation, RunOutcome};
use crate::video::record::{Failure, FailureCode, Image, Input, Warning};
use crate::video::task::{Job, Source, Task};
use crate::video::time::Millis;
use crate::wiro::answer::HttpAnswer;
use crate::wiro::hosts::is_wiro_link;
use crate::wiro::model::ModelDescription;
use crate::wiro::run::{Picture, RunRequest};
use crate::wiro::run_answer::RunAnswer;
use crate::wiro::task::{Stop, TaskDetail, TaskName, TaskState, read_detail, read_done, read_name};

/// How long a Run with a picture waits to be told the name of its parameter, when it was never told. Without it the seed's
/// name is used.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

pub struct Upstream<'a> {
    config: &'a Config,
    env: &'a Env,
}

impl<'a> Upstream<'a> {
    #[must_use]
    pub fn new(config: &'a Config, env: &'a Env) -> Self {
        Self { config, env }
    }

    pub(super) const fn env(&self) -> &Env {
        self.env
    }

    /// Sends Run, once, for the model of the record.
    pub async fn run(&self, task: &Task) -> RunOutcome {
        let id = task.record.id.as_str();
        let not_sent = |reason: String| {
            log::write(Level::Warn, "Run was not sent", [("video.id", id.into()), ("reason", reason.into())]);
            RunOutcome::NotStarted { retry_after: None }
        };
        let boundary = match clock::random::<16>() {
            Ok(random) => hex::encode(random),
            Err(error) => return not_sent(error.to_string()),
        };
        let files = match self.files(task).await {
            Ok(files) => files,
            Err(reason) => return not_sent(reason),
        };
        let model = &task.record.model;
        let description = self.describe(task).await;
        let form = run_request(&task.record.input, &task.callback_url).form(&description, &boundary);
        match self.client().run(&format!("/Run/{model}"), &form, files).await {
            Ok(answer) => {
                let answer = RunAnswer::read(&answer);
                if matches!(answer, RunAnswer::RefusedParameters { .. }) {
                    self.distrust(model).await;
                }
                run_outcome(id, model, answer)
            }
            Err(FetchError::NotSent(reason)) => not_sent(reason),
            Err(error) => {
                let reason = error.to_string();
                log::write(
                    Level::Error,
                    "Run's answer was lost",
                    [("video.id", id.into()), ("reason", reason.into())],
                );
                RunOutcome::Unknown
            }
        }
    }

    /// The model's description. Only a picture is worth waiting for one that nobody has read yet: under a name that is no
    /// longer in use it would be ignored, and the video charged for.
    async fn describe(&self, task: &Task) -> Rc<ModelDescription> {
        let model = &task.record.model;
        let known = models::describe(self.env, model).await;
        if known.read_at.is_some() || task.record.input.pictures() == 0 {
            return known;
        }
        let Ok(dispatch) = Dispatch::new(self.env) else { return known };
        match within(DESCRIBE_TIMEOUT, dispatch.describe_model(model)).await {
            Ok(Ok(Some(told))) => {
                let told = Rc::new(told);
                models::remember(model, Rc::clone(&told));
                told
            }
            Ok(Ok(None)) => known,
            Ok(Err(error)) => {
                log::write(Level::Warn, "the model is not described", [("error", error.to_string().into())]);
                known
            }
            Err(error) => {
                log::write(Level::Warn, "the model is not described", [("error", error.to_string().into())]);
                known
            }
        }
    }

    /// What is known of the model may be wrong; it is read again in the background.
    async fn distrust(&self, model: &str) {
        models::forget(model);
        let told = async { Dispatch::new(self.env)?.distrust_model(model).await };
        if let Err(error) = told.await {
            log::write(Level::Warn, "the model is not read again", [("error", error.to_string().into())]);
        }
    }

    /// Asks how the job stands.
    pub async fn check(&self, task: &Task, job: &Job) -> Observation {
        let id = task.record.id.as_str();
        let warn = |message: &str, reason: &str| {
            log::write(Level::Warn, message, [("video.id", id.into()), ("reason", reason.into())]);
        };
        let TaskDetail { state, pictures } =
            match self.detail(job).await.and_then(|answer| read_detail(&answer)) {
                Ok(detail) => detail,
                Err(reason) => {
                    warn("the check failed", &reason);
                    return Observation::Unreadable;
                }
            };
        let ignored = ignored_picture(task, pictures);
        match state {
            TaskState::Working { status, complaint } => {
                if let Some(complaint) = complaint.filter(|_| status == task.record.stage) {
                    let reason: String = complaint.chars().take(MAX_REASON_CHARS).collect();
                    warn("the job stays in an error at Wiro", &reason);
                }
                Observation::Working { status, ignored }
            }
            TaskState::Succeeded { output, total_cost } => Observation::Succeeded {
                source: Source { url: output.url, size: output.size },
                cost_usd: total_cost,
                ignored,
            },
            TaskState::Failed { cause, reason, total_cost } => {
                let told =
                    reason.as_ref().map_or_else(|| cause.to_owned(), |reason| format!("{cause}: {reason}"));
                warn("the run failed", &told);
                Observation::Failed { reason, cost_usd: total_cost }
            }
            TaskState::Cancelled { total_cost } => Observation::Cancelled { cost_usd: total_cost },
        }
    }

    /// Stops the job in whichever way Wiro accepts, then asks how it stands: that alone counts.
    pub async fn stop(&self, task: &Task, job: &Job) -> Observation {
        let body = task_name(job).stop_body();
        let mut refusals = Vec::new();
        for way in Stop::ways(&task.record.stage) {
            match self.call(way.path(), &body).await.and_then(|answer| read_done(&answer)) {
                Ok(()) => return self.check(task, job).await,
                Err(reason) => refusals.push(reason),
            }
        }
        let fields = [("video.id", json!(task.record.id)), ("reasons", json!(refusals))];
        log::write(Level::Warn, "the job was not stopped", fields);
        self.check(task, job).await
    }

    /// Has Wiro delete the files of a job that ended; asked again, it says yes again. A picture that came by a link on
    /// Wiro's own hosts would be deleted too, and another job may use it: such a job is spared.
    ///
    /// # Errors
    /// A reason for the log.
    pub async fn purge(&self, task: &Task, job: &Job) -> Result<(), String> {
        if task.record.input.links().any(|link| is_wiro_link(link)) {
            let fields = [("video.id", json!(task.record.id))];
            log::write(Level::Info, "Wiro's files are kept: the picture may be another job's too", fields);
            return Ok(());
        }
        let mut name = task_name(job);
        if name.token.is_none() {
            name = self.detail(job).await.and_then(|answer| read_name(&answer))?;
        }
        let body = name.purge_body().ok_or("the job has no token")?;
        read_done(&self.call("/Task/InputOutputDelete", &body).await?)
    }

    pub(super) async fn detail(&self, job: &Job) -> Result<HttpAnswer, String> {
        self.call("/Task/Detail", &task_name(job).detail_body()).await
    }

    pub(super) async fn call(&self, path: &str, body: &str) -> Result<HttpAnswer, String> {
        self.client().call(path, body).await.map_err(|error| error.to_string())
    }

    fn client(&self) -> WiroClient<'a> {
        WiroClient::of(self.config)
    }

    /// The uploaded frames, in the order of the form.
    async fn files(&self, task: &Task) -> Result<Vec<(ReadableStream, u64)>, String> {
        let input = &task.record.input;
        let mut files = Vec::new();
        for (frame, image) in
            [(Frame::First, &input.input_image_first), (Frame::Last, &input.input_image_last)]
        {
            if image.is_some() {
                let videos = Videos::new(self.env).map_err(|error| error.to_string())?;
                let file = videos.input(&task.record.id, frame).await.map_err(|error| error.to_string())?;
                files.push(file.ok_or("an uploaded image is gone")?);
            }
        }
        Ok(files)
    }
}

/// Longest reason of Wiro's that is logged.
const MAX_REASON_CHARS: usize = 300;

pub(super) fn task_name(job: &Job) -> TaskName {
    TaskName { task_id: job.task_id.clone(), token: job.token.clone() }
}

pub(super) fn job(name: TaskName) -> Job {
    Job { task_id: name.task_id, token: name.token }
}

fn run_request(input: &Input, callback_url: &str) -> RunRequest {
    let picture = |image: &Option<Image>, link: &Option<String>, name: &str| match (image, link) {
        (Some(image), _) => Some(Picture::File {
            name: format!("{name}.{}", image.content_type.extension()),
            content_type: image.content_type.content_type().to_owned(),
        }),
        (None, Some(link)) => Some(Picture::Link(link.clone())),
        (None, None) => None,
    };
    RunRequest {
        first_frame: picture(&input.input_image_first, &input.input_image_first_url, "image"),
        last_frame: picture(&input.input_image_last, &input.input_image_last_url, "last"),
        prompt: input.prompt.clone(),
        prompt_optimizer: input.prompt_optimizer,
        resolution: input.resolution.as_ref().map(|resolution| resolution.as_str().to_owned()),
        duration: input.duration,
        callback_url: callback_url.to_owned(),
    }
}

/// A picture that was sent and that Wiro does not show among the parameters, which is logged once.
fn ignored_picture(task: &Task, shown: Option<usize>) -> Option<Warning> {
    let sent = task.record.input.pictures();
    let warning = match shown? {
        shown if shown >= sent => return None,
        0 => Warning::FirstFrameIgnored,
        _ => Warning::LastFrameIgnored,
    };
    if !task.record.warnings.contains(&warning) {
        let fields = [("video.id", json!(task.record.id)), ("warning", json!(warning))];
        log::write(Level::Error, "Wiro ignored a picture: run `make probe` and see its parameters", fields);
    }
    Some(warning)
}

/// Refusals for the account are the operator's: loud in the log, silent to the public.
fn run_outcome(id: &str, model: &str, answer: RunAnswer) -> RunOutcome {
    let retry_after = |seconds: Option<u64>| seconds.map(Millis::from_seconds);
    let unavailable = |message: &str, reason: &str| {
        let fields = [("video.id", json!(id)), ("model", json!(model)), ("reason", json!(reason))];
        log::write(Level::Error, message, fields);
        let message = "Videos cannot be made at the moment.".to_owned();
        RunOutcome::Refused(Failure { code: FailureCode::UpstreamUnavailable, message })
    };
    match answer {
        RunAnswer::Started { task_id, token } => RunOutcome::Started(Job { task_id, token }),
        RunAnswer::RateLimited { retry_after_seconds } => {
            RunOutcome::NotStarted { retry_after: retry_after(retry_after_seconds) }
        }
        RunAnswer::AtCapacity { retry_after_seconds } => {
            RunOutcome::Full { retry_after: retry_after(retry_after_seconds) }
        }
        RunAnswer::RefusedParameters { message } => {
            RunOutcome::Refused(Failure { code: FailureCode::UpstreamRejected, message })
        }
        RunAnswer::RefusedAccount { problem, reason } => unavailable(problem.advice(), &reason),
        RunAnswer::UnknownModel { reason } => {
            unavailable("Wiro has no such model for this account: check WIRO_MODEL", &reason)
        }
        RunAnswer::Unknown { reason } => {
            let fields = [("video.id", json!(id)), ("reason", json!(reason))];
            log::write(Level::Error, "Run's answer is not understood: it may have started", fields);
            RunOutcome::Unknown
        }
    }
}
