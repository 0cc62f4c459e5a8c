//! The result of a tool call, from what the API answered. Pure.

use serde_json::{Map, Value, json};

use super::reply::members;

/// Why a result contains a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The call waited for the end. The text says how to go on waiting, and a failed video is an error.
    End,
    /// The call reads the current state.
    Look,
}

/// A result whose text says what to know and what to do next.
#[must_use]
pub fn of_video(video: Value, purpose: Purpose) -> Map<String, Value> {
    let about = VideoText::of(&video);
    let is_failure = purpose == Purpose::End && about.status == "failed";
    let mut content = vec![text(&about.summary(purpose)), text(&video.to_string())];
    content.extend(link(&video));
    result(content, Some(video), is_failure)
}

/// A list, the models or the usage.
#[must_use]
pub fn of_answer(answer: Value) -> Map<String, Value> {
    result(vec![text(&answer.to_string())], Some(answer), false)
}

/// A problem document: what was wrong, field by field, and when to try again.
#[must_use]
pub fn of_problem(problem: &Value, retry_after: Option<&str>) -> Map<String, Value> {
    let member = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut lines = vec![format!("{}: {}", member("code"), member("detail"))];
    for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let member = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        lines.push(format!("- {} {}", member("field"), member("message")));
    }
    if let Some(seconds) = retry_after {
        lines.push(format!("Try again in {seconds} seconds, not earlier."));
    }
    lines.push(format!("Request id: {}", member("request_id")));
    result(vec![text(&lines.join("\n"))], None, true)
}

/// What a progress notification says of a video.
#[must_use]
pub fn progress_message(video: &Value) -> String {
    VideoText::of(video).progress()
}

fn result(content: Vec<Value>, structured: Option<Value>, is_error: bool) -> Map<String, Value> {
    let mut result = Map::from_iter([("content".to_owned(), Value::Array(content))]);
    if let Some(structured) = structured {
        result.insert("structuredContent".to_owned(), structured);
    }
    if is_error {
        result.insert("isError".to_owned(), json!(true));
    }
    result
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// The link to the MP4 of a completed video.
fn link(video: &Value) -> Option<Value> {
    let url = video.pointer("/urls/content")?.as_str()?;
    let id = video.get("id")?.as_str()?;
    let mut link = members(json!({
        "type": "resource_link",
        "uri": url,
        "name": format!("{id}.mp4"),
        "mimeType": "video/mp4",
        "description": "The finished video. Anybody who has the link can play it; get_video gives a new one when it has expired.",
    }));
    if let Some(title) = video.get("prompt").and_then(Value::as_str).filter(|prompt| !prompt.is_empty()) {
        link.insert("title".to_owned(), json!(title.chars().take(80).collect::<String>()));
    }
    if let Some(size) = video.pointer("/output/size") {
        link.insert("size".to_owned(), size.clone());
    }
    Some(Value::Object(link))
}

/// The members of a Video that the text names.
struct VideoText<'a> {
    id: &'a str,
    status: &'a str,
    stage: &'a str,
    progress: u64,
    queue_position: Option<u64>,
    size: Option<&'a str>,
    seconds: Option<&'a str>,
    cost_usd: Option<&'a str>,
    error: Option<&'a str>,
    error_code: Option<&'a str>,
    content: Option<&'a str>,
    warnings: Vec<&'a str>,
}

impl<'a> VideoText<'a> {
    fn of(video: &'a Value) -> Self {
        let text = |path: &str| video.pointer(path).and_then(Value::as_str);
        let warnings = video.get("warnings").and_then(Value::as_array).into_iter().flatten();
        Self {
            id: text("/id").unwrap_or_default(),
            status: text("/status").unwrap_or_default(),
            stage: text("/stage").unwrap_or_default(),
            progress: video.get("progress").and_then(Value::as_u64).unwrap_or_default(),
            queue_position: video.get("queue_position").and_then(Value::as_u64),
            size: text("/size"),
            seconds: text("/seconds"),
            cost_usd: text("/cost_usd"),
            error: text("/error/message"),
            error_code: text("/error/code"),
            content: text("/urls/content"),
            warnings: warnings.filter_map(Value::as_str).collect(),
        }
    }

    fn summary(&self, purpose: Purpose) -> String {
        let id = self.id;
        let mut sentences = match self.status {
            "completed" => vec![self.completed()],
            "failed" => vec![format!(
                "Video {id} has failed: {} ({}).",
                self.error.unwrap_or("no reason is known"),
                self.error_code.unwrap_or_default()
            )],
            "cancelled" => vec![format!("Video {id} is cancelled.")],
            _ => vec![format!("Video {id} is not finished: {}.", self.progress())],
        };
        if let Some(cost_usd) = self.cost_usd {
            sentences.push(format!("It cost ${cost_usd}."));
        }
        if !self.warnings.is_empty() {
            sentences.push(format!("Warnings: {}.", self.warnings.join(", ")));
        }
        if purpose == Purpose::End && !self.is_final() {
            sentences.push(format!(
                "It is being made whether or not anybody waits. Call wait_for_video with the id {id}, again and again until it \
                 has ended. Do not call create_video again for this video: that makes and charges another one."
            ));
        }
        // Last, so that no full stop becomes part of the link.
        sentences.extend(self.content.map(|url| format!("Play it: {url}")));
        sentences.join(" ")
    }

    fn completed(&self) -> String {
        let mut about: Vec<String> = self.size.iter().map(|size| (*size).to_owned()).collect();
        about.extend(self.seconds.map(|seconds| format!("{seconds} s")));
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        format!("Video {} is completed{about}.", self.id)
    }

    /// `in_progress, stage task_start, 40 %`
    fn progress(&self) -> String {
        let queue = self.queue_position.map(|position| format!(", place {position} in the queue"));
        format!("{}, stage {}, {} %{}", self.status, self.stage, self.progress, queue.unwrap_or_default())
    }

    fn is_final(&self) -> bool {
        is_final_status(self.status)
    }
}

/// Whether the video has ended.
#[must_use]
pub fn is_final(video: &Value) -> bool {
    is_final_status(video.get("status").and_then(Value::as_str).unwrap_or_default())
}

fn is_final_status(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "cancelled")
}

/// Turns the states of a video into progress that only grows, as the protocol demands it: a change of stage alone
/// counts a little.
#[derive(Debug, Default)]
pub struct Progress {
    last: Option<(f64, String)>,
}

impl Progress {
    const STEP: f64 = 0.01;

    /// The progress to notify and its message; `None` when nothing has changed, or all is done.
    pub fn of(&mut self, video: &Value) -> Option<(f64, String)> {
        let message = progress_message(video);
        let percent = video.get("progress").and_then(Value::as_f64).unwrap_or_default();
        let progress = match &self.last {
            Some((_, before)) if *before == message => return None,
            Some((last, _)) => percent.max(last + Self::STEP),
            None => percent,
        };
        if progress > 100.0 {
            return None;
        }
        self.last = Some((progress, message.clone()));
        Some((progress, message))
    }
}

#[cfg(test)]
mod tests;
