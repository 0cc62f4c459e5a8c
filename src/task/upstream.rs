//! Performs a task's calls to Wiro and translates the results for its lifecycle. The search for a lost job is in
//! `task/search.rs`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use worker::Env;
use worker::web_sys::ReadableStream;

use crate::calls::dispatcher::DispatcherClient;
use crate::calls::uploads::{UploadMessage, UploadReply, hash_of_url};
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::fetch::FetchError;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::with_timeout;
use crate::storage::models;
use crate::storage::videos::{Frame, Videos};
use crate::upstream::client::WiroClient;
use crate::video::lifecycle::event::{Observation, RunOutcome};
use crate::video::record::{Failure, FailureCode, Image, Input, Warning};
use crate::video::task::{Job, Source, Task};
use crate::video::time::Millis;
use crate::wiro::hosts::is_wiro_link;
use crate::wiro::http_response::HttpResponse;
use crate::wiro::model::ModelDescription;
use crate::wiro::run::{Picture, RunRequest};
use crate::wiro::run_answer::RunAnswer;
use crate::wiro::task::{
    RemoteStatus, RemoteTaskRef, Stop, TaskDetail, read_detail, read_done, read_remote_ref,
};

/// How long a Run with an image waits for the model's description, if it was never read. Afterwards the built-in
/// parameter names are used.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

pub struct Upstream<'a> {
    config: &'a Config,
    env: &'a Env,
    last_error: RefCell<Option<String>>,
}

impl<'a> Upstream<'a> {
    #[must_use]
    pub fn new(config: &'a Config, env: &'a Env) -> Self {
        Self { config, env, last_error: RefCell::default() }
    }

    /// Keeps an error for the operator.
    pub fn note_error(&self, error: &str) {
        self.last_error.replace(Some(error.to_owned()));
    }

    /// The last error of these calls.
    pub fn take_error(&self) -> Option<String> {
        self.last_error.take()
    }

    pub(super) const fn env(&self) -> &Env {
        self.env
    }

