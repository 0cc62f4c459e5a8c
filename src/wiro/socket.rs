//! Wiro's WebSocket: a client asks for a job by its token and receives its progress.

use serde_json::{Value, json};

use super::envelope::text;
use super::task::{RemoteTaskRef, printable};
use super::text::clean;

/// Most lines of a full log that are read.
const MAX_LINES: usize = 500;

/// Only a line with one of these words contains the progress of the video; other percentages may be downloads.
const PROGRESS_WORDS: [&str; 4] = ["process", "progress", "generat", "render"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// The job has this status.
    Stage(String),
    /// Percent of the generation.
    Progress(u8),
    /// A cleaned log line of the run.
    Line { output: Output, text: String },
    /// All cleaned log lines of this stream.
    Full { output: Output, lines: Vec<String> },
    /// The job ended; Task/Detail says how.
    Ended,
}

/// The first message to the socket, which asks for a job.
#[must_use]
pub fn task_info(task: &RemoteTaskRef) -> String {
    json!({ "type": "task_info", "tasktoken": task.token }).to_string()
}

/// Reads a message. An unknown message yields no events.
#[must_use]
pub fn read(message: &str) -> Vec<SocketEvent> {
    let Ok(value) = serde_json::from_str::<Value>(message) else { return Vec::new() };
    let Some(kind) = text(&value, "type").filter(|kind| kind.starts_with("task_")) else { return Vec::new() };
    let content = value.get("message").unwrap_or(&Value::Null);
    let written = |output: Output| non_empty_text(content).map(|text| SocketEvent::Line { output, text });
    let full = |output: Output| {
        let lines = content.get("raw").unwrap_or(content).as_str().unwrap_or_default().lines();
        let lines: Vec<String> = lines.map(clean).filter(|line| !line.is_empty()).take(MAX_LINES).collect();
        (!lines.is_empty()).then_some(SocketEvent::Full { output, lines })
    };
    let stage = SocketEvent::Stage(printable(&kind));
    match kind.as_str() {
        "task_output" => {
            if let Some(percent) = progress(content) {
                return vec![stage, SocketEvent::Progress(percent)];
            }
            let line = written(Output::Stdout);
            let percent = content.as_str().and_then(percentage_in_line).map(SocketEvent::Progress);
            [Some(stage), line, percent].into_iter().flatten().collect()
        }
        "task_output_full" => [Some(stage), full(Output::Stdout)].into_iter().flatten().collect(),
        // Lines on stderr are neither stages nor failures.
        "task_error" => written(Output::Stderr).into_iter().collect(),
        "task_error_full" => full(Output::Stderr).into_iter().collect(),
        "task_postprocess_end" | "task_cancel" => vec![SocketEvent::Ended],
        _ => vec![stage],
    }
}

/// The percentage of a progress message: an object, or an object as JSON text.
fn progress(content: &Value) -> Option<u8> {
    match content {
        Value::String(written) => {
            let object = serde_json::from_str::<Value>(written).ok()?;
            percentage(&text(&object, "percentage")?)
        }
        _ => percentage(&text(content, "percentage")?),
    }
}

/// Percent from 0 to 100, rounded down.
fn percentage(text: &str) -> Option<u8> {
    text.trim().trim_end_matches('%').split('.').next()?.parse().ok().filter(|percent| *percent <= 100)
}

/// The last percentage in a line about the video's progress.
fn percentage_in_line(line: &str) -> Option<u8> {
    let lower = line.to_ascii_lowercase();
    if !PROGRESS_WORDS.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let (before, _) = line.rsplit_once('%')?;
    let is_figure = |c: char| c.is_ascii_digit() || c == '.';
    percentage(before.trim_end().rsplit(|c| !is_figure(c)).next()?)
}

