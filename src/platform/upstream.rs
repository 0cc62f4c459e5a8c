//! Between the domain and Wiro: performs a task's calls and says what they mean for its lifecycle.

use serde_json::json;
use worker::Env;
use worker::web_sys::ReadableStream;

use super::clock;
use super::config::Config;
use super::log::{self, Level};
use super::network::FetchError;
use super::videos::Videos;
use super::wiro_client::WiroClient;
use crate::video::event::{Observation, RunOutcome, Search};
use crate::video::record::{Failure, FailureCode, Input};
use crate::video::task::{Job, Source, Task};
use crate::video::time::Millis;
use crate::wiro::answer::HttpAnswer;
use crate::wiro::run::{RunAnswer, RunImage, RunRequest};
use crate::wiro::task::{
    Stop, TaskName, TaskRow, TaskRows, TaskState, list_body, read_detail, read_done, read_rows,
};

/// Most pages of Task/List that one search reads.
const MAX_LIST_PAGES: usize = 10;

/// How far Wiro's clock may be from ours.
const CLOCK_SKEW_SECONDS: i64 = 600;

/// Longest message of Wiro's that is shown.
const MAX_MESSAGE_CHARS: usize = 300;

pub struct Upstream<'a> {
    config: &'a Config,
    env: &'a Env,
}

impl<'a> Upstream<'a> {
    #[must_use]
    pub fn new(config: &'a Config, env: &'a Env) -> Self {
        Self { config, env }
    }