    /// Sends Run once, for the model in the record.
    pub async fn run(&self, task: &Task) -> RunOutcome {
        let id = task.record.id.as_str();
        let not_sent = |reason: String| {
            self.note_error(&reason);
            log::write(
                Level::Warn,
                "sending Run failed",
                [("video.id", id.into()), ("reason", reason.into())],
            );
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
        let model = task.model_path();
        let description = self.describe(task).await;
        let form = run_request(&task.record.input, &task.callback_url).form(&description, &boundary);
        match self.client().run(&format!("/Run/{model}"), &form, files).await {
            Ok(answer) => {
                let answer = RunAnswer::read(&answer);
                if matches!(answer, RunAnswer::RefusedParameters { .. }) {
                    self.refresh_model(id, model).await;
                }
                if let Some(reason) = refusal_of(&answer) {
                    self.note_error(&reason);
                }
                run_outcome(id, model, answer)
            }
            Err(FetchError::NotSent(reason)) => not_sent(reason),
            Err(error) => {
                let reason = error.to_string();
                self.note_error(&reason);
                log::write(
                    Level::Error,
                    "the response to Run was lost: the job may have started",
                    [("video.id", id.into()), ("reason", reason.into())],
                );
                RunOutcome::Unknown
            }
        }
    }

    /// The model's description. Only a Run with an image waits for one that was never read: Wiro would ignore an
    /// image under an outdated parameter name, and charge for the video.
    async fn describe(&self, task: &Task) -> Rc<ModelDescription> {
        let model = task.model_path();
        let known = models::describe(self.env, model).await;
        if known.read_at.is_some() || task.record.input.frame_count() == 0 {
            return known;
        }
        let Ok(dispatcher) = DispatcherClient::new(self.env) else { return known };
        match with_timeout(DESCRIBE_TIMEOUT, dispatcher.describe_model(model)).await {
            Ok(Ok(Some(description))) => {
                let description = Rc::new(description);
                models::remember(model, Rc::clone(&description));
                description
            }
            Ok(Ok(None)) => known,
            Ok(Err(error)) => {
                log_no_description(task, &error.to_string());
                known
            }
            Err(error) => {
                log_no_description(task, &error.to_string());
                known
            }
        }
    }

    /// The description may be outdated; it is read again in the background.
    async fn refresh_model(&self, id: &str, model: &str) {
        models::forget(model);
        let description = async { DispatcherClient::new(self.env)?.refresh_model(model).await };
        if let Err(error) = description.await {
            let fields = [("video.id", id.into()), ("error", error.to_string().into())];
            log::write(Level::Warn, "refreshing the model description failed", fields);
        }
    }

    /// Checks the job's status.
    pub async fn check(&self, task: &Task, job: &Job) -> Observation {
        let id = task.record.id.as_str();
        let warn = |message: &str, reason: &str| {
            self.note_error(reason);
            log::write(Level::Warn, message, [("video.id", id.into()), ("reason", reason.into())]);
        };
        let TaskDetail { state, pictures } =
            match self.detail(job).await.and_then(|answer| read_detail(&answer)) {
                Ok(detail) => detail,
                Err(reason) => {
                    warn("checking the job failed", &reason);
                    return Observation::Unreadable;
                }
            };
        let ignored = ignored_picture(task, pictures);
        match state {
            RemoteStatus::Working { status, error_output } => {
                if let Some(error_output) = error_output.filter(|_| status == task.record.stage) {
                    let reason: String = error_output.chars().take(MAX_REASON_CHARS).collect();
                    warn("Wiro reports an error but has not ended the job", &reason);
                }
                Observation::Working { status, ignored }
            }
            RemoteStatus::Succeeded { output, total_cost } => Observation::Succeeded {
                source: Source { url: output.url, size: output.size },
                cost_usd: total_cost,
                ignored,
            },
            RemoteStatus::Failed { cause, reason, total_cost } => {
                let description =
                    reason.as_ref().map_or_else(|| cause.to_owned(), |reason| format!("{cause}: {reason}"));
                warn("the run failed at Wiro", &description);
                Observation::Failed { reason, cost_usd: total_cost }
            }
            RemoteStatus::Cancelled { total_cost } => Observation::Cancelled { cost_usd: total_cost },
        }
    }

    /// Stops the job in either way that Wiro accepts, then checks it, because only the check counts.
    pub async fn stop(&self, task: &Task, job: &Job) -> Observation {
        let body = remote_ref(job).stop_body();
        let mut refusals = Vec::new();
        for way in Stop::ways(&task.record.stage) {
            match self.call(way.path(), &body).await.and_then(|answer| read_done(&answer)) {
                Ok(()) => return self.check(task, job).await,
                Err(reason) => refusals.push(reason),
            }
        }
        self.note_error(&refusals.join("; "));
        let fields = [("video.id", json!(task.record.id)), ("reasons", json!(refusals))];
        log::write(Level::Warn, "stopping the job failed", fields);
        self.check(task, job).await
    }

    /// Deletes the job's files at Wiro; idempotent. Wiro would also delete an image that was given as a link to its
    /// own hosts, which another job may use: the files of such a job are kept.
    ///
    /// # Errors
    /// A reason for the log.
    pub async fn purge(&self, task: &Task, job: &Job) -> Result<(), String> {
        let links = task.record.input.links().filter(|link| is_wiro_link(link));
        let links: Vec<String> = links.map(|link| hash_of_url(link)).collect();
        if !links.is_empty() && !self.may_delete(task, &links).await? {
            let fields = [("video.id", json!(task.record.id))];
            log::write(Level::Info, "Wiro's files were kept: another job may use the image", fields);
            return Ok(());
        }
        let mut remote = remote_ref(job);
        if remote.token.is_none() {
            remote = self.detail(job).await.and_then(|answer| read_remote_ref(&answer))?;
        }
        let body = remote.purge_body().ok_or("the job has no token")?;
        read_done(&self.call("/Task/InputOutputDelete", &body).await?)?;
        if !links.is_empty() {
            let deleted = UploadMessage::Deleted(links);
            self.dispatcher()?.uploads(&task.owner, deleted).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Whether the linked files may be deleted: everything of the client is erased, and it uploaded them itself.
    async fn may_delete(&self, task: &Task, links: &[String]) -> Result<bool, String> {
        if !task.erases {
            return Ok(false);
        }
        let question = UploadMessage::AreOwn(links.to_vec());
        let reply = self.dispatcher()?.uploads(&task.owner, question).await;
        Ok(matches!(reply.map_err(|error| error.to_string())?, UploadReply::AreOwn(true)))
    }

    fn dispatcher(&self) -> Result<DispatcherClient, String> {
        DispatcherClient::new(self.env).map_err(|error| error.to_string())
    }

    pub(super) async fn detail(&self, job: &Job) -> Result<HttpResponse, String> {
        self.call("/Task/Detail", &remote_ref(job).detail_body()).await
    }

    pub(super) async fn call(&self, path: &str, body: &str) -> Result<HttpResponse, String> {
        self.client().call(path, body).await.map_err(|error| error.to_string())
    }

    fn client(&self) -> WiroClient<'a> {
        WiroClient::of(self.config)
    }

    /// The uploaded images, in the order of the form.
    async fn files(&self, task: &Task) -> Result<Vec<(ReadableStream, u64)>, String> {
        let input = &task.record.input;
        let mut files = Vec::new();
        for (frame, image) in
            [(Frame::First, &input.input_image_first), (Frame::Last, &input.input_image_last)]
        {
            if image.is_some() {
                let videos = Videos::new(self.env).map_err(|error| error.to_string())?;
                let file = videos.input(&task.record.id, frame).await.map_err(|error| error.to_string())?;
                files.push(file.ok_or("an uploaded image is missing")?);
            }
        }
        Ok(files)
    }
}

fn log_no_description(task: &Task, error: &str) {
    let fields = [("video.id", json!(task.record.id)), ("error", json!(error))];
    log::write(Level::Warn, "reading the model description failed", fields);
}

/// Longest logged reason.
const MAX_REASON_CHARS: usize = 300;

pub(super) fn remote_ref(job: &Job) -> RemoteTaskRef {
    RemoteTaskRef { task_id: job.task_id.clone(), token: job.token.clone() }
}

pub(super) fn job(name: RemoteTaskRef) -> Job {
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

/// A warning if Wiro does not show an image that was sent. Logged once.
fn ignored_picture(task: &Task, received: Option<usize>) -> Option<Warning> {
    let sent = task.record.input.frame_count();
    let warning = match received? {
        received if received >= sent => return None,
        0 => Warning::FirstFrameIgnored,
        _ => Warning::LastFrameIgnored,
    };
    if !task.record.warnings.contains(&warning) {
        let fields = [("video.id", json!(task.record.id)), ("warning", json!(warning))];
        log::write(Level::Error, "Wiro ignored an image: run `make probe` and check its parameters", fields);
    }
    Some(warning)
}

/// Why Run did not start a job, in Wiro's words where it said why.
fn refusal_of(answer: &RunAnswer) -> Option<String> {
    Some(match answer {
        RunAnswer::Started { .. } => return None,
        RunAnswer::RateLimited { .. } => "Wiro takes no more requests for a while".to_owned(),
        RunAnswer::AtCapacity { .. } => "Wiro takes no more jobs of the account for a while".to_owned(),
        RunAnswer::RefusedParameters { message } => message.clone(),
        RunAnswer::RefusedAccount { reason, .. }
        | RunAnswer::UnknownModel { reason }
        | RunAnswer::Unknown { reason } => reason.clone(),
    })
}

/// Refusals of the account concern the operator: they are logged in detail and reported to the public only as
/// unavailable.
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
            RunOutcome::AtCapacity { retry_after: retry_after(retry_after_seconds) }
        }
        RunAnswer::RefusedParameters { message } => {
            RunOutcome::Refused(Failure { code: FailureCode::UpstreamRejected, message })
        }
        RunAnswer::RefusedAccount { problem, reason } => unavailable(problem.advice(), &reason),
        RunAnswer::UnknownModel { reason } => {
            unavailable("Wiro has no such model for this account: check MODELS", &reason)
        }
        RunAnswer::Unknown { reason } => {
            let fields = [("video.id", json!(id)), ("reason", json!(reason))];
            log::write(Level::Error, "the outcome of Run is unknown: the job may have started", fields);
            RunOutcome::Unknown
        }
    }
}