fn non_empty_text(content: &Value) -> Option<String> {
    content.as_str().map(str::trim).filter(|text| !text.is_empty()).map(clean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(kind: &str, message: &Value) -> Vec<SocketEvent> {
        let id = "1";
        read(
            &json!({ "type": kind, "id": id, "tasktoken": "t", "message": message, "result": true })
                .to_string(),
        )
    }

    fn stage(name: &str) -> SocketEvent {
        SocketEvent::Stage(name.to_owned())
    }

    fn line(output: Output, text: &str) -> SocketEvent {
        SocketEvent::Line { output, text: text.to_owned() }
    }

    #[test]
    fn each_message_of_the_first_format_is_parsed() {
        for name in [
            "task_queue",
            "task_accept",
            "task_preprocess_start",
            "task_preprocess_end",
            "task_assign",
            "task_start",
            "task_end",
            "task_postprocess_start",
        ] {
            assert_eq!(of(name, &Value::Null), [stage(name)]);
        }
        let percent = json!({ "type": "progressGenerate", "percentage": "60", "stepCurrent": "6" });
        assert_eq!(of("task_output", &percent), [stage("task_output"), SocketEvent::Progress(60)]);
        assert_eq!(
            of("task_output", &json!("Loading")),
            [stage("task_output"), line(Output::Stdout, "Loading")]
        );
        assert_eq!(of("task_error", &json!("Warning")), [line(Output::Stderr, "Warning")]);
        let full = |output| SocketEvent::Full { output, lines: vec!["a".to_owned(), "b".to_owned()] };
        for message in [json!({ "raw": "a\nb" }), json!("a\n \nb\n")] {
            assert_eq!(of("task_output_full", &message), [stage("task_output_full"), full(Output::Stdout)]);
            assert_eq!(of("task_error_full", &message), [full(Output::Stderr)]);
        }
        let outputs = json!([{ "url": "https://cdn1.wiro.ai/a/0.mp4" }]);
        assert_eq!(of("task_postprocess_end", &outputs), [SocketEvent::Ended]);
        assert_eq!(of("task_cancel", &Value::Null), [SocketEvent::Ended]);
    }

    #[test]
    fn unknown_messages_give_no_events() {
        for message in
            ["", "[]", "null", "42", "\"task_end\"", r#"{"type":17}"#, r#"{"type":"connected"}"#, "{"]
        {
            assert_eq!(read(message), [], "{message}");
        }
        assert_eq!(of("task_output", &json!("  ")), [stage("task_output")]);
        assert_eq!(of("task_output_full", &json!({ "raw": " \n" })), [stage("task_output_full")]);
        assert_eq!(of("task_output", &json!({ "percentage": "140" })), [stage("task_output")]);
        assert_eq!(of("task_dreaming", &Value::Null), [stage("task_dreaming")]);
    }

    #[test]
    fn log_lines_are_cleaned() {
        let written = "saved to https://cdn1.wiro.ai/x/0.mp4 now";
        assert_eq!(of("task_error", &json!(written)), [line(Output::Stderr, "saved to […] now")]);
        let full = SocketEvent::Full { output: Output::Stderr, lines: vec!["saved to […] now".to_owned()] };
        assert_eq!(of("task_error_full", &json!({ "raw": written })), [full]);
    }

    #[test]
    fn each_progress_format_is_parsed() {
        let percent = |message: Value| {
            of("task_output", &message).into_iter().find_map(|event| match event {
                SocketEvent::Progress(percent) => Some(percent),
                _ => None,
            })
        };
        assert_eq!(percent(json!({ "type": "progressGenerate", "percentage": "42.5" })), Some(42));
        assert_eq!(percent(json!({ "percentage": 42.5 })), Some(42));
        assert_eq!(percent(json!({ "percentage": "7%" })), Some(7));
        assert_eq!(percent(json!(r#"{"percentage": 10, "stepCurrent": 1}"#)), Some(10));
        assert_eq!(percent(json!("Video Process Status: Processing: [=====-----] 44.0%")), Some(44));
        assert_eq!(percent(json!("generating 10% … 30 % done")), Some(30));
        for none in [
            json!("Loading weights: 100%"),
            json!("processing"),
            json!("progress: %"),
            json!("progress: 400%"),
            json!(r#"{"percentage": "x"}"#),
            json!({ "percentage": "140" }),
            json!(null),
        ] {
            assert_eq!(percent(none.clone()), None, "{none}");
        }
        // The line is shown besides; a text of an object is not.
        assert_eq!(of("task_output", &json!("progress 5%")).len(), 3);
        assert_eq!(of("task_output", &json!(r#"{"percentage": 10}"#)).len(), 2);
    }

    #[test]
    fn each_message_of_2026_is_parsed() {
        let events: Vec<_> =
            include_str!("../../tests/wiro/socket-2026-08.jsonl").lines().map(read).collect();
        let expected: Vec<Vec<SocketEvent>> = vec![
            vec![],
            vec![stage("task_accept")],
            vec![stage("task_assign")],
            vec![stage("task_output"), SocketEvent::Progress(60)],
            vec![stage("task_output"), line(Output::Stdout, "Processing complete.")],
            vec![
                stage("task_output"),
                line(
                    Output::Stdout,
                    "Video Process Status: Processing: [=============-----------------] 44.0%",
                ),
                SocketEvent::Progress(44),
            ],
            vec![stage("task_output"), SocketEvent::Progress(10)],
            vec![stage("task_output"), SocketEvent::Progress(42)],
            vec![line(Output::Stderr, "UserWarning: Some weights were not initialized...")],
            vec![stage("task_output_full")],
            vec![],
            vec![stage("task_end")],
            vec![stage("task_postprocess_start")],
            vec![SocketEvent::Ended],
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_job_is_subscribed_by_its_token() {
        let name = RemoteTaskRef { task_id: "1".to_owned(), token: Some("t".to_owned()) };
        assert_eq!(task_info(&name), r#"{"tasktoken":"t","type":"task_info"}"#);
    }

    proptest! {
        #[test]
        fn arbitrary_messages_do_not_panic(message in ".{0,200}", kind in "task_[a-z_]{0,12}", content in ".{0,80}") {
            let _ = read(&message);
            let _ = of(&kind, &json!(content));
            let _ = of(&kind, &json!({ "raw": content, "percentage": content }));
        }
    }
}
