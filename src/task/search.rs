//! Searches for the job whose response to Run was lost: first the job that a callback named, then Task/List.
//!
//! A row with our callback URL is the job. Where rows have no callback URL, a row that matches by model, time and
//! parameters is adopted only if it is the only match and no other video has that job or may have it.

use serde_json::json;

use super::upstream::{Upstream, job};
use crate::calls::dispatcher::DispatcherClient;
use crate::runtime::log::{self, Level};
use crate::video::task::search::{JobClaim, SearchOutcome, SearchProgress};
use crate::video::task::{Job, Task};
use crate::wiro::http_response::HttpResponse;
use crate::wiro::search::{LostRun, Match, PAGE_ROWS, TASK_LIST, TaskRows, list_body, read_rows};

/// Most pages of Task/List per search. The next search continues after them.
const MAX_PAGES: u32 = 10;

/// Two candidates are enough to know that the match is not unique.
const MAX_CANDIDATES: usize = 2;

impl Upstream<'_> {
    /// Searches for the job of a lost Run.
    pub async fn search(&self, task: &Task, hint: Option<Job>, progress: SearchProgress) -> SearchOutcome {
        let run = lost_run(task);
        if let Some(hint) = hint {
            match self.check_hint(&run, &hint).await {
                Ok(Some(job)) => return SearchOutcome::Found(job),
                Ok(None) => {}
                Err(reason) => self.warn(task, "reading the job that a callback named failed", &reason),
            }
        }
        let outcome = match self.search_list(task, &run, progress).await {
            Ok(Listed::Found(job)) => SearchOutcome::Found(job),
            Ok(Listed::All(candidates)) => self.choose(task, &run, candidates).await,
            Ok(Listed::Part(progress)) => {
                let reason =
                    format!("{} rows were read; the next search continues there", progress.rows_read);
                self.warn(task, "the search reached its page limit", &reason);
                SearchOutcome::Unfinished(progress)
            }
            Err(reason) => {
                self.warn(task, "searching for the job failed", &reason);
                SearchOutcome::Failed
            }
        };
        let is_found = matches!(outcome, SearchOutcome::Found(_));
        let fields = [("video.id", json!(task.record.id)), ("found", json!(is_found))];
        log::write(Level::Info, "searched for a lost job", fields);
        outcome
    }

    /// Only Wiro knows the callback URL, so the named job is ours unless Detail says otherwise.
    async fn check_hint(&self, run: &LostRun, hint: &Job) -> Result<Option<Job>, String> {
        let TaskRows { rows, .. } = self.detail(hint).await.and_then(|answer| read_rows(&answer))?;
        let is_ours = |url: &String| *url == run.callback_url;
        let row = rows.into_iter().next().ok_or("no task in the list")?;
        Ok(row.callback_url.as_ref().is_none_or(is_ours).then(|| job(row.remote)))
    }

    /// Reads pages, newest first, until the rows are older than the task. A page that is too large is read in smaller
    /// parts; a single row that is too large is skipped.
    async fn search_list(
        &self,
        task: &Task,
        run: &LostRun,
        progress: SearchProgress,
    ) -> Result<Listed, String> {
        let SearchProgress { mut rows_read, mut candidates } = progress;
        let mut limit = PAGE_ROWS;
        for _ in 0..MAX_PAGES {
            let answer = self.call(TASK_LIST, &list_body(rows_read, limit)).await?;
            if is_too_large(&answer) {
                if limit == 1 {
                    log::write(
                        Level::Warn,
                        "skipped a row of Task/List: too large",
                        [("video.id", json!(task.record.id)), ("row", json!(rows_read))],
                    );
                    rows_read = rows_read.saturating_add(1);
                }
                limit = (limit / 4).max(1);
                continue;
            }
            let TaskRows { rows, count } = read_rows(&answer)?;
            let is_last = count < usize::try_from(limit).unwrap_or(usize::MAX)
                || rows.last().is_some_and(|row| run.is_older(row));
            for row in rows {
                match run.matches(&row) {
                    Match::Certain => return Ok(Listed::Found(job(row.remote))),
                    Match::Possible => add_candidate(&mut candidates, job(row.remote)),
                    Match::No => {}
                }
            }
            if is_last {
                return Ok(Listed::All(candidates));
            }
            rows_read = rows_read.saturating_add(limit);
        }
        Ok(Listed::Part(SearchProgress { rows_read, candidates }))
    }

    /// The only match, if Detail confirms it and no other video owns it.
    async fn choose(&self, task: &Task, run: &LostRun, candidates: Vec<Job>) -> SearchOutcome {
        let candidate = match &candidates[..] {
            [] => return SearchOutcome::NotFound,
            [candidate] => candidate.clone(),
            _ => {
                self.warn(
                    task,
                    "several jobs match a lost Run: none is adopted",
                    "the rows cannot be told apart",
                );
                return SearchOutcome::NotFound;
            }
        };
        let matched = match self.detail(&candidate).await.and_then(|answer| read_rows(&answer)) {
            Ok(TaskRows { rows, .. }) => rows.first().map_or(Match::No, |row| run.matches(row)),
            Err(reason) => {
                self.warn(task, "reading the matching job failed", &reason);
                return SearchOutcome::Failed;
            }
        };
        let claim = JobClaim {
            task_id: candidate.task_id.clone(),
            model: task.model_path().to_owned(),
            input: task.record.input.clone(),
            fingerprint: task.fingerprint.clone(),
        };
        let is_free = match matched {
            Match::Certain => Ok(true),
            Match::No => Ok(false),
            Match::Possible => match DispatcherClient::new(self.env()) {
                Ok(dispatcher) => {
                    dispatcher.claim_job(&task.record.id, claim).await.map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            },
        };
        match is_free {
            Ok(true) => SearchOutcome::Found(candidate),
            Ok(false) => SearchOutcome::NotFound,
            Err(reason) => {
                self.warn(task, "claiming the matching job failed", &reason);
                SearchOutcome::Failed
            }
        }
    }
}

/// The result of a search of the list.
enum Listed {
    Found(Job),
    /// The whole list was read; these rows match.
    All(Vec<Job>),
    Part(SearchProgress),
}

fn is_too_large(answer: &HttpResponse) -> bool {
    answer.status == 200 && answer.body.is_none()
}

/// Newer rows push older ones back, so a row may be read twice.
fn add_candidate(candidates: &mut Vec<Job>, found: Job) {
    if candidates.len() < MAX_CANDIDATES && candidates.iter().all(|known| known.task_id != found.task_id) {
        candidates.push(found);
    }
}

fn lost_run(task: &Task) -> LostRun {
    let input = &task.record.input;
    LostRun {
        callback_url: task.callback_url.clone(),
        created_at: task.record.created_at,
        model: task.model_path().to_owned(),
        prompt: input.prompt.clone(),
        resolution: input.resolution.as_ref().map(|resolution| resolution.as_str().to_owned()),
        duration: input.duration,
        pictures: input.frame_count(),
        links: input.links().cloned().collect(),
    }
}

impl Upstream<'_> {
    fn warn(&self, task: &Task, message: &str, reason: &str) {
        self.note_error(reason);
        log::write(Level::Warn, message, [("video.id", json!(task.record.id)), ("reason", json!(reason))]);
    }
}