    /// Sends Run, once.
    pub async fn run(&self, task: &Task) -> RunOutcome {
        let id = task.record.id.as_str();
        let not_sent = |reason: String| {
            log::write(Level::Warn, "Run was not sent", [("video.id", id.into()), ("reason", reason.into())]);
            RunOutcome::NotStarted { retry_after: None }
        };
        let boundary = match clock::random::<16>() {
            Ok(random) => base16ct::lower::encode_string(&random),
            Err(error) => return not_sent(error.to_string()),
        };
        let image = match self.image(task).await {
            Ok(image) => image,
            Err(reason) => return not_sent(reason),
        };
        let form = run_request(&task.record.input, &task.callback_url).form(&boundary);
        let path = format!("/Run/{}", self.config.wiro_model);
        match self.client().run(&path, &form, image).await {
            Ok(answer) => run_outcome(id, RunAnswer::read(&answer), answer.status),
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

    /// Asks how the job stands.
    pub async fn check(&self, task: &Task, job: &Job) -> Observation {
        let state = self.detail(job).await.and_then(|answer| read_detail(&answer));
        let id = task.record.id.as_str();
        match state {
            Ok(TaskState::Working { status }) => Observation::Working { status },
            Ok(TaskState::Succeeded { output, total_cost }) => Observation::Succeeded {
                source: Source { url: output.url, size: output.size },
                cost_usd: total_cost,
            },
            Ok(TaskState::Failed { reason, total_cost }) => {
                log::write(
                    Level::Warn,
                    "the run failed",
                    [("video.id", id.into()), ("reason", reason.into())],
                );
                Observation::Failed { cost_usd: total_cost }
            }
            Ok(TaskState::Cancelled { total_cost }) => Observation::Cancelled { cost_usd: total_cost },
            Err(reason) => {
                log::write(
                    Level::Warn,
                    "the check failed",
                    [("video.id", id.into()), ("reason", reason.into())],
                );
                Observation::Unreadable
            }
        }
    }

    /// Stops the job in whichever way Wiro accepts, then asks how it stands: that alone counts.
    pub async fn stop(&self, task: &Task, job: &Job) -> Observation {
        let body = task_name(job).stop_body();
        let mut refusals = Vec::new();
        for way in Stop::ways(&task.record.stage) {
            let answer = self.client().call(way.path(), &body).await;
            match answer.map_err(|error| error.to_string()).and_then(|answer| read_done(&answer)) {
                Ok(()) => return self.check(task, job).await,
                Err(reason) => refusals.push(reason),
            }
        }
        let fields = [("video.id", json!(task.record.id)), ("reasons", json!(refusals))];
        log::write(Level::Warn, "the job was not stopped", fields);
        self.check(task, job).await
    }

    /// Has Wiro delete the files of a job that ended; asked again, it says yes again.
    ///
    /// # Errors
    /// A reason for the log.
    pub async fn purge(&self, job: &Job) -> Result<(), String> {
        let answer = self.client().call("/Task/InputOutputDelete", &task_name(job).purge_body()).await;
        read_done(&answer.map_err(|error| error.to_string())?)
    }

    /// Looks for the job that carries this task's callback URL: where a callback pointed, then in the
    /// list of jobs.
    pub async fn search(&self, task: &Task, hint: Option<Job>) -> Search {
        let found = match self.follow(task, hint).await {
            Ok(Some(job)) => Ok(Some(job)),
            Ok(None) => self.search_list(task).await,
            Err(reason) => Err(reason),
        };
        let id = task.record.id.as_str();
        match found {
            Ok(found) => {
                let fields = [("video.id", json!(id)), ("found", json!(found.is_some()))];
                log::write(Level::Info, "a job was searched for", fields);
                found.map_or(Search::Nothing, Search::Found)
            }
            Err(reason) => {
                log::write(
                    Level::Warn,
                    "the search failed",
                    [("video.id", id.into()), ("reason", reason.into())],
                );
                Search::Failed
            }
        }
    }

    /// A callback's URL is known to Wiro alone: the job it names is ours unless Detail says otherwise.
    async fn follow(&self, task: &Task, hint: Option<Job>) -> Result<Option<Job>, String> {
        let Some(hint) = hint else { return Ok(None) };
        let TaskRows { rows, .. } = self.detail(&hint).await.and_then(|answer| read_rows(&answer))?;
        let is_ours = |row: &TaskRow| row.callback_url.as_ref().is_none_or(|url| *url == task.callback_url);
        Ok(rows.into_iter().find(is_ours).map(|row| job(row.name)))
    }

    /// Pages, newest first, until the rows are older than the task.
    async fn search_list(&self, task: &Task) -> Result<Option<Job>, String> {
        for page in 0..MAX_LIST_PAGES {
            let answer = self
                .client()
                .call("/Task/List", &list_body(page))
                .await
                .map_err(|error| error.to_string())?;
            let TaskRows { rows, is_full } = read_rows(&answer)?;
            let oldest = rows.last().and_then(|row| row.created_at);
            let ours = rows.into_iter().find(|row| row.callback_url.as_ref() == Some(&task.callback_url));
            if let Some(row) = ours {
                return Ok(Some(job(row.name)));
            }
            if !is_full || oldest.is_some_and(|oldest| oldest < task.record.created_at - CLOCK_SKEW_SECONDS) {
                break;
            }
        }
        Ok(None)
    }

    async fn detail(&self, job: &Job) -> Result<HttpAnswer, String> {
        let answer = self.client().call("/Task/Detail", &task_name(job).detail_body()).await;
        answer.map_err(|error| error.to_string())
    }

    fn client(&self) -> WiroClient<'a> {
        WiroClient::of(self.config)
    }

    async fn image(&self, task: &Task) -> Result<Option<(ReadableStream, u64)>, String> {
        if task.record.input.input_image_first.is_none() {
            return Ok(None);
        }
        let videos = Videos::new(self.env).map_err(|error| error.to_string())?;
        match videos.input(&task.record.id).await {
            Ok(Some(image)) => Ok(Some(image)),
            Ok(None) => Err("the uploaded image is gone".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn task_name(job: &Job) -> TaskName {
    TaskName { task_id: job.task_id.clone(), token: job.token.clone() }
}

fn job(name: TaskName) -> Job {
    Job { task_id: name.task_id, token: name.token }
}

fn run_request(input: &Input, callback_url: &str) -> RunRequest {
    let image = match (&input.input_image_first, &input.input_image_first_url) {
        (Some(image), _) => RunImage::File {
            name: format!("image.{}", image.content_type.extension()),
            content_type: image.content_type.content_type().to_owned(),
        },
        (None, Some(url)) => RunImage::Url(url.clone()),
        (None, None) => RunImage::None,
    };
    RunRequest {
        image,
        prompt: input.prompt.clone(),
        prompt_optimizer: input.prompt_optimizer,
        resolution: input.resolution.as_str().to_owned(),
        duration_seconds: input.duration,
        callback_url: callback_url.to_owned(),
    }
}

/// Refusals for the account are the operator's: loud in the log, silent to the public.
fn run_outcome(id: &str, answer: RunAnswer, status: u16) -> RunOutcome {
    match answer {
        RunAnswer::Started { task_id, token } => RunOutcome::Started(Job { task_id, token }),
        RunAnswer::Busy { retry_after_seconds } => {
            RunOutcome::NotStarted { retry_after: retry_after_seconds.map(Millis::from_seconds) }
        }
        RunAnswer::Full { retry_after_seconds } => {
            RunOutcome::Full { retry_after: retry_after_seconds.map(Millis::from_seconds) }
        }
        RunAnswer::RefusedParameters { message } => {
            let message = message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS).collect();
            RunOutcome::Refused(Failure { code: FailureCode::UpstreamRejected, message })
        }
        RunAnswer::RefusedAccount { reason } => {
            let fields = [("video.id", json!(id)), ("reason", json!(reason))];
            log::write(Level::Error, "Wiro refuses the account: check its key, secret and balance", fields);
            let message = "Videos cannot be made at the moment.".to_owned();
            RunOutcome::Refused(Failure { code: FailureCode::UpstreamUnavailable, message })
        }
        RunAnswer::Unknown => {
            let fields = [("video.id", json!(id)), ("http.status", json!(status))];
            log::write(Level::Error, "Run's answer cannot be read: it may have started", fields);
            RunOutcome::Unknown
        }
    }
}
